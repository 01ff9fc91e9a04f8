import type { AgentConfig } from "@transporter/agent";
import type { Executor, PluginContext } from "@transporter/sdk";

/**
 * Opens the plugins that an operator named.
 *
 * @param values The settings that name them.
 * @param context What they are opened with.
 * @param opened Takes each as soon as it is open, and disposes of it.
 * @throws {TransporterError} What is wrong with the first that cannot be opened.
 */
export async function openPlugins(
  { pluginInProcess }: AgentConfig,
  context: PluginContext,
  opened: AsyncDisposableStack,
): Promise<readonly Executor[]> {
  if (!hasPlugins({ pluginInProcess })) return [];
  const { openInProcess, readEntry } = await import(
    "@transporter/agent/plugin"
  );
  const cwd = Deno.cwd();
  const executors: Executor[] = [];
  for (const each of pluginInProcess) {
    const entry = readEntry(each, { flag: "plugin-in-process", cwd });
    const executor = opened.use(await openInProcess(entry, context));
    context.log.info("Plugin runs in this process", {
      plugin: entry.name,
      ...executor.info,
    });
    executors.push(executor);
  }
  return executors;
}

/** Whether the settings name any plugin. */
export function hasPlugins(
  { pluginInProcess }: Pick<AgentConfig, "pluginInProcess">,
): boolean {
  return pluginInProcess.length > 0;
}
