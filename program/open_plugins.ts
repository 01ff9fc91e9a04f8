import type { AgentConfig } from "@transporter/agent";
import {
  type Executor,
  type PluginContext,
  systemClock,
  systemRng,
} from "@transporter/sdk";

/** The settings that name plugins. */
type Named = Pick<AgentConfig, "plugin" | "pluginInProcess">;

/** Whether the settings name any plugin. */
export function hasPlugins({ plugin, pluginInProcess }: Named): boolean {
  return plugin.length + pluginInProcess.length > 0;
}

/**
 * Opens the plugins that an operator named.
 *
 * @param values The settings that name them.
 * @param context What they are opened with, and the environment.
 * @param opened Takes each as soon as it is open, and disposes of it.
 * @throws {TransporterError} What is wrong with the first that cannot be opened.
 */
export async function openPlugins(
  { plugin, pluginInProcess }: Named,
  context: PluginContext & { readonly env: Readonly<Record<string, string>> },
  opened: AsyncDisposableStack,
): Promise<readonly Executor[]> {
  if (!hasPlugins({ plugin, pluginInProcess })) return [];
  const { openInProcess, openIsolated, readEntry } = await import(
    "@transporter/agent/plugin"
  );
  const { pluginTools } = await import("./plugin_tools.ts");
  const { log } = context;
  const cwd = Deno.cwd();
  const options = {
    tools: await pluginTools(context.env),
    clock: systemClock,
    rng: systemRng,
    log,
  };
  const executors: Executor[] = [];
  for (const each of plugin) {
    const entry = readEntry(each, { flag: "plugin", cwd });
    const executor = opened.use(await openIsolated(entry, options));
    log.info("Plugin runs in a process of its own", {
      plugin: entry.name,
      pinned: entry.integrity !== undefined,
      ...executor.info,
    });
    executors.push(executor);
  }
  for (const each of pluginInProcess) {
    const entry = readEntry(each, { flag: "plugin-in-process", cwd });
    const executor = opened.use(
      await openInProcess(entry, { ...options, signal: context.signal }),
    );
    log.info("Plugin runs in this process", {
      plugin: entry.name,
      pinned: entry.integrity !== undefined,
      ...executor.info,
    });
    executors.push(executor);
  }
  return executors;
}
