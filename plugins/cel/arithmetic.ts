import {
  adapt,
  CelError,
  Double,
  Duration,
  kindOf,
  noOverload,
  Timestamp,
  Uint,
} from "./value.ts";

/** The operators of numbers, times, texts and lists. */
export type Operator = "+" | "-" | "*" | "/" | "%";

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

/** Moments that there are: the years 1 to 9999. */
const MOMENT_MIN = -62_135_596_800_000_000_000n;
const MOMENT_MAX = 253_402_300_799_999_999_999n;

/** A whole number, if it is one of 64 bits. */
export function int(value: bigint): bigint {
  if (value < INT_MIN || value > INT_MAX) {
    throw new CelError("integer overflow");
  }
  return value;
}

/** A whole number without a sign, if it is one of 64 bits. */
export function uint(value: bigint): Uint {
  if (value < 0n || value > UINT_MAX) {
    throw new CelError("unsigned integer overflow");
  }
  return new Uint(value);
}

/** A span of time, if it is not too long. */
export function duration(nanos: bigint): Duration {
  if (nanos < INT_MIN || nanos > INT_MAX) {
    throw new CelError("duration overflow");
  }
  return new Duration(nanos);
}

/** A moment, if there is one. */
export function moment(nanos: bigint): Timestamp {
  if (nanos < MOMENT_MIN || nanos > MOMENT_MAX) {
    throw new CelError("timestamp overflow");
  }
  return new Timestamp(nanos);
}

function whole(operator: Operator, a: bigint, b: bigint): bigint {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      if (b === 0n) throw new CelError("division by zero");
      return a / b;
    case "%":
      if (b === 0n) throw new CelError("modulus by zero");
      return a % b;
  }
}

function real(operator: Operator, a: number, b: number): Double {
  switch (operator) {
    case "+":
      return new Double(a + b);
    case "-":
      return new Double(a - b);
    case "*":
      return new Double(a * b);
    case "/":
      return new Double(a / b);
    case "%":
      throw noOverload("_%_");
  }
}

/** Kinds that answer for themselves what they cannot do. */
const RECEIVERS: ReadonlySet<string> = new Set([
  ...["string", "google.protobuf.Timestamp", "google.protobuf.Duration"],
]);

function refused(operator: Operator, left: unknown): CelError {
  const kind = kindOf(left);
  const isOwn = RECEIVERS.has(kind) ||
    resultKind(operator, kind, kind) !== undefined;
  return noOverload(isOwn ? undefined : `_${operator}_`);
}

function sum(a: unknown, b: unknown): unknown {
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (a instanceof Timestamp && b instanceof Duration) {
    return moment(a.nanos + b.nanos);
  }
  if (a instanceof Duration && b instanceof Timestamp) {
    return moment(a.nanos + b.nanos);
  }
  if (a instanceof Duration && b instanceof Duration) {
    return duration(a.nanos + b.nanos);
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return new Uint8Array([...a, ...b]);
  }
  throw refused("+", a);
}

function difference(a: unknown, b: unknown): unknown {
  if (a instanceof Timestamp && b instanceof Duration) {
    return moment(a.nanos - b.nanos);
  }
  if (a instanceof Timestamp && b instanceof Timestamp) {
    return duration(a.nanos - b.nanos);
  }
  if (a instanceof Duration && b instanceof Duration) {
    return duration(a.nanos - b.nanos);
  }
  throw refused("-", a);
}

/** What an operator makes of two values. */
export function calculate(
  operator: Operator,
  left: unknown,
  right: unknown,
): unknown {
  const a = adapt(left);
  const b = adapt(right);
  if (typeof a === "bigint" && typeof b === "bigint") {
    return int(whole(operator, a, b));
  }
  if (a instanceof Double && b instanceof Double) {
    return real(operator, a.value, b.value);
  }
  if (a instanceof Uint && b instanceof Uint) {
    return uint(whole(operator, a.value, b.value));
  }
  if (operator === "+") return sum(a, b);
  if (operator === "-") return difference(a, b);
  throw refused(operator, a);
}

/** The same number with the other sign. */
export function negate(value: unknown): unknown {
  if (typeof value === "bigint") return int(-value);
  if (value instanceof Double) return new Double(-value.value);
  throw noOverload(typeof value === "object" ? "-_" : undefined);
}

const TIMES: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
]);

/** The type of what an operator makes, by the types of its sides; `undefined`: it takes none such. */
export function resultKind(
  operator: Operator,
  a: string,
  b: string,
): string | undefined {
  const numbers = operator === "%"
    ? ["int", "uint"]
    : ["int", "uint", "double"];
  if (a === b && numbers.includes(a)) return a;
  if (operator === "+" && a === b) {
    if (["string", "bytes", "list"].includes(a)) return a;
  }
  if (!TIMES.has(a) || !TIMES.has(b)) return undefined;
  const [stamp, span] = [...TIMES];
  if (operator === "-") {
    if (a === stamp) return b === stamp ? span : stamp;
    return b === span ? span : undefined;
  }
  if (operator !== "+" || (a === stamp && b === stamp)) return undefined;
  return a === span && b === span ? span : stamp;
}
