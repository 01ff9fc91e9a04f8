import { showReal } from "./lib_conversion.ts";
import type { Meter } from "./meter.ts";
import { CompileError } from "./node.ts";
import { showMoment } from "./time.ts";
import {
  adapt,
  CelError,
  Double,
  Duration,
  keysOf,
  kindOf,
  lookUp,
  Timestamp,
  TypeValue,
  Uint,
} from "./value.ts";

const encoder = new TextEncoder();

/** One place in a text for a value, or a percent sign. */
const CLAUSE_REGEXP = /%(?:%|(?:\.(\d+))?(.?))/gs;

const ANY = [
  ...["string", "bool", "bytes", "int", "uint", "double", "map", "list"],
  ...["type", "null_type"],
  ...["google.protobuf.Duration", "google.protobuf.Timestamp"],
];

/** Each clause: its name, what it takes, and how an error calls that. */
const CLAUSES: Readonly<
  Record<string, readonly [string, readonly string[], string]>
> = {
  s: [
    "string",
    ANY,
    "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
  ],
  d: ["decimal", ["int", "uint"], "integers"],
  f: ["fixed-point", ["double"], "doubles"],
  e: ["scientific", ["double"], "doubles"],
  b: ["binary", ["int", "uint", "bool"], "integers and bools"],
  o: ["octal", ["int", "uint"], "integers"],
  x: [
    "hex",
    ["int", "uint", "string", "bytes"],
    "integers, byte buffers, and strings",
  ],
  X: [
    "hex",
    ["int", "uint", "string", "bytes"],
    "integers, byte buffers, and strings",
  ],
};

/** Why a clause cannot take a value of a kind; `undefined`: it can. */
function problem(clause: string, kind: string): string | undefined {
  const known = Object.hasOwn(CLAUSES, clause) ? CLAUSES[clause] : undefined;
  if (clause === "") return "unexpected end of string";
  if (known === undefined) {
    return `could not parse formatting clause: unrecognized formatting clause "${clause}"`;
  }
  const [name, kinds, shown] = known;
  if (kind === "dyn" || kinds.includes(kind)) return undefined;
  return `error during formatting: ${name} clause can only be used on ${shown}, was given ${kind}`;
}

/**
 * Checks a literal text against what is put into it.
 *
 * @throws {CompileError} When they do not fit.
 */
export function checkFormat(text: string, kinds: readonly string[]): void {
  let next = 0;
  for (const [found, , clause = ""] of text.matchAll(CLAUSE_REGEXP)) {
    if (found === "%%") continue;
    const kind = kinds[next];
    if (kind === undefined) {
      throw new CompileError(`index ${next} out of range`);
    }
    next++;
    const reason = problem(clause, kind);
    if (reason !== undefined) throw new CompileError(reason);
  }
  if (next < kinds.length) {
    throw new CompileError(
      `too many arguments supplied to string.format (expected ${next}, got ${kinds.length})`,
    );
  }
}

/** A duration in seconds. */
function seconds({ nanos }: Duration): string {
  return `${Number(nanos) / 1e9}s`;
}

/** A value within a list or a map. */
function inner(raw: unknown, meter: Meter): string {
  const value = adapt(raw);
  meter.labour(10);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Double) return value.value.toFixed(6);
  if (value instanceof Duration) return `duration("${seconds(value)}")`;
  if (value instanceof Timestamp) return `timestamp("${showMoment(value)}")`;
  if (value instanceof Uint8Array) {
    return `b${JSON.stringify(new TextDecoder().decode(value))}`;
  }
  return show(value, meter);
}

/** `%s`. */
function show(value: unknown, meter: Meter): string {
  if (value === null) return "null";
  if (value instanceof Double) return showReal(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return seconds(value);
  if (value instanceof Timestamp) return showMoment(value);
  if (value instanceof TypeValue) return value.of;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) {
    return `[${value.map((each) => inner(each, meter)).join(", ")}]`;
  }
  if (kindOf(value) !== "map") return String(value);
  const entries = keysOf(value)
    .map((key) => `${inner(key, meter)}:${inner(lookUp(value, key), meter)}`)
    .sort();
  return `{${entries.join(", ")}}`;
}

function fixed({ value }: Double, digits: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-∞" : "∞";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** As the API server writes it, which is as English prints it. */
function scientific({ value }: Double): string {
  const [digits = "", power = ""] = value.toExponential(6).split("e");
  const sign = power.startsWith("-") ? "⁻" : "";
  const raised = [...power.slice(1).padStart(2, "0")]
    .map((digit) => RAISED[Number(digit)]).join("");
  return `${digits}×10${sign}${raised}`;
}

function inBase(value: unknown, base: 2 | 8 | 16): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (value instanceof Uint) return value.value.toString(base);
  if (typeof value === "bigint") return value.toString(base);
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  return [...bytes as Uint8Array].map((byte) =>
    byte.toString(16).padStart(2, "0")
  ).join("");
}

function clauseOf(
  clause: string,
  digits: number,
  value: unknown,
  meter: Meter,
): string {
  switch (clause) {
    case "s":
      return show(value, meter);
    case "d":
      return String(value instanceof Uint ? value.value : value);
    case "f":
      return fixed(value as Double, digits);
    case "e":
      return scientific(value as Double);
    case "b":
      return inBase(value, 2);
    case "o":
      return inBase(value, 8);
    case "x":
      return inBase(value, 16);
    default:
      return inBase(value, 16).toUpperCase();
  }
}

/** Digits after a point at most; a number has no more. */
const DIGITS_MAX = 100;

/** Puts values into a text, as `'%s has %d'.format(['a', 1])` does. */
export function formatText(
  text: string,
  values: readonly unknown[],
  meter: Meter,
): string {
  let next = 0;
  return text.replace(
    CLAUSE_REGEXP,
    (found, digits: string | undefined, clause: string = "") => {
      if (found === "%%") return "%";
      if (next >= values.length) {
        throw new CelError(`index ${next} out of range`);
      }
      const value = adapt(values[next++]);
      const reason = problem(clause, kindOf(value));
      if (reason !== undefined) throw new CelError(reason);
      const places = Math.min(Number(digits ?? "6"), DIGITS_MAX);
      const made = clauseOf(clause, places, value, meter);
      meter.labour(made.length / 10);
      return made;
    },
  );
}
