/**
 * Plugins that an operator names: external executors, in this process or in
 * one of their own.
 *
 * ```ts ignore
 * import { openIsolated, readEntry } from "@transporter/agent/plugin";
 *
 * const entry = readEntry("./greet.ts", { flag: "plugin", cwd: Deno.cwd() });
 * await using executor = await openIsolated(entry, { tools, clock, rng, log });
 * ```
 *
 * @module
 */
export type { ImportMap, PluginTools, Resolution } from "./command.ts";
export {
  type Allowed,
  type Grant,
  MEMORY_MIB_DEFAULT,
  type Permission,
  PERMISSIONS,
  type PluginEntry,
  readEntry,
  type SecretSource,
} from "./entry.ts";
export { inspect, type Inspection } from "./graph.ts";
export { type InProcessOptions, openInProcess } from "./in_process.ts";
export { openIsolated } from "./isolated.ts";
export { describe, type IsolationOptions } from "./start.ts";
