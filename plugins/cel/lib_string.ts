import { type Meter, traversal } from "./meter.ts";
import { always, declare, type Overload } from "./overload.ts";
import { formatText } from "./text_format.ts";
import { CelError, isNarrow, lengthOf } from "./value.ts";

/** The characters of a text; one unit each where that is so. */
function charsOf(text: string): string | readonly string[] {
  return isNarrow(text) ? text : [...text];
}

function outOfRange(place: bigint): CelError {
  return new CelError(`index out of range: ${place}`);
}

function charAt(text: string, place: bigint): string {
  const chars = charsOf(text);
  if (place < 0n || place > BigInt(chars.length)) throw outOfRange(place);
  return chars[Number(place)] ?? "";
}

function cut(text: string, start: bigint, end?: bigint): string {
  const chars = charsOf(text);
  const last = end ?? BigInt(chars.length);
  const length = BigInt(chars.length);
  if (end !== undefined && start > end) {
    throw new CelError(
      `invalid substring range. start: ${start}, end: ${end}`,
    );
  }
  if (start < 0n || start > length) throw outOfRange(start);
  if (last < 0n || last > length) throw outOfRange(last);
  const part = chars.slice(Number(start), Number(last));
  return typeof part === "string" ? part : part.join("");
}

/** The place of a part, counted in characters. */
function placeOf(text: string, unit: number): bigint {
  return BigInt(unit < 0 ? -1 : lengthOf(text.slice(0, unit)));
}

function indexOf(text: string, part: string, from = 0n): bigint {
  if (part === "") return from;
  if (from < 0n) throw outOfRange(from);
  if (from >= BigInt(lengthOf(text))) return -1n;
  const start = cut(text, 0n, from).length;
  return placeOf(text, text.indexOf(part, start));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const length = BigInt(lengthOf(text));
  if (part === "") return from ?? length;
  if (from === undefined) return placeOf(text, text.lastIndexOf(part));
  if (from < 0n) throw outOfRange(from);
  if (from >= length) return -1n;
  const start = cut(text, 0n, from).length;
  return placeOf(text, text.lastIndexOf(part, start));
}

/** As Go has it: `most` times, everywhere when it is below zero. */
function replace(text: string, old: string, by: string, most = -1n): string {
  if (most < 0n) return text.replaceAll(old, () => by);
  let left = most;
  return text.replaceAll(old, (found) => left-- > 0n ? by : found);
}

function split(text: string, separator: string, most = -1n): string[] {
  if (most === 0n) return [];
  const parts = separator === "" ? [...text] : text.split(separator);
  if (most < 0n || BigInt(parts.length) <= most) return parts;
  const kept = parts.slice(0, Number(most) - 1);
  return [...kept, parts.slice(Number(most) - 1).join(separator)];
}

function joined(parts: readonly unknown[], separator = ""): string {
  for (const part of parts) {
    if (typeof part !== "string") {
      throw new CelError(`join: invalid input: ${part}`);
    }
  }
  return parts.join(separator);
}

/** Go's spaces; those of JavaScript are others. */
const SPACES =
  "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const HEAD_REGEXP = new RegExp(`^${SPACES}+`);
const SPACE_REGEXP = new RegExp(SPACES);

function trim(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE_REGEXP.test(text[end - 1]!)) end--;
  return text.slice(0, end).replace(HEAD_REGEXP, "");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

function quote(text: string): string {
  const inner = [...text.toWellFormed()].map((char) => ESCAPES[char] ?? char);
  return `"${inner.join("")}"`;
}

const once = always((text: string) => traversal(lengthOf(text)));
const twice = always((text: string) => traversal(lengthOf(text), 0.2));
/** The API server counts the whole tenths of a text, and cuts off the rest. */
const searched = always((text: string) =>
  Math.floor(new TextEncoder().encode(text).length * 0.1)
);
const asJoined = always((parts: readonly unknown[], separator?: string) => {
  const between = typeof separator === "string" ? lengthOf(separator) : 0;
  const length = parts.reduce<number>(
    (sum, part) => sum + (typeof part === "string" ? lengthOf(part) : 0),
    Math.max(parts.length - 1, 0) * between,
  );
  return traversal(length, 0.2);
});

/** Cuts the meter off the arguments of a function. */
function plain<Args extends unknown[], Result>(
  run: (...args: Args) => Result,
): (...args: unknown[]) => Result {
  return (...args) => run(...args.slice(0, -1) as Args);
}

/** Texts, as the second version of the extension has them. */
export const texts: readonly Overload[] = [
  declare("string@charAt(int): string", plain(charAt)),
  declare("string@indexOf(string): int", plain(indexOf), searched),
  declare("string@indexOf(string, int): int", plain(indexOf), searched),
  declare("string@lastIndexOf(string): int", plain(lastIndexOf), searched),
  declare("string@lastIndexOf(string, int): int", plain(lastIndexOf), searched),
  declare(
    "string@lowerAscii(): string",
    (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
    once,
  ),
  declare(
    "string@upperAscii(): string",
    (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
    once,
  ),
  declare("string@replace(string, string): string", plain(replace), twice),
  declare("string@replace(string, string, int): string", plain(replace), twice),
  declare("string@split(string): list<string>", plain(split), twice),
  declare("string@split(string, int): list<string>", plain(split), twice),
  declare("string@substring(int): string", plain(cut), once),
  declare("string@substring(int, int): string", plain(cut), once),
  declare("string@trim(): string", trim, once),
  declare("list<string>@join(): string", plain(joined), asJoined),
  declare("list<string>@join(string): string", plain(joined), asJoined),
  declare("strings.quote(string): string", plain(quote), {
    cost: (text: string) => traversal(lengthOf(text)),
  }),
  declare(
    "string@format(list): string",
    (text: string, values: readonly unknown[], meter: Meter) =>
      formatText(text, values, meter),
    { cost: (text: string) => traversal(lengthOf(text)), work: () => 30 },
  ),
];
