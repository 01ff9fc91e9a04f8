import { isRecord, TransporterError } from "@transporter/sdk";

const FILE_REGEXP = /\.(?:ya?ml|json)$/i;

/** A file of policies. */
interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

function refuse(dir: string, reason: string, cause?: unknown): never {
  throw new TransporterError(
    "usage",
    `Cannot start the agent with the policies in "${dir}": ${reason}`,
    { cause },
  );
}

async function filesIn(dir: string): Promise<PolicyFile[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dir));
    const names = entries.map(({ name }) => name)
      .filter((name) => FILE_REGEXP.test(name)).sort();
    return await Promise.all(names.map(async (name) => ({
      name,
      text: await Deno.readTextFile(`${dir}/${name}`),
    })));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return refuse(dir, reason, cause);
  }
}

/** The file that an error is about; its details count manifests from 1. */
function fileOf(
  files: readonly PolicyFile[],
  details: unknown,
): string {
  const number = isRecord(details) ? Number(details["manifest"]) : NaN;
  const name = files[number - 1]?.name;
  return name === undefined ? "" : `"${name}": `;
}

/**
 * Reads the operator's policies, and opens what they judge with.
 *
 * @param dir Where they are.
 * @param open Makes them ready.
 * @throws {TransporterError} `usage`, when there are none, or one cannot be read or be judged by.
 */
export async function readPolicyDir<Gate>(
  dir: string,
  open: (documents: readonly string[]) => Promise<Gate>,
): Promise<Gate> {
  const files = await filesIn(dir);
  if (files.length === 0) {
    refuse(dir, "there is no file in it that ends in .yaml, .yml or .json");
  }
  try {
    return await open(files.map(({ text }) => text));
  } catch (cause) {
    if (!(cause instanceof TransporterError)) throw cause;
    return refuse(
      dir,
      `${fileOf(files, cause.details)}${cause.message}`,
      cause,
    );
  }
}
