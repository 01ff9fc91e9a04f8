/** A scalar as JSON has it; an integer that a number cannot hold is a `bigint`. */
export type ScalarValue = string | number | bigint | boolean | null;

/** What {@linkcode resolveScalar} needs to know about a scalar. */
export interface ScalarSource {
  /** The text, with quotes and escapes taken away. */
  readonly text: string;
  /** Whether it stood without quotes. */
  readonly plain: boolean;
  /** The tag before it, resolved, such as `tag:yaml.org,2002:int`. */
  readonly tag?: string | undefined;
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map<
  string,
  boolean | null
>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
    .map((word): [string, boolean] => [word, true]),
  ...[
    "n",
    "N",
    "no",
    "No",
    "NO",
    "false",
    "False",
    "FALSE",
    "off",
    "Off",
    "OFF",
  ]
    .map((word): [string, boolean] => [word, false]),
  ...["", "~", "null", "Null", "NULL"].map((
    word,
  ): [string, null] => [word, null]),
]);

const NOT_FINITE_REGEXP = /^(?:[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const DECIMAL_REGEXP = /^[-+]?(?:0|[1-9][0-9]*)$/;
const PREFIXED_REGEXP = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/;
const OCTAL_REGEXP = /^([-+]?)0([0-7]+)$/;
const FLOAT_REGEXP =
  /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** The tags of YAML itself, which every reader knows. */
export const SCALAR_TAGS: ReadonlySet<string> = new Set(
  ["str", "int", "float", "bool", "null", "binary", "timestamp"].map((name) =>
    `tag:yaml.org,2002:${name}`
  ),
);

/** Reads an integer as Go's `strconv.ParseInt` with base 0 does; 64 bits. */
function parseInteger(text: string): number | bigint | undefined {
  let magnitude: bigint;
  const prefixed = PREFIXED_REGEXP.exec(text);
  const octal = OCTAL_REGEXP.exec(text);
  if (DECIMAL_REGEXP.test(text)) magnitude = BigInt(text.replace(/^[-+]/, ""));
  else if (prefixed?.[2] !== undefined) magnitude = BigInt(prefixed[2]);
  else if (octal?.[2] !== undefined) magnitude = BigInt(`0o${octal[2]}`);
  else return undefined;
  const value = text.startsWith("-") ? -magnitude : magnitude;
  if (value < INT64_MIN || value > UINT64_MAX) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function parseFloat64(text: string): number | undefined {
  if (!FLOAT_REGEXP.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function resolvePlain(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (NOT_FINITE_REGEXP.test(text)) {
    throw new RangeError(`Cannot write "${text}" as JSON`);
  }
  if (text.startsWith(".")) return parseFloat64(text) ?? text;
  if (!/^[-+0-9]/.test(text)) return text;
  const digits = text.replaceAll("_", "");
  return parseInteger(digits) ?? parseFloat64(digits) ?? text;
}

function decodeBinary(text: string): string {
  try {
    const bytes = Uint8Array.from(
      atob(text.replace(/\s/g, "")),
      (char) => char.charCodeAt(0),
    );
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RangeError(
      "Cannot decode !!binary: it needs base64 of UTF-8 text",
      { cause },
    );
  }
}

/**
 * Reads a scalar as a Kubernetes API server reads it: `sigs.k8s.io/yaml`, which
 * is YAML 1.1 without sexagesimal numbers and timestamps. testdata/yaml-scalars.tsv
 * is what a server answered.
 *
 * @param scalar What stood there.
 * @returns The value.
 * @throws {RangeError} The server would refuse it; the message says why.
 * @see {@link https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go}
 */
export function resolveScalar(scalar: ScalarSource): ScalarValue {
  const { text, plain, tag } = scalar;
  if (tag === undefined) return plain ? resolvePlain(text) : text;
  const name = tag.slice(tag.lastIndexOf(":") + 1);
  if (name === "str" || name === "timestamp") return text;
  if (name === "binary") return decodeBinary(text);
  const value = resolvePlain(text);
  const number = typeof value === "number" || typeof value === "bigint";
  const fits = name === "null"
    ? value === null
    : name === "bool"
    ? typeof value === "boolean"
    : number && (name === "float" || Number.isInteger(Number(value)));
  if (!fits) throw new RangeError(`Cannot read "${text}" as !!${name}`);
  return value;
}

/**
 * The object key that a YAML key becomes. The server prints a key that is a
 * fraction as a 32-bit float; one with more than seven digits differs here.
 *
 * @param value The key, resolved.
 * @returns The key as JSON has it.
 * @throws {RangeError} The server would refuse it; the message says why.
 */
export function keyOf(value: ScalarValue): string {
  if (value === null) {
    throw new RangeError(
      'Cannot use a null key; put it in quotes if "null" is meant',
    );
  }
  return String(value);
}
