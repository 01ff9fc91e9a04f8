import { int, moment, uint } from "./arithmetic.ts";
import { traversal } from "./meter.ts";
import { declare, type Overload } from "./overload.ts";
import { readDuration, readMoment, showMoment } from "./time.ts";
import {
  CelError,
  Double,
  type Duration,
  sizeOf,
  type Timestamp,
  type Uint,
} from "./value.ts";

const STAMP = "google.protobuf.Timestamp";
const SPAN = "google.protobuf.Duration";

/** Nanoseconds of a second. */
const SECOND = 1_000_000_000n;

function failed(from: string, to: string): CelError {
  return new CelError(`type conversion error from '${from}' to '${to}'`);
}

function wholeOf(text: string, to: string): bigint {
  const regexp = to === "uint" ? /^\d+$/ : /^[+-]?\d+$/;
  if (!regexp.test(text)) throw failed("string", to);
  return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
}

function truncated({ value }: Double): bigint {
  if (!Number.isFinite(value)) throw new CelError("integer overflow");
  return BigInt(Math.trunc(value));
}

const REAL_REGEXP =
  /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

function realOf(text: string): Double {
  if (!REAL_REGEXP.test(text)) throw failed("string", "double");
  const word = text.toLowerCase();
  if (word.includes("nan")) return new Double(NaN);
  if (word.includes("inf")) {
    return new Double(word.startsWith("-") ? -Infinity : Infinity);
  }
  return new Double(Number(text));
}

/** A number as Go writes it. */
export function showReal({ value }: Double): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

function boolOf(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw failed("string", "bool");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
  }
}

function secondsOf({ nanos }: Duration): string {
  const sign = nanos < 0n ? "-" : "";
  const size = nanos < 0n ? -nanos : nanos;
  const rest = String(size % SECOND).padStart(9, "0").replace(/0+$/, "");
  return `${sign}${size / SECOND}${rest === "" ? "" : `.${rest}`}s`;
}

const same = (value: unknown) => value;
const bySize = { cost: (value: unknown) => traversal(sizeOf(value)) };

/** From one type to another. */
export const conversions: readonly Overload[] = [
  declare("int(int): int", same),
  declare("int(uint): int", ({ value }: Uint) => int(value)),
  declare("int(double): int", (value: Double) => int(truncated(value))),
  declare("int(string): int", (text: string) => {
    const value = wholeOf(text, "int");
    if (BigInt.asIntN(64, value) !== value) throw failed("string", "int");
    return value;
  }),
  declare(
    `int(${STAMP}): int`,
    ({ nanos }: Timestamp) =>
      (nanos - ((nanos % SECOND) + SECOND) % SECOND) / SECOND,
  ),
  declare(`int(${SPAN}): int`, ({ nanos }: Duration) => nanos),
  declare("uint(uint): uint", same),
  declare("uint(int): uint", (value: bigint) => uint(value)),
  declare("uint(double): uint", (value: Double) => uint(truncated(value))),
  declare("uint(string): uint", (text: string) => uint(wholeOf(text, "uint"))),
  declare("double(double): double", same),
  declare("double(int): double", (value: bigint) => new Double(Number(value))),
  declare(
    "double(uint): double",
    ({ value }: Uint) => new Double(Number(value)),
  ),
  declare("double(string): double", realOf),
  declare("bool(bool): bool", same),
  declare("bool(string): bool", boolOf),
  declare("bytes(bytes): bytes", same),
  declare(
    "bytes(string): bytes",
    (text: string) => new TextEncoder().encode(text),
    bySize,
  ),
  declare("string(string): string", same),
  declare("string(bool): string", String),
  declare("string(int): string", String),
  declare("string(uint): string", ({ value }: Uint) => String(value)),
  declare("string(double): string", showReal),
  declare("string(bytes): string", textOf, bySize),
  declare(`string(${STAMP}): string`, showMoment),
  declare(`string(${SPAN}): string`, secondsOf),
  declare(`timestamp(${STAMP}): ${STAMP}`, same),
  declare(`timestamp(string): ${STAMP}`, readMoment),
  declare(
    `timestamp(int): ${STAMP}`,
    (seconds: bigint) => moment(seconds * SECOND),
  ),
  declare(`duration(${SPAN}): ${SPAN}`, same),
  declare(`duration(string): ${SPAN}`, readDuration),
  declare(`duration(int): ${SPAN}`, () => {
    throw failed("int", SPAN);
  }),
];
