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

/** The limits of everything that comes from outside. */
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

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const LIST_BEGINS = 0x5b;
const LIST_ENDS = 0x5d;
const OBJECT_BEGINS = 0x7b;
const OBJECT_ENDS = 0x7d;

/** Whether a colon comes next, after white space: what was read is a key. */
function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  for (;; at++) {
    const char = text.charCodeAt(at);
    const isSpace = char === 0x20 || char === 0x0a || char === 0x0d ||
      char === 0x09;
    if (!isSpace) return char === COLON;
  }
}

/** What the names of an object are kept in while nobody asks for them. */
const NAMELESS: Set<string> = new Set();

/**
 * Counts depth, keys and values.
 *
 * @param text The JSON.
 * @param limits What it may be.
 * @param named Whether a key that an object has twice is looked for, and refused by its name.
 * @returns How many keys there are.
 */
function scan(text: string, limits: JsonLimits, named = false): number {
  const open: (Set<string> | undefined)[] = [];
  let keys = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = stringEnd(text, at);
      const names = open.at(-1);
      if (names !== undefined && isBeforeColon(text, end + 1)) {
        if (++keys > limits.keysMax) {
          fail("invalid_json", `it has more than ${limits.keysMax} keys`);
        }
        if (named) addName(names, text.slice(at + 1, end));
      }
      at = end;
    } else if (char === OBJECT_ENDS || char === LIST_ENDS) {
      open.pop();
    } else if (
      char === COMMA || char === OBJECT_BEGINS || char === LIST_BEGINS
    ) {
      // One more value begins: in a list or an object, or after a comma.
      if (char !== COMMA) {
        const names = named ? new Set<string>() : NAMELESS;
        open.push(char === OBJECT_BEGINS ? names : undefined);
        if (open.length > limits.depthMax) {
          fail(
            "too_deep",
            `it is nested deeper than ${limits.depthMax} levels`,
          );
        }
      }
      if (++values > limits.valuesMax) {
        fail("invalid_json", `it has more than ${limits.valuesMax} values`);
      }
    }
  }
  return keys;
}

function addName(names: Set<string>, raw: string): void {
  const name = raw.includes("\\") ? String(parseText(`"${raw}"`)) : raw;
  const { size } = names;
  if (names.add(name).size === size) {
    fail("duplicate_key", `the key "${name.slice(0, 80)}" is there twice`);
  }
}

/** How many keys a parsed value has, at every depth. */
function keysIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) keys += keysIn(item);
    return keys;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name in fields) keys += 1 + keysIn(fields[name]);
  return keys;
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
  const keys = scan(text, limits);
  const value = parseText(text);
  // Of a key that an object has twice, one is lost; parsers differ on which one counts.
  if (keysIn(value) !== keys) scan(text, limits, true);
  return value;
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
