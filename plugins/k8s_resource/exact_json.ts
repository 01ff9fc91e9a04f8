import { isRecord } from "@transporter/sdk";

/** What TypeScript does not know of `JSON` yet. */
const { rawJSON, parse } = JSON as unknown as {
  readonly rawJSON: (text: string) => unknown;
  readonly parse: (
    text: string,
    reviver: (
      key: string,
      value: unknown,
      context: { readonly source?: string },
    ) => unknown,
  ) => unknown;
};

/** An integer of so many digits that a number may be another one. */
const LONG_REGEXP = /[:,[]\s*-?\d{16,}\s*[,}\]]/;

/** From here on nothing is an integer of the API. */
const INTEGERS_END = 2 ** 64;

const INTEGER_REGEXP = /^-?\d+$/;

/** Whether it is one of the 64 bits that the API has. */
function fits(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

/** Reads JSON; an integer that a number cannot hold is a `bigint`. */
export function parseExactly(text: string): unknown {
  // A function for each value takes longer, and hardly any object has such a number.
  if (!LONG_REGEXP.test(text)) return JSON.parse(text);
  return parse(text, (_key, value, { source = "" }) => {
    const isLong = typeof value === "number" && !Number.isSafeInteger(value) &&
      INTEGER_REGEXP.test(source);
    return isLong && fits(BigInt(source)) ? BigInt(source) : value;
  });
}

/**
 * The first integer of what came as JSON that may have been another one: a
 * number holds 53 bits.
 *
 * @param text What came, as `JSON.stringify` writes it.
 */
export function longIn(text: string): number | undefined {
  if (!LONG_REGEXP.test(text)) return undefined;
  let found: number | undefined;
  parse(text, (_key, each) => {
    const isLong = Number.isInteger(each) && !Number.isSafeInteger(each) &&
      Math.abs(Number(each)) < INTEGERS_END;
    if (isLong) found ??= Number(each);
    return each;
  });
  return found;
}

/** Writes JSON; a `bigint` is an integer. */
export function stringifyExactly(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each) => typeof each === "bigint" ? rawJSON(String(each)) : each,
  );
}

/** A value for others to read as JSON: an integer that most of them would read as another one is text. */
export function withLongAsText(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(withLongAsText);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withLongAsText(each)]),
  );
}
