import type { Clock, Logger, Rng } from "@transporter/sdk";
import { commandOf, environment, type PluginTools } from "./command.ts";
import type { PluginEntry } from "./entry.ts";
import { inspect } from "./graph.ts";
import { PluginProcess } from "./process.ts";
import type { PluginSecrets } from "./secrets.ts";

/** What {@linkcode startProcess} needs. */
export interface IsolationOptions {
  /** What plugins are run with. */
  readonly tools: PluginTools;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where randomness comes from. */
  readonly rng: Rng;
  /** For the operator. */
  readonly log: Logger;
  /** Milliseconds from an abort to the kill. */
  readonly graceMs?: number;
}

/** Milliseconds that a plugin has after an abort to put things in order. */
const GRACE_MS = 5000;

/**
 * Looks at a plugin, and starts a process of it: each time, since files change.
 *
 * @param entry Which.
 * @param options What it is run with.
 * @param secrets What it is lent; absent: it only says what it serves.
 */
export async function startProcess(
  entry: PluginEntry,
  options: IsolationOptions,
  secrets?: PluginSecrets,
): Promise<PluginProcess> {
  const { tools, clock, rng, log, graceMs = GRACE_MS } = options;
  const { name, config, allow } = entry;
  await using found = await inspect(entry, { tools, clock });
  return await PluginProcess.start({
    name,
    command: commandOf(entry, found.resolution, tools),
    env: environment(tools, allow),
    what: secrets === undefined ? "describe" : "open",
    config,
    secrets,
    mark: `\x1e${Math.floor(rng.next() * 2 ** 52).toString(36)} `,
    graceMs,
    clock,
    log: (secrets?.logger(log) ?? log).with({ plugin: name }),
  });
}

/**
 * Finds out what a plugin serves without opening it.
 *
 * @param entry Which.
 * @param options What it is run with.
 * @returns The type of its events, and its version.
 * @throws {TransporterError} As `openIsolated`.
 */
export async function describe(
  entry: PluginEntry,
  options: IsolationOptions,
): Promise<{ readonly type: string; readonly version: string }> {
  await using process = await startProcess(entry, options);
  return await process.info;
}
