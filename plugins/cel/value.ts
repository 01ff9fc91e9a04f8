/** What an expression says when it goes wrong while it runs; the texts are those of the API server. */
export class CelError extends Error {
  /** Of the `TransporterError`s this becomes, none: callers say what a failed expression means. */
  override readonly name = "CelError";
}

/** Whether something can be read, as reading it says by a {@linkcode CelError}. */
export function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return false;
  }
}

/** A value that JSON does not have. */
export abstract class CelValue {
  /** The name of its type in CEL. */
  abstract readonly kind: string;
  /** How large it is where costs depend on sizes. */
  readonly size: number = 1;
  /** Whether another value of its type is the same. */
  abstract equals(other: CelValue): boolean;
}

/** A `double`; a number of JSON is an `int` when it is whole. */
export class Double extends CelValue {
  readonly kind = "double";
  constructor(readonly value: number) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Double && other.value === this.value;
  }
}

/** A `uint`. */
export class Uint extends CelValue {
  readonly kind = "uint";
  constructor(readonly value: bigint) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Uint && other.value === this.value;
  }
}

/** A moment, in nanoseconds since 1970. */
export class Timestamp extends CelValue {
  readonly kind = "google.protobuf.Timestamp";
  constructor(readonly nanos: bigint) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Timestamp && other.nanos === this.nanos;
  }
}

/** A span of time, in nanoseconds. */
export class Duration extends CelValue {
  readonly kind = "google.protobuf.Duration";
  constructor(readonly nanos: bigint) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof Duration && other.nanos === this.nanos;
  }
}

/** A type as a value: `type(1) == int`. */
export class TypeValue extends CelValue {
  readonly kind = "type";
  constructor(readonly of: string) {
    super();
  }
  equals(other: CelValue): boolean {
    return other instanceof TypeValue && other.of === this.of;
  }
}

/** A value that may be missing. */
export class Optional extends CelValue {
  readonly kind = "optional_type";
  /** @param value `undefined`: missing. */
  constructor(readonly value: unknown) {
    super();
  }
  equals(): boolean {
    return false;
  }
}

/** The optional that is missing. */
export const NONE = new Optional(undefined);

/** A map whose values are computed when they are first asked for. */
export abstract class LazyMap extends CelValue {
  readonly kind = "map";
  abstract get(name: string): unknown;
  equals(): boolean {
    return false;
  }
}

/** Numbers of JSON from here on are no `int`s any more. */
const INT_END = 2 ** 63;

function isInt(value: number): boolean {
  return Number.isInteger(value) && value < INT_END && value >= -INT_END;
}

/** Takes a value out of JSON: whole numbers of 64 bits are `int`s, others `double`s. */
export function adapt(value: unknown): unknown {
  if (typeof value === "number") {
    return isInt(value) ? BigInt(value) : new Double(value);
  }
  return value === undefined ? null : value;
}

/** The name of a value's type in CEL. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "string";
    case "bigint":
      return "int";
    case "boolean":
      return "bool";
    case "number":
      return isInt(value) ? "int" : "double";
  }
  if (value === null || value === undefined) return "null_type";
  if (Array.isArray(value)) return "list";
  if (value instanceof CelValue) return value.kind;
  return value instanceof Uint8Array ? "bytes" : "map";
}

/** What Go calls a value's type; for errors of the API server. */
export function goKind(value: unknown): string {
  const kind = kindOf(value);
  const named = kind === "null_type" ? "null" : kind;
  return `types.${named.charAt(0).toUpperCase()}${named.slice(1)}`;
}

/** The error for arguments that no overload of a function takes; some functions say which they are. */
export function noOverload(name?: string): CelError {
  return new CelError(
    `no such overload${name === undefined ? "" : `: ${name}`}`,
  );
}

/** The keys of a map. */
export function keysOf(map: unknown): unknown[] {
  if (map instanceof LazyMap) return []; // nobody goes over what is not computed yet
  return map instanceof Map ? [...map.keys()] : Object.keys(map as object);
}

/** A key of a map as it is compared: numbers of all types are the same. */
export function keyOf(key: unknown): unknown {
  const value = adapt(key);
  if (value instanceof Uint) return value.value;
  if (value instanceof Double && Number.isInteger(value.value)) {
    return BigInt(value.value);
  }
  return value;
}

/** The value of a key; `undefined` when it is not there. */
export function lookUp(map: unknown, key: unknown): unknown {
  if (map instanceof LazyMap) {
    return typeof key === "string" ? map.get(key) : undefined;
  }
  if (map instanceof Map) {
    const found: unknown = map.get(keyOf(key));
    return found === undefined ? undefined : adapt(found);
  }
  if (typeof key !== "string" || !Object.hasOwn(map as object, key)) {
    return undefined;
  }
  return adapt((map as Record<string, unknown>)[key]);
}

const SURROGATES_REGEXP = /[\ud800-\udbff]/;

/** Whether each character of a text is one unit of a JavaScript string. */
export function isNarrow(text: string): boolean {
  return !SURROGATES_REGEXP.test(text);
}

/** The number of characters of a text, as Go counts them. */
export function lengthOf(text: string): number {
  if (isNarrow(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** How large a value is, where costs depend on sizes. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return lengthOf(value);
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof Optional) {
    return value.value === undefined ? 1 : sizeOf(value.value);
  }
  if (value instanceof CelValue) return value.size;
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length;
  }
  return 1;
}
