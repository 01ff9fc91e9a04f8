import { TransporterError } from "./error.ts";

/** What a JSON text may be; counted before it is parsed, so that a hostile one costs little. */
export interface JsonLimits {
  /** Levels of nesting. */
  readonly depthMax: number;
  /** Object keys in the whole text. */
  readonly keysMax: number;
  /** Values in the whole text, those in lists too: an empty object takes two bytes of it, and thirty of memory. */
  readonly valuesMax: number;
}

/** The limits of everything that comes from outside (security.md E.8). */
export const JSON_LIMITS: JsonLimits = {
  depthMax: 64,
  keysMax: 50_000,
  valuesMax: 200_000,
};

function fail(
  code: "too_deep" | "duplicate_key" | "invalid_json",
  message: string,
): never {
  throw new TransporterError(code, `Cannot read the JSON: ${message}`);
}

/** Finds the end of the string that starts at `from`; the index is that of its closing quote. */
function stringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (end !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return fail("invalid_json", "a string does not end");
}

const STRUCTURE_REGEXP = /["{}[\],]/g;
const COLON_REGEXP = /[ \t\r\n]*:/y;

/** Counts depth, keys and values, and refuses a key that an object has twice: parsers differ on which one counts. */
function scan(text: string, limits: JsonLimits): void {
  const open: (Set<string> | undefined)[] = [];
  let keys = 0;
  let values = 1;
  /** One more value begins: in a list or an object, or after a comma. */
  function begin(): void {
    if (++values > limits.valuesMax) {
      fail("invalid_json", `it has more than ${limits.valuesMax} values`);
    }
  }
  STRUCTURE_REGEXP.lastIndex = 0;
  for (
    let match = STRUCTURE_REGEXP.exec(text);
    match;
    match = STRUCTURE_REGEXP.exec(text)
  ) {
    const at = match.index;
    if (match[0] === "{" || match[0] === "[") {
      open.push(match[0] === "{" ? new Set() : undefined);
      if (open.length > limits.depthMax) {
        fail("too_deep", `it is nested deeper than ${limits.depthMax} levels`);
      }
      begin();
    } else if (match[0] === ",") {
      begin();
    } else if (match[0] === '"') {
      const end = stringEnd(text, at);
      STRUCTURE_REGEXP.lastIndex = end + 1;
      COLON_REGEXP.lastIndex = end + 1;
      const names = open.at(-1);
      if (names === undefined || !COLON_REGEXP.test(text)) continue;
      if (++keys > limits.keysMax) {
        fail("invalid_json", `it has more than ${limits.keysMax} keys`);
      }
      const raw = text.slice(at + 1, end);
      const name = raw.includes("\\") ? String(parseText(`"${raw}"`)) : raw;
      if (names.has(name)) {
        fail("duplicate_key", `the key "${name.slice(0, 80)}" is there twice`);
      }
      names.add(name);
    } else {
      open.pop();
    }
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message.slice(0, 200) : "";
    throw new TransporterError(
      "invalid_json",
      `Cannot read the JSON: ${detail}`,
      { cause },
    );
  }
}

/**
 * Parses a JSON text from outside: exactly one value, no key twice in one
 * object, bounded depth and number of keys.
 *
 * @param input The text, or its UTF-8 bytes.
 * @param limits What it may be.
 * @returns The value.
 * @throws {TransporterError} `invalid_json`, `too_deep` or `duplicate_key`.
 */
export function parseJson(
  input: string | Uint8Array,
  limits: JsonLimits = JSON_LIMITS,
): unknown {
  const text = typeof input === "string" ? input : decodeUtf8(input);
  if (text.trim() === "") fail("invalid_json", "it is empty");
  scan(text, limits);
  return parseText(text);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes,
    );
  } catch (cause) {
    throw new TransporterError(
      "invalid_json",
      "Cannot read the JSON: it is not UTF-8",
      { cause },
    );
  }
}

/** Whether a value is a JSON object: not an array, not `null`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
