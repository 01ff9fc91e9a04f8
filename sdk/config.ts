import { TransporterError } from "./error.ts";
import { isRecord } from "./json.ts";
import { nearest } from "./nearest.ts";
import {
  convert,
  helpOf,
  schemaOf,
  type Setting,
  type SettingPresent,
  type SettingValue,
} from "./setting.ts";

/** A table of settings, by their camelCase names. */
export type Settings = Readonly<Record<string, Setting>>;

/** The type of a table's values: durations in milliseconds, absent ones `undefined`. */
export type ConfigOf<C extends Config<Settings>> = C extends Config<infer T> ? {
    readonly [K in keyof T]: SettingPresent<T[K]> extends true
      ? SettingValue<T[K]>
      : SettingValue<T[K]> | undefined;
  }
  : never;

/** Where values come from; the first that has one wins. */
export interface ConfigSources {
  /** Flags, by camelCase name, as a command line parser leaves them. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** The environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The parsed configuration file: the flags' names as keys. */
  readonly file?: unknown;
}

/** A setting as the outside sees it. */
export interface SettingDescription {
  /** Its name in code: `dataDir`. */
  readonly name: string;
  /** Its flag: `--data-dir`. */
  readonly flag: string;
  /** Its environment variable: `TP_CP_DATA_DIR`. */
  readonly env: string;
  /** Its key in a file: `data-dir`. */
  readonly key: string;
  /** What stands for its value in help; `undefined` for booleans. */
  readonly placeholder: string | undefined;
  /** What it is and may be. */
  readonly setting: Setting;
}

/** What the environment variables of a program's settings begin with. */
function prefixOf(name: string): string {
  return `TP_${name.toUpperCase()}_`;
}

/**
 * One table of settings, declared once: the type of its values, flags,
 * environment variables, file keys, help, reference page and JSON Schema all
 * come from it.
 *
 * @typeParam T The table.
 */
export class Config<T extends Settings> {
  /** What the settings belong to, such as `cp` or `agent`. */
  readonly name: string;
  /** Every setting, in the order of the table. */
  readonly settings: readonly SettingDescription[];

  /** Made by {@linkcode defineConfig}. */
  constructor(name: string, table: T) {
    this.name = name;
    const prefix = prefixOf(name);
    this.settings = Object.entries(table).map(([key, setting]) => {
      const kebab = key.replace(
        /[A-Z]/g,
        (letter) => `-${letter.toLowerCase()}`,
      );
      return {
        name: key,
        flag: `--${kebab}`,
        env: prefix + kebab.replaceAll("-", "_").toUpperCase(),
        key: kebab,
        placeholder: setting.kind === "boolean"
          ? undefined
          : setting.placeholder ?? setting.kind.toUpperCase(),
        setting,
      };
    });
  }

  /**
   * Reads every setting: flag before environment before file before default.
   *
   * @param sources Where values come from.
   * @returns The values, durations in milliseconds; of each that was given where it came from, as a refusal names
   * it, such as `--data-dir`; and warnings about unknown variables.
   * @throws {TransporterError} `usage` for a value that does not fit, and for a file key that is not known.
   */
  read(sources: ConfigSources): {
    readonly values: ConfigOf<Config<T>>;
    readonly given: ReadonlyMap<string, string>;
    readonly warnings: readonly string[];
  } {
    const { flags = {}, env = {}, file } = sources;
    const keys = this.#fileKeys(file);
    const values: Record<string, unknown> = {};
    const given = new Map<string, string>();
    for (const described of this.settings) {
      const [from, raw] = flags[described.name] !== undefined
        ? [described.flag, flags[described.name]]
        : env[described.env] !== undefined
        ? [described.env, env[described.env]]
        : keys[described.key] !== undefined && keys[described.key] !== null
        ? [`the file's ${described.key}`, keys[described.key]]
        : ["", described.setting.default];
      values[described.name] = convert(described.setting, raw, from);
      if (from !== "") given.set(described.name, from);
    }
    return {
      values: values as ConfigOf<Config<T>>,
      given,
      warnings: this.#unknownVariables(env),
    };
  }

  #fileKeys(file: unknown): Readonly<Record<string, unknown>> {
    if (file === undefined || file === null) return {};
    if (!isRecord(file)) {
      throw new TransporterError(
        "usage",
        "Cannot read the configuration file: it must be a mapping",
      );
    }
    const known = new Set(this.settings.map(({ key }) => key));
    const unknown = Object.keys(file).find((key) => !known.has(key));
    if (unknown !== undefined) {
      const near = nearest(unknown, known);
      const hint = near === undefined ? "" : `: did you mean "${near}"?`;
      throw new TransporterError(
        "usage",
        `Cannot read the configuration file: the key "${unknown}" is not known${hint}`,
      );
    }
    return file;
  }

  #unknownVariables(env: Readonly<Record<string, string>>): string[] {
    const prefix = prefixOf(this.name);
    const known = this.settings.map(({ env }) => env.slice(prefix.length));
    return Object.keys(env).filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .filter((name) => !known.includes(name))
      .map((name) => {
        // What all of them begin with would make any two of them alike.
        const near = nearest(name, known);
        const hint = near === undefined
          ? ""
          : `: did you mean ${prefix}${near}?`;
        return `The environment variable ${prefix}${name} is not known${hint}`;
      });
  }

  /** The reference page: one table row a setting, in Markdown. */
  markdown(): string {
    const rows = this.settings.map(({ flag, env, placeholder, setting }) => {
      const shown = setting.default === undefined || setting.default === ""
        ? ""
        : `\`${String(setting.default)}\``;
      const value = placeholder === undefined ? "" : ` ${placeholder}`;
      return `| \`${flag}${value}\` | \`${env}\` | ${shown} | ${
        helpOf(setting).replaceAll("|", "\\|")
      } |`;
    });
    return [
      "| flag | environment | default | what it is |",
      "| --- | --- | --- | --- |",
      ...rows,
    ].join("\n") + "\n";
  }

  /** The JSON Schema of a configuration file. */
  jsonSchema(): Readonly<Record<string, unknown>> {
    return {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: `Configuration of transporter ${this.name}`,
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(
        this.settings.map(({ key, setting }) => [key, schemaOf(setting)]),
      ),
    };
  }
}

/**
 * Declares settings once.
 *
 * @param name What they belong to; it is a part of the environment variables' names.
 * @param table The settings, by camelCase name.
 *
 * @example Usage
 * ```ts
 * import { defineConfig } from "@transporter/sdk";
 * import { strictEqual } from "node:assert/strict";
 *
 * const config = defineConfig("agent", {
 *   heartbeatInterval: { kind: "duration", default: "10s", help: "Time between heartbeats" },
 * });
 * const { values } = config.read({ env: { TP_AGENT_HEARTBEAT_INTERVAL: "2s" } });
 * strictEqual(values.heartbeatInterval, 2000);
 * ```
 */
export function defineConfig<const T extends Settings>(
  name: string,
  table: T,
): Config<T> {
  return new Config(name, table);
}
