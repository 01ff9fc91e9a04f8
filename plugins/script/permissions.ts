import { TransporterError } from "@transporter/sdk";

/** What the interpreter is called that takes permissions. */
export const DENO = "deno";

/** What may be given: not what would lead out of them again, such as programs to run. */
const NAMES = "net|read|write|env|sys";

/** One permission; a comma would make two of it. */
export const PERMISSION_REGEXP: RegExp = new RegExp(
  `^(${NAMES})(?:=([^,\\s]{1,500}))?$`,
);

interface Permission {
  readonly name: string;
  /** What it is limited to. */
  readonly value: string | undefined;
}

function read(text: string): Permission {
  const [, name = "", value] = PERMISSION_REGEXP.exec(text) ?? [];
  return { name, value };
}

/** Whether a path is what it says: absolute, and without a way up. */
function isPlain(path: string): boolean {
  return path.startsWith("/") &&
    !path.split("/").some((part) => part === ".." || part === ".");
}

/** Whether what is wanted is a part of what is allowed. */
function covers(allowed: Permission, wanted: Permission): boolean {
  if (allowed.name !== wanted.name) return false;
  if (allowed.value === undefined) return true;
  if (wanted.value === undefined) return false;
  if (allowed.value === wanted.value) return true;
  switch (wanted.name) {
    case "read":
    case "write":
      return isPlain(wanted.value) &&
        wanted.value.startsWith(`${allowed.value.replace(/\/$/, "")}/`);
    case "net":
      // A host without a port means all of its ports.
      return wanted.value.replace(/:\d+$/, "") === allowed.value;
    default:
      return false;
  }
}

/**
 * Checks what an operator allows scripts of Deno.
 *
 * @throws {TransporterError} `usage`, naming what is no permission.
 */
export function checkAllowed(allowed: readonly string[]): void {
  const wrong = allowed.find((text) => !PERMISSION_REGEXP.test(text));
  if (wrong === undefined) return;
  throw new TransporterError(
    "usage",
    `Cannot allow scripts of Deno "${wrong}": it must be like "net=api.example:443"; there are ${
      NAMES.replaceAll("|", ", ")
    }`,
  );
}

/**
 * The options with which Deno runs a script that stands alone.
 *
 * @param wanted The permissions that an event names.
 * @param allowed Those that the operator allows.
 * @throws {TransporterError} `denied`, naming the first that is not allowed.
 */
export function denoOptions(
  wanted: readonly string[],
  allowed: readonly string[],
): readonly string[] {
  const excess = wanted.find((text) =>
    !allowed.some((each) => covers(read(each), read(text)))
  );
  if (excess !== undefined) {
    throw new TransporterError(
      "denied",
      `Cannot give a script the permission "${excess}": this agent allows ${
        allowed.map((each) => `"${each}"`).join(", ") || "none"
      }`,
    );
  }
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    "--no-remote",
    "--no-npm",
    "--ext=ts",
    ...wanted.map((text) => `--allow-${text}`),
  ];
}
