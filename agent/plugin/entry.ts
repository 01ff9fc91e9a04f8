import { isRecord, nearest, TransporterError } from "@transporter/sdk";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What an isolated plugin may touch, as lists of what Deno's `--allow-…` flags take; `true` is everything. */
export type Allowed = Readonly<Partial<Record<Permission, Grant>>>;

/** How much of one permission is given. */
export type Grant = true | readonly string[];

/** What can be given. */
export type Permission = (typeof PERMISSIONS)[number];

/** What can be given, as entries name it. */
export const PERMISSIONS = [
  "net",
  "read",
  "write",
  "env",
  "run",
  "sys",
] as const;

/** Where the value of a secret is. */
export interface SecretSource {
  /** A variable of the agent's environment, or a file. */
  readonly from: "env" | "file";
  /** Its name, or its path. */
  readonly at: string;
}

/** A plugin that an operator named. */
export interface PluginEntry {
  /** What it is called in messages: as the operator wrote it, without its pin. */
  readonly name: string;
  /** Its module: a URL. */
  readonly specifier: string;
  /** The hash that its modules must have, `sha256-…`; `undefined`: not pinned. */
  readonly integrity: string | undefined;
  /** Its config, not checked yet. */
  readonly config: unknown;
  /** What it may touch. */
  readonly allow: Allowed;
  /** Where the secrets are that it is lent, by the names that it asks with. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** Bytes of its heap, in MiB; what else it may take follows from it. */
  readonly memoryMib: number;
}

/** Heap of an isolated plugin in MiB unless its entry says otherwise. */
export const MEMORY_MIB_DEFAULT = 128;

const MEMORY_MIB_MAX = 16_384;
const MEMORY_MIB_MIN = 32;
const SCHEME_REGEXP = /^(file|https?|npm|jsr):/;
const PIN_REGEXP = /#(sha256-[^#]*)$/;
const INTEGRITY_REGEXP = /^sha256-[A-Za-z0-9+/]{43}=$/;

function refuse(message: string): never {
  throw new TransporterError("usage", message);
}

/** Refuses a key that an entry does not have. */
function checkKeys(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const similar = nearest(unknown, known);
  const hint = similar === undefined
    ? `it takes ${known.join(", ")}`
    : `did you mean "${similar}"?`;
  refuse(`Cannot use ${where}: the key "${unknown}" is not known, ${hint}`);
}

function readGrant(value: unknown, where: string): Grant {
  if (value === true) return true;
  // A comma would be read as the end of one and the begin of another.
  const fits = Array.isArray(value) && value.length > 0 &&
    value.every((item) =>
      typeof item === "string" && /^[^,]+$/.test(item) && !item.startsWith("-")
    );
  if (fits) return value;
  return refuse(
    `Cannot use ${where}: it must be true or a list of texts without commas`,
  );
}

function readAllowed(value: unknown, where: string): Allowed {
  if (value === undefined) return {};
  if (!isRecord(value)) refuse(`Cannot use ${where}: it must be a mapping`);
  checkKeys(value, PERMISSIONS, where);
  return Object.fromEntries(
    Object.entries(value).map((
      [key, grant],
    ) => [key, readGrant(grant, `${where}.${key}`)]),
  );
}

function readMemory(value: unknown, where: string): number {
  if (value === undefined) return MEMORY_MIB_DEFAULT;
  const fits = Number.isSafeInteger(value) &&
    (value as number) >= MEMORY_MIB_MIN && (value as number) <= MEMORY_MIB_MAX;
  if (fits) return value as number;
  return refuse(
    `Cannot use ${where}: it must be MiB, an integer from ${MEMORY_MIB_MIN} to ${MEMORY_MIB_MAX}`,
  );
}

const SOURCE_REGEXP = /^(env|file):(.+)$/;

function readSecrets(
  value: unknown,
  where: string,
  cwd: string,
): PluginEntry["secrets"] {
  if (value === undefined) return {};
  if (!isRecord(value)) refuse(`Cannot use ${where}: it must be a mapping`);
  return Object.fromEntries(
    Object.entries(value).map(([name, source]) => {
      const [, from, at = ""] = SOURCE_REGEXP.exec(String(source)) ?? [];
      if (from === "env") return [name, { from, at }];
      if (from === "file") return [name, { from, at: resolve(cwd, at) }];
      return refuse(
        `Cannot use ${where}.${name}: it must say where the secret is, as "env:VARIABLE" or "file:PATH"`,
      );
    }),
  );
}

/** Takes the pin off a specifier. */
function unpin(
  spec: string,
): { readonly name: string; readonly integrity: string | undefined } {
  const pin = PIN_REGEXP.exec(spec);
  if (pin === null) return { name: spec, integrity: undefined };
  const [text, integrity = ""] = pin;
  if (!INTEGRITY_REGEXP.test(integrity)) {
    refuse(
      `Cannot use the plugin "${spec}": after "#" stands a hash as "transporter plugin list" prints it`,
    );
  }
  return { name: spec.slice(0, -text.length), integrity };
}

/** Refuses an address that nothing is loaded from. */
function checkScheme(name: string): void {
  const [scheme] = /^[a-z][a-z0-9+.-]+:/i.exec(name) ?? [];
  if (scheme === undefined) return;
  if (!SCHEME_REGEXP.test(name)) {
    refuse(
      `Cannot use the plugin "${name}": it must be a path, or begin with file:, http:, https:, npm: or jsr:`,
    );
  }
  const url = URL.canParse(name) ? new URL(name) : undefined;
  const isWhole = scheme === "file:"
    ? url?.host === ""
    : url !== undefined && url.pathname !== "";
  if (!isWhole) refuse(`Cannot use the plugin "${name}": it is no whole URL`);
}

/**
 * Reads one plugin as an operator names it: a text, or a mapping of a
 * configuration file.
 *
 * @param entry What was written.
 * @param options `flag`: which setting it is of; `cwd`: where relative paths begin.
 * @throws {TransporterError} `usage`, naming what does not fit.
 */
export function readEntry(
  entry: string | Readonly<Record<string, unknown>>,
  { flag, cwd }: {
    readonly flag: "plugin" | "plugin-in-process";
    readonly cwd: string;
  },
): PluginEntry {
  const given = typeof entry === "string" ? { spec: entry } : entry;
  const { spec, config, allow, memory, secrets } = given as Record<
    string,
    unknown
  >;
  if (typeof spec !== "string" || spec === "") {
    refuse(`Cannot use an entry of "${flag}" without "spec", the plugin`);
  }
  const { name, integrity } = unpin(spec);
  const where = `the plugin "${name}"`;
  checkScheme(name);
  const isolated = flag === "plugin" ? ["allow", "memory"] : [];
  checkKeys(given, ["spec", "config", "secrets", ...isolated], where);
  return {
    name,
    specifier: SCHEME_REGEXP.test(name)
      ? name
      : pathToFileURL(resolve(cwd, name)).href,
    integrity,
    config,
    allow: readAllowed(allow, `${where}: "allow"`),
    secrets: readSecrets(secrets, `${where}: "secrets"`, cwd),
    memoryMib: readMemory(memory, `${where}: "memory"`),
  };
}
