import {
  isState,
  parseDuration,
  parseTime,
  type State,
  STATES,
  TransporterError,
} from "@transporter/sdk";

/** One parameter of a route, in the query. */
export interface Parameter {
  /** Its name. */
  readonly name: string;
  /** For people, without a final period. */
  readonly description: string;
  /** Its JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Whether it has to be there. */
  readonly required?: boolean;
  /** Whether it may be there several times. */
  readonly repeatable?: boolean;
}

function refuse(name: string, problem: string): never {
  throw new TransporterError("invalid", `Cannot use "${name}": ${problem}`, {
    details: { field: name },
  });
}

/** The query of a request: only parameters that its route has, each read once. */
export class Query {
  readonly #values: URLSearchParams;

  /**
   * Checks the names.
   *
   * @throws {TransporterError} `unknown_field`, `invalid`.
   */
  constructor(values: URLSearchParams, parameters: readonly Parameter[]) {
    this.#values = values;
    for (const name of new Set(values.keys())) {
      const parameter = parameters.find((each) => each.name === name);
      if (parameter === undefined) {
        const names = parameters.map((each) => `"${each.name}"`).join(", ") ||
          "none";
        throw new TransporterError(
          "unknown_field",
          `Cannot use the query parameter "${
            name.slice(0, 60)
          }" as it is not known: known here are ${names}`,
          { details: { field: name.slice(0, 60) } },
        );
      }
      if (!parameter.repeatable && values.getAll(name).length > 1) {
        refuse(name, "it is there twice");
      }
    }
  }

  /** The value of a parameter; `undefined` when it is absent. */
  text(name: string): string | undefined {
    return this.#values.get(name) ?? undefined;
  }

  /** All values of a parameter. */
  texts(name: string): readonly string[] {
    return this.#values.getAll(name);
  }

  /** `state`, which may be repeated; `undefined` when it is absent. */
  states(): readonly State[] | undefined {
    const values = this.texts("state").map((value) =>
      isState(value) ? value : refuse(
        "state",
        `it must be one of ${STATES.join(", ")}: current value is "${
          short(value)
        }"`,
      )
    );
    return values.length === 0 ? undefined : values;
  }

  /** `label`, as `key=value`, which may be repeated. */
  labels(): Readonly<Record<string, string>> | undefined {
    const pairs = this.texts("label").map((text) => {
      const at = text.indexOf("=");
      if (at < 1) {
        refuse(
          "label",
          `it must be "key=value": current value is "${short(text)}"`,
        );
      }
      return [text.slice(0, at), text.slice(at + 1)] as const;
    });
    const labels = Object.fromEntries(pairs);
    if (Object.keys(labels).length < pairs.length) {
      refuse("label", "a key is there twice");
    }
    return pairs.length === 0 ? undefined : labels;
  }

  /** `since`: a time, or how long ago, in milliseconds since 1970. */
  since(now: number): number | undefined {
    const text = this.text("since");
    if (text === undefined) return undefined;
    const at = parseTime(text);
    if (at !== undefined) return at;
    try {
      return now - parseDuration(text) / 1e6;
    } catch (cause) {
      if (!(cause instanceof TransporterError)) throw cause;
      return refuse(
        "since",
        `it must be a time such as "2026-11-23T05:04:27Z", or how long ago, such as "1h": current value is "${
          short(text)
        }"`,
      );
    }
  }

  /** An integer within bounds; `undefined` when it is absent. */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    return refuse(
      name,
      `it must be an integer from ${min} to ${max}: current value is "${
        short(text)
      }"`,
    );
  }

  /** `limit`: how many at most. */
  limit(): number {
    return this.integer("limit", 1, LIMIT_MAX) ?? LIMIT_DEFAULT;
  }

  /** `cursor`, as {@linkcode cursorOf} made it. */
  cursor(): string | undefined {
    const text = this.text("cursor");
    if (text === undefined) return undefined;
    const position = CURSOR_REGEXP.test(text)
      ? fromBase64(text.slice(1))
      : undefined;
    if (position === undefined) {
      refuse("cursor", 'it must be the "next_cursor" of a page before');
    }
    return position;
  }

  /** `cursor` of a list that counts. */
  cursorNumber(): number | undefined {
    const position = this.cursor();
    if (position === undefined) return undefined;
    if (!/^\d{1,15}$/.test(position)) {
      refuse("cursor", 'it must be the "next_cursor" of a page before');
    }
    return Number(position);
  }
}

/** Items of a page that asks for no number. */
const LIMIT_DEFAULT = 100;

/** Items of a page at most. */
const LIMIT_MAX = 500;

/** The version of what is inside comes first, so that it can change. */
const CURSOR_REGEXP = /^1[A-Za-z0-9_-]{1,400}$/;

/** Makes the cursor of a position: opaque, so that nobody builds on what is inside. */
export function cursorOf(position: string | number): string {
  const text = btoa(String(position)).replaceAll("+", "-").replaceAll("/", "_");
  return `1${text.replaceAll("=", "")}`;
}

function fromBase64(text: string): string | undefined {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined; // not one of ours: the caller says so
  }
}

function short(text: string): string {
  return text.slice(0, 60);
}

/** The parameters that lists share. */
export const PAGE_PARAMETERS: readonly Parameter[] = [
  {
    name: "limit",
    description: "How many items at most",
    schema: {
      type: "integer",
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
    },
  },
  {
    name: "cursor",
    description: "The next_cursor of the page before",
    schema: { type: "string" },
  },
];
