import { TransporterError } from "./error.ts";
import { isRecord } from "./json.ts";
import { formatDuration, parseDuration } from "./time.ts";

/** What every setting has. */
export interface SettingCommon {
  /** One line for people, without a final period. */
  readonly help: string;
  /** Stands for the value in help, such as `FILE`. */
  readonly placeholder?: string;
}

/** How one setting is written down, and what it may be. */
export type Setting =
  | SettingCommon & { readonly kind: "string"; readonly default?: string }
  | SettingCommon & {
    readonly kind: "list";
    readonly default?: readonly string[];
  }
  | SettingCommon & {
    /** Several things that need a word each; in a file each may be a mapping that says more. */
    readonly kind: "entries";
    readonly default?: readonly string[];
  }
  | SettingCommon & { readonly kind: "boolean"; readonly default?: boolean }
  | SettingCommon & {
    readonly kind: "integer";
    readonly default?: number;
    readonly min?: number;
    readonly max?: number;
  }
  | SettingCommon & {
    /** A duration such as `10s`; its value is in milliseconds. */
    readonly kind: "duration";
    readonly default?: string;
    readonly min?: string;
    readonly max?: string;
  }
  | SettingCommon & {
    readonly kind: "choice";
    readonly choices: readonly string[];
    readonly default?: string;
  };

/** The type of a setting's value. */
export type SettingValue<S extends Setting> = S extends { kind: "list" }
  ? readonly string[]
  : S extends { kind: "entries" }
    ? readonly (string | Readonly<Record<string, unknown>>)[]
  : S extends { kind: "boolean" } ? boolean
  : S extends { kind: "integer" | "duration" } ? number
  : S extends { kind: "choice"; choices: readonly (infer C)[] } ? C
  : string;

/** Whether a setting always has a value: lists, entries and booleans do, others when they have a default. */
export type SettingPresent<S extends Setting> = S extends
  { kind: "list" | "entries" | "boolean" } ? true
  : S extends { default: string | number } ? true
  : false;

/** Whether a flag of the setting may be there more than once. */
export function isSeveral({ kind }: Setting): boolean {
  return kind === "list" || kind === "entries";
}

/** One line of help, with what the value may be. */
export function helpOf(setting: Setting): string {
  if (setting.kind === "choice") {
    return `${setting.help}: ${setting.choices.join(", ")}`;
  }
  return isSeveral(setting) ? `${setting.help} (repeatable)` : setting.help;
}

/**
 * Makes a value of what a source has for a setting.
 *
 * @throws {TransporterError} `usage`, naming the source, when it does not fit.
 */
export function convert(setting: Setting, raw: unknown, from: string): unknown {
  function refuse(wanted: string): never {
    const shown = typeof raw === "string" ? raw : JSON.stringify(raw);
    throw new TransporterError(
      "usage",
      `Cannot use ${from} "${shown}": it must be ${wanted}`,
    );
  }
  const fits = (item: unknown) =>
    typeof item === "string" || setting.kind === "entries" && isRecord(item);
  switch (setting.kind) {
    case "boolean":
      if (raw === undefined) return false;
      if (raw === true || raw === "true" || raw === "1") return true;
      if (raw === false || raw === "false" || raw === "0") return false;
      return refuse('"true" or "false"');
    case "list":
    case "entries":
      if (raw === undefined) return [];
      if (typeof raw === "string") {
        return raw.split(",").map((item) => item.trim()).filter(Boolean);
      }
      if (Array.isArray(raw) && raw.every(fits)) return raw;
      return refuse(
        setting.kind === "list"
          ? "a list of texts"
          : "a list of texts and mappings",
      );
    case "integer": {
      if (raw === undefined) return undefined;
      const value = typeof raw === "string" && /^-?\d+$/.test(raw)
        ? Number(raw)
        : raw;
      const { min = -Infinity, max = Infinity } = setting;
      if (
        Number.isSafeInteger(value) && (value as number) >= min &&
        (value as number) <= max
      ) {
        return value;
      }
      return refuse(
        `an integer${setting.min === undefined ? "" : ` from ${min}`}${
          setting.max === undefined ? "" : ` to ${max}`
        }`,
      );
    }
    case "duration": {
      if (raw === undefined) return undefined;
      const { min = "0s", max = "87600h" } = setting;
      let ns = NaN;
      try {
        ns = parseDuration(String(raw));
      } catch (error) {
        if (!(error instanceof TransporterError)) throw error;
      }
      if (ns >= parseDuration(min) && ns <= parseDuration(max)) return ns / 1e6;
      return refuse(
        `a duration such as "10s", from ${min} to ${
          formatDuration(parseDuration(max))
        }`,
      );
    }
    case "choice":
      if (raw === undefined) return undefined;
      if (setting.choices.some((choice) => choice === raw)) return raw;
      return refuse(`one of ${setting.choices.join(", ")}`);
    case "string":
      if (raw === undefined || typeof raw === "string") return raw;
      if (typeof raw === "number") return String(raw);
      return refuse("a text");
  }
}

/** The JSON Schema of a setting in a file. */
export function schemaOf(setting: Setting): Readonly<Record<string, unknown>> {
  const about = {
    description: setting.help,
    ...(setting.default === undefined ? {} : { default: setting.default }),
  };
  switch (setting.kind) {
    case "boolean":
      return { type: "boolean", ...about };
    case "list":
      return { type: "array", items: { type: "string" }, ...about };
    case "entries":
      return {
        type: "array",
        items: { type: ["string", "object"] },
        ...about,
      };
    case "integer":
      return {
        type: "integer",
        ...(setting.min === undefined ? {} : { minimum: setting.min }),
        ...(setting.max === undefined ? {} : { maximum: setting.max }),
        ...about,
      };
    case "choice":
      return { enum: setting.choices, ...about };
    default:
      return { type: "string", ...about };
  }
}
