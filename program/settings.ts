import {
  type Config,
  type ConfigOf,
  type Settings,
  TransporterError,
} from "@transporter/sdk";
import type { Runtime } from "./runtime.ts";

/** What a person said: flags, and the file that `--config` names. */
export interface Given {
  /** Flags as typed, by camelCase name. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The parsed configuration file. */
  readonly file?: unknown;
}

/**
 * Reads the settings of one part of the system: flags, environment, file,
 * defaults; warns of variables that look like a setting and are none.
 *
 * @param config Which there are.
 * @param given Flags, and the file.
 * @param runtime The environment, and who is warned.
 * @param options `check`: looks at them together, with where each came from that was given.
 * @throws {TransporterError} `usage` for a value that does not fit; what `check` throws.
 */
export function readSettings<T extends Settings>(
  config: Config<T>,
  given: Given,
  runtime: Runtime,
  options: {
    readonly check?: (
      values: ConfigOf<Config<T>>,
      from: ReadonlyMap<string, string>,
    ) => void;
  } = {},
): ConfigOf<Config<T>> {
  const { env } = runtime;
  const { values, given: from, warnings } = config.read({ ...given, env });
  for (const sentence of warnings) runtime.note(`warning: ${sentence}\n`);
  options.check?.(values, from);
  return values;
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
  const state = env["XDG_STATE_HOME"];
  // The specification has relative paths ignored.
  const base = state?.startsWith("/")
    ? state
    : env["HOME"] && `${env["HOME"]}/.local/state`;
  if (!base) {
    throw new TransporterError(
      "usage",
      "Cannot choose a data folder as neither XDG_STATE_HOME nor HOME is set: name one with --data-dir",
    );
  }
  return `${base}/transporter/${part}`;
}
