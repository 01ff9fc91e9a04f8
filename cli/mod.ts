/**
 * The commands of the `transporter` program. They talk to a control plane over
 * its HTTP API and to nothing else; what runs a control plane or an agent in
 * this process is handed in. {@linkcode runCli} never ends the process and
 * reads nothing ambient: everything outside is in its {@linkcode Host}.
 *
 * @example The program
 * ```ts ignore
 * import { runCli, systemMachine } from "@transporter/cli";
 *
 * Deno.exitCode = await runCli(Deno.args, { ...systemMachine(), ...rest });
 * ```
 *
 * @module
 */
export type * from "./host.ts";
export type { Acting } from "./kube_options.ts";
export type * from "./plugin_desk.ts";
export { systemFiles, systemMachine } from "./machine.ts";
export { reportError, runCli } from "./run_cli.ts";
