import { TransporterError } from "./error.ts";
import type { EventSpec } from "./event.ts";
import { sha256 } from "./sha256.ts";

/**
 * Writes a JSON value in its one canonical form: keys sorted by UTF-16 code
 * units, no white space, numbers as ECMAScript writes them.
 *
 * @param value What survives JSON; keys whose value is `undefined` are left out.
 * @throws {TransporterError} `invalid_json` for a lone surrogate or a number that JSON does not have.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8785}
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TransporterError(
      "invalid_json",
      `Cannot write the number "${value}" as JSON`,
    );
  }
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value) ?? "null";
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  let members = "";
  for (const name of Object.keys(fields).sort()) { // which is by UTF-16 code units
    const item = fields[name];
    if (item === undefined) continue;
    const comma = members === "" ? "" : ",";
    members += `${comma}${quote(name)}:${canonicalJson(item)}`;
  }
  return `{${members}}`;
}

/** A text that JSON writes as it is, between quotes. */
const PLAIN_REGEXP = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  if (PLAIN_REGEXP.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) {
    throw new TransporterError(
      "invalid_json",
      "Cannot write a string with a lone surrogate as JSON",
    );
  }
  return JSON.stringify(text);
}

/**
 * The digest by which two bodies with one id are told apart: SHA-256 over the
 * canonical JSON of the event without `created_at`, so that a producer that
 * stamps each try anew is still recognised.
 *
 * @returns `sha256:` and 64 hexadecimal digits.
 */
export function eventDigest(spec: EventSpec): string {
  const { created_at: _, ...rest } = spec;
  return `sha256:${sha256(canonicalJson(rest))}`;
}
