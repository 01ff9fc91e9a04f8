/**
 * Plugins that an operator names: external executors, in this process or in
 * one of their own.
 *
 * ```ts ignore
 * import { openInProcess, readEntry } from "@transporter/agent/plugin";
 *
 * const entry = readEntry("./greet.ts", { flag: "plugin-in-process", cwd: Deno.cwd() });
 * await using executor = await openInProcess(entry, { signal, log });
 * ```
 *
 * @module
 */
export {
  type Allowed,
  type Grant,
  MEMORY_MIB_DEFAULT,
  type Permission,
  PERMISSIONS,
  type PluginEntry,
  readEntry,
} from "./entry.ts";
export { openInProcess } from "./in_process.ts";
