import {
  abortable,
  type Clock,
  deadline,
  type Executor,
  type PluginContext,
  readPlugin,
  readPluginConfig,
  TransporterError,
} from "@transporter/sdk";
import type { PluginTools } from "./command.ts";
import type { PluginEntry } from "./entry.ts";
import { whyNoFile } from "./deno.ts";
import { inspect } from "./graph.ts";
import { guarded } from "./guarded.ts";
import { jsonOnly } from "./json.ts";
import { OPEN_MS } from "./process.ts";
import { PluginSecrets } from "./secrets.ts";

/** Milliseconds that a module may take to load: what it imports may have to be fetched. */
const LOAD_MS = 60_000;

/** What {@linkcode openInProcess} needs. */
export interface InProcessOptions extends PluginContext {
  /** What a pinned plugin is looked at with. */
  readonly tools: PluginTools;
  /** Where time comes from. */
  readonly clock: Clock;
}

/**
 * Loads a plugin into this process: it may do whatever this process may, and
 * takes it down when it crashes or hangs. For those that are trusted as this
 * program is. Names in its imports mean what they mean in this program.
 *
 * @param entry Which.
 * @param options What it is opened with.
 * @throws {TransporterError} `usage` for a module that cannot be loaded or has no plugin, and for
 * a config that does not fit; `denied` for another hash than the one it is pinned by;
 * `unsupported_version`; `timeout`; what `open` throws.
 */
export async function openInProcess(
  entry: PluginEntry,
  options: InProcessOptions,
): Promise<Executor> {
  const { name, specifier, integrity, config } = entry;
  const missing = await whyNoFile(specifier);
  if (missing !== undefined) {
    throw new TransporterError(
      "usage",
      `Cannot load the plugin "${name}": ${missing}`,
    );
  }
  if (integrity !== undefined) await checkPin(entry, options);
  const loading = import(specifier).catch((cause) => {
    const [why] = String(cause instanceof Error ? cause.message : cause)
      .split("\n");
    throw new TransporterError(
      "usage",
      `Cannot load the plugin "${name}": ${why}`,
      { cause },
    );
  });
  const module: unknown = await within(LOAD_MS, loading, {
    options,
    what: `Cannot load the plugin "${name}": it was not there`,
  });
  const plugin = readPlugin(module, name);
  const where = `the plugin "${name}"`;
  const { signal, log, tools } = options;
  const secrets = await PluginSecrets.open(entry, tools.env);
  try {
    const opening = plugin.open(
      await readPluginConfig(plugin, config, where),
      {
        signal,
        log: secrets.logger(log),
        secret: (name) => secrets.get(name),
      },
    );
    const executor = await within(OPEN_MS, Promise.resolve(opening), {
      options,
      what: `Cannot open the plugin "${name}": it was not open`,
    });
    return guarded(jsonOnly(executor), secrets);
  } catch (reason) {
    throw secrets.error(reason);
  }
}

/**
 * Waits for what a plugin does while it is loaded.
 *
 * @throws {TransporterError} `timeout` when it takes too long; what it throws.
 */
async function within<T>(
  ms: number,
  work: Promise<T>,
  { options, what }: {
    readonly options: InProcessOptions;
    readonly what: string;
  },
): Promise<T> {
  const { clock, signal } = options;
  const reason = new TransporterError(
    "timeout",
    `${what} after ${ms / 1000}s`,
  );
  using limit = deadline(clock, ms, { reason, signal });
  return await abortable(work, limit.signal);
}

/** What a name means here could be something else than what was hashed. */
async function checkPin(
  entry: PluginEntry,
  options: InProcessOptions,
): Promise<void> {
  await using found = await inspect(entry, options);
  const [name] = found.mapped;
  if (name === undefined) return;
  throw new TransporterError(
    "usage",
    `Cannot pin the plugin "${entry.name}" in this process as it imports "${name}", whose meaning is this program's: ` +
      `import it as "npm:${name}@VERSION", or use --plugin`,
  );
}
