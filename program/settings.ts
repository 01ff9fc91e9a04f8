import {
  type Config,
  type ConfigOf,
  isRecord,
  type Settings,
  TransporterError,
} from "@transporter/sdk";
import { parse } from "yaml";

/** What settings are read with. */
export interface SettingsSources {
  /** Flags as typed, by camelCase name; `config` names the file. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes sentences about what looks wrong and is not. */
  readonly warn: (sentence: string) => void;
}

/**
 * Reads the settings of one part of the system: flags, environment, the file
 * that `--config` names, defaults.
 *
 * @throws {TransporterError} `usage` for a value that does not fit, and for a file that cannot be read.
 */
export async function readSettings<T extends Settings>(
  config: Config<T>,
  { flags, env, warn }: SettingsSources,
): Promise<ConfigOf<Config<T>>> {
  const variable = config.settings.find(({ name }) => name === "config")?.env ??
    "";
  const path = flags["config"] ?? env[variable];
  const file = typeof path === "string" ? await readFile(path) : undefined;
  const { values, warnings } = config.read({ flags, env, file });
  warnings.forEach(warn);
  return values;
}

async function readFile(path: string): Promise<unknown> {
  let file: unknown;
  try {
    file = parse(await Deno.readTextFile(path), { maxAliasCount: 10 });
  } catch (cause) {
    const why = cause instanceof Error
      ? cause.message.split("\n")[0]
      : String(cause);
    throw new TransporterError(
      "usage",
      `Cannot read the configuration file "${path}": ${why}`,
      {
        cause,
      },
    );
  }
  if (isRecord(file) && "config" in file) {
    throw new TransporterError(
      "usage",
      `Cannot read the configuration file "${path}": it names another one with "config"`,
    );
  }
  return file;
}

/**
 * The folder for what a part of the system keeps.
 *
 * @see {@link https://specifications.freedesktop.org/basedir-spec/latest/}
 * @throws {TransporterError} `usage` without a home.
 */
export function stateDir(
  env: Readonly<Record<string, string>>,
  part: string,
): string {
  const base = env["XDG_STATE_HOME"] ||
    (env["HOME"] && `${env["HOME"]}/.local/state`);
  if (!base) {
    throw new TransporterError(
      "usage",
      "Cannot choose a data folder as neither XDG_STATE_HOME nor HOME is set: name one with --data-dir",
    );
  }
  return `${base}/transporter/${part}`;
}
