import { type ErrorCode, TransporterError } from "./error.ts";
import { isRecord } from "./json.ts";

/** What an event's id may be; in a URL, dots alone would mean another path. */
export const ID_REGEXP = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,128}$/;

/** A Kubernetes label key: a name of 63 characters, after an optional DNS prefix. */
const LABEL_KEY_REGEXP =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** Reads fields of one event, naming the event in every refusal. */
export class FieldReader {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #name: string;

  constructor(value: Readonly<Record<string, unknown>>) {
    this.#value = value;
    const { id } = value;
    this.#name = typeof id === "string" && ID_REGEXP.test(id)
      ? `event "${id}"`
      : "the event";
  }

  fail(code: ErrorCode, problem: string, field?: string): never {
    throw new TransporterError(
      code,
      `Cannot accept ${this.#name} as ${problem}`,
      {
        details: field === undefined ? {} : { field },
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
    if (typeof value !== "string") {
      this.fail(
        "wrong_type",
        `"${field}" must be a string: it is ${typeOf(value)}`,
        field,
      );
    }
    const fits = rule.regexp?.test(value) ??
      value.length <= (rule.max ?? Infinity);
    if (!fits || !value.isWellFormed()) {
      this.fail(
        rule.code ?? "invalid",
        `"${field}" must be ${rule.wanted}: current value is "${
          printable(value)
        }"`,
        field,
      );
    }
    return value;
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
    if (!isRecord(value)) {
      this.fail(
        "wrong_type",
        `"${field}" must be an object: it is ${typeOf(value)}`,
        field,
      );
    }
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
