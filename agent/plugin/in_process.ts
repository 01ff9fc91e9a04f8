import {
  type Executor,
  type PluginContext,
  readPlugin,
  readPluginConfig,
  TransporterError,
} from "@transporter/sdk";
import type { PluginEntry } from "./entry.ts";

/**
 * Loads a plugin into this process: it may do whatever this process may, and
 * takes it down when it crashes or hangs. For those that are trusted as this
 * program is.
 *
 * @param entry Which.
 * @param context What it is opened with.
 * @throws {TransporterError} `usage` for a module that cannot be loaded or has no plugin, and for
 * a config that does not fit; `unsupported_version`; what `open` throws.
 */
export async function openInProcess(
  { name, specifier, integrity, config }: PluginEntry,
  context: PluginContext,
): Promise<Executor> {
  if (integrity !== undefined) {
    throw new TransporterError(
      "usage",
      `Cannot check the hash of the plugin "${name}" in this process`,
    );
  }
  let module: unknown;
  try {
    module = await import(specifier);
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause)
      .split("\n");
    throw new TransporterError(
      "usage",
      `Cannot load the plugin "${name}": ${why}`,
      { cause },
    );
  }
  const plugin = readPlugin(module, name);
  const where = `the plugin "${name}"`;
  return await plugin.open(
    await readPluginConfig(plugin, config, where),
    context,
  );
}
