import { type ErrorCode, TransporterError } from "./error.ts";
import { isRecord } from "./json.ts";
import { parseDuration } from "./time.ts";

/** What an event's id may be; in a URL, dots alone would mean another path. */
export const ID_REGEXP = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/;

/** A Kubernetes label key: a name of 63 characters, after an optional DNS prefix. */
const LABEL_KEY_REGEXP =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** What a duration of an event may be. */
export interface DurationRule {
  /** The most it may be, in nanoseconds. */
  readonly max: number;
  /** The same, for people. */
  readonly wanted: string;
  /** The code of a refusal; by default `invalid`. */
  readonly code?: ErrorCode;
}

/** Reads fields of one event, naming the event in every refusal. */
export class FieldReader {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #name: string;
  readonly #prefix: string;

  constructor(
    value: Readonly<Record<string, unknown>>,
    within?: { readonly name: string; readonly prefix: string },
  ) {
    this.#value = value;
    const { id } = value;
    this.#name = within?.name ??
      (typeof id === "string" && ID_REGEXP.test(id)
        ? `event "${id}"`
        : "the event");
    this.#prefix = within?.prefix ?? "";
  }

  /** Reads the fields of a field; `undefined` when it is absent. */
  within(field: string): FieldReader | undefined {
    const value = this.get(field);
    if (value === undefined) return undefined;
    if (!isRecord(value)) this.wrongType(field, "an object");
    return new FieldReader(value, { name: this.#name, prefix: `${field}.` });
  }

  /** Refuses fields that are not known, and those that are `null`. */
  strict(known: ReadonlySet<string>): void {
    for (const [field, value] of Object.entries(this.#value)) {
      const name = `${this.#prefix}${printable(field)}`;
      if (!known.has(field)) {
        this.fail("unknown_field", `the field "${name}" is not known`, field);
      }
      if (value === null) {
        this.fail(
          "wrong_type",
          `"${name}" must not be null: leave it out`,
          field,
        );
      }
    }
  }

  /** Refuses a value of another type than wanted. */
  wrongType(field: string, wanted: string): never {
    const is = typeOf(this.get(field));
    return this.fail(
      "wrong_type",
      `"${this.#prefix}${field}" must be ${wanted}: it is ${is}`,
      field,
    );
  }

  /** Refuses a value that breaks a rule. */
  wrongValue(
    field: string,
    wanted: string,
    code: ErrorCode = "invalid",
  ): never {
    const value = this.get(field);
    const is = typeof value === "string"
      ? `"${printable(value)}"`
      : printable(JSON.stringify(value));
    return this.fail(
      code,
      `"${this.#prefix}${field}" must be ${wanted}: current value is ${is}`,
      field,
    );
  }

  fail(code: ErrorCode, problem: string, field?: string): never {
    throw new TransporterError(
      code,
      `Cannot accept ${this.#name} as ${problem}`,
      {
        details: field === undefined
          ? {}
          : { field: `${this.#prefix}${field}` },
      },
    );
  }

  /** The field's value; `undefined` when it is absent, or `null` as Go writes empty maps. */
  get(field: string): unknown {
    return Object.hasOwn(this.#value, field)
      ? this.#value[field] ?? undefined
      : undefined;
  }

  text(
    field: string,
    rule: { regexp?: RegExp; wanted: string; code?: ErrorCode; max?: number },
  ) {
    const value = this.get(field);
    if (value === undefined) return undefined;
    if (typeof value !== "string") this.wrongType(field, "a string");
    const fits = rule.regexp?.test(value) ??
      value.length <= (rule.max ?? Infinity);
    if (!fits || !value.isWellFormed()) {
      this.wrongValue(field, rule.wanted, rule.code);
    }
    return value;
  }

  /** A number between two others, both included. */
  number(
    field: string,
    rule: { min: number; max: number; whole: boolean; wanted: string },
  ): number | undefined {
    const value = this.get(field);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || (rule.whole && !Number.isInteger(value))) {
      this.wrongType(field, rule.wanted);
    }
    if (!(value >= rule.min && value <= rule.max)) {
      this.wrongValue(field, rule.wanted);
    }
    return value;
  }

  /** More than 0 whole nanoseconds; `"24h"` is read too. */
  duration(field: string, rule: DurationRule): number | undefined {
    const value = this.get(field);
    if (value === undefined) return undefined;
    const forms = `integer nanoseconds, or a duration such as "24h"`;
    if (typeof value !== "number" && typeof value !== "string") {
      this.wrongType(field, forms);
    }
    let ns: number;
    try {
      ns = typeof value === "number" ? value : parseDuration(value);
    } catch (cause) {
      if (!(cause instanceof TransporterError)) throw cause;
      return this.wrongValue(field, forms, rule.code);
    }
    if (!Number.isInteger(ns) || ns <= 0 || ns > rule.max) {
      this.wrongValue(
        field,
        `more than 0 and at most ${rule.wanted}, in whole nanoseconds`,
        rule.code,
      );
    }
    return ns;
  }

  required(
    field: string,
    rule: { regexp: RegExp; wanted: string; code?: ErrorCode },
  ): string {
    return this.text(field, rule) ??
      this.fail("missing_field", `"${field}" is missing`, field);
  }

  texts(field: string): Record<string, string> {
    const value = this.get(field) ?? {};
    if (!isRecord(value)) this.wrongType(field, "an object");
    const entries = Object.entries(value);
    if (entries.length > 64) {
      this.fail(
        "invalid",
        `"${field}" must have at most 64 entries: it has ${entries.length}`,
        field,
      );
    }
    for (const [key, text] of entries) {
      if (typeof text !== "string") {
        const name = printable(key);
        this.fail(
          "wrong_type",
          `"${field}.${name}" must be a string: it is ${typeOf(text)}`,
          field,
        );
      }
      if (!LABEL_KEY_REGEXP.test(key) || text.length > 256) {
        this.fail(
          "invalid",
          `keys of "${field}" must look like Kubernetes label keys, and values have at most 256 ` +
            `characters: current entry is "${printable(key)}"`,
          field,
        );
      }
    }
    return Object.fromEntries(entries) as Record<string, string>;
  }
}

/** The JSON type of a value, with its article. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A value from outside, short and without control characters, for a message. */
export function printable(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  // deno-lint-ignore no-control-regex -- control characters are what is replaced
  return short.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}
