import type { Meter } from "./meter.ts";
import {
  adapt,
  CelError,
  CelValue,
  Double,
  Duration,
  keyOf,
  keysOf,
  kindOf,
  lookUp,
  noOverload,
  Optional,
  Timestamp,
  Uint,
} from "./value.ts";

/** A number of any type, for comparing; `undefined`: none. */
function numberOf(value: unknown): bigint | number | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return value;
  if (value instanceof Uint) return value.value;
  return value instanceof Double ? value.value : undefined;
}

function sameLists(
  a: readonly unknown[],
  b: readonly unknown[],
  meter: Meter,
): boolean {
  return a.length === b.length &&
    a.every((each, index) => equal(each, b[index], meter));
}

function sameMaps(a: object, b: object, meter: Meter): boolean {
  const keys = keysOf(a);
  return keys.length === keysOf(b).length && keys.every((key) => {
    const other = lookUp(b, key);
    return other !== undefined && equal(lookUp(a, key), other, meter);
  });
}

/** Whether two values are the same; numbers of different types may be. */
export function equal(a: unknown, b: unknown, meter: Meter): boolean {
  if (a === b) return true;
  if (typeof a === "string" || typeof a === "boolean") return false;
  meter.labour(1);
  const number = numberOf(a);
  if (number !== undefined) {
    const other = numberOf(b);
    // deno-lint-ignore eqeqeq -- a bigint and a number that are the same
    return other !== undefined && number == other;
  }
  const kind = kindOf(a);
  if (kind !== kindOf(b) || a === null || b === null) return false;
  if (Array.isArray(a)) return sameLists(a, b as unknown[], meter);
  if (a instanceof Uint8Array) {
    return sameLists([...a], [...b as Uint8Array], meter);
  }
  if (a instanceof Optional) {
    const other = (b as Optional).value;
    return a.value === undefined || other === undefined
      ? a.value === other
      : equal(a.value, other, meter);
  }
  if (a instanceof CelValue) return a.equals(b as CelValue);
  return sameMaps(a as object, b as object, meter);
}

function order<T extends string | number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Texts in the order of their code points, as Go has it. */
function orderTexts(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === end) return order(a.length, b.length);
  return order(a.codePointAt(at)!, b.codePointAt(at)!);
}

function orderBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at === -1) return order(a.length, b.length);
  return at >= b.length ? 1 : order(a[at]!, b[at]!);
}

/** Which of two values comes first: below zero, zero or above. */
export function compare(left: unknown, right: unknown): number {
  const a = adapt(left);
  const b = adapt(right);
  if (typeof a === "string" && typeof b === "string") return orderTexts(a, b);
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") {
    return order(Number(a), Number(b));
  }
  if (a instanceof Timestamp && b instanceof Timestamp) {
    return order(a.nanos, b.nanos);
  }
  if (a instanceof Duration && b instanceof Duration) {
    return order(a.nanos, b.nanos);
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return orderBytes(a, b);
  }
  throw noOverload();
}

/** Whether a list or a map has something. */
export function contains(
  value: unknown,
  within: unknown,
  meter: Meter,
): boolean {
  if (Array.isArray(within)) {
    meter.labour(within.length / 10);
    return within.some((each) => equal(adapt(each), value, meter));
  }
  if (kindOf(within) === "map") {
    return lookUp(within, keyOf(value)) !== undefined;
  }
  throw noOverload();
}

/** Reads a part of a list or map by its place or key; `undefined`: it is not there. */
export function find(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const place = keyOf(key);
    if (typeof place !== "bigint") {
      throw new CelError(`unsupported index type '${kindOf(key)}' in list`);
    }
    return place < 0n || place >= BigInt(value.length)
      ? undefined
      : adapt(value[Number(place)]);
  }
  return kindOf(value) === "map" ? lookUp(value, key) : undefined;
}
