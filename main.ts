/**
 * The program: `deno task cp`, `deno task agent`, `transporter …`. It chooses
 * connectors, stores and plugins, and hands them in; nothing below it reads
 * the environment or the arguments by itself.
 *
 * @module
 */
import type {
  Host,
  PluginDesk,
  Starters,
  StartOptions,
} from "@transporter/cli";
import { systemMachine } from "@transporter/cli/machine";
import { config as agentConfig } from "@transporter/agent/config";
import { config as cpConfig, migrateConfig } from "@transporter/cp/config";
import { addNoProxy, kinds } from "@transporter/plugins";
import { TransporterError } from "@transporter/sdk";
import { publishers } from "./program/brokers.ts";
import { demoConfig } from "./program/demo_config.ts";
import type { Runtime } from "./program/runtime.ts";
import { readStartLine } from "./program/start_line.ts";

/** Hosts of this machine, which no proxy can reach for us; curl and kubectl leave them out by themselves. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

async function main(): Promise<number> {
  const noProxy = Deno.env.get("NO_PROXY") || Deno.env.get("no_proxy");
  Deno.env.set("NO_PROXY", LOOPBACK.reduce(addNoProxy, noProxy ?? ""));
  const interrupted = new AbortController();
  const interrupt = () =>
    interrupted.abort(new TransporterError("cancelled", "Stopped as asked"));
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);

  const machine = systemMachine();
  const { env, stdout, stderr } = machine;
  const runtime: Runtime = {
    env,
    signal: interrupted.signal,
    print: (text) => stdout.write(text),
    note: (text) => stderr.write(text),
    isTerminal: stdout.isTerminal,
  };
  // Each is loaded when it is asked for: an agent has no use for the control plane's memory.
  const starters: Starters = {
    async cp(given) {
      const { startCp } = await import("./program/start_cp.ts");
      return await startCp(given, runtime);
    },
    async agent(given) {
      const { startAgent } = await import("./program/start_agent.ts");
      return await startAgent(given, runtime);
    },
    async migrate(given) {
      const { startMigrate } = await import("./program/start_migrate.ts");
      return await startMigrate(given, runtime);
    },
    async demo(given) {
      const { runCli } = await import("@transporter/cli");
      const { startDemo } = await import("./program/demo.ts");
      return await startDemo(given, runtime, (args) => runCli(args, host));
    },
  };
  const host: Host = {
    ...machine,
    kinds,
    async rights(request) {
      const { findRights } = await import("./program/rights.ts");
      return await findRights(request, runtime);
    },
    async rightsOf(request) {
      const { rightsOf } = await import("./program/rights.ts");
      return await rightsOf(request, runtime);
    },
    plugins: lazyPlugins(runtime),
    publishers: publishers(env),
    cpConfig,
    agentConfig,
    demoConfig,
    migrateConfig,
    signal: interrupted.signal,
    starters,
  };
  try {
    return await run(Deno.args, host);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
  }
}

/** What the commands for plugins do, loaded when one is asked for. */
function lazyPlugins(runtime: Runtime): PluginDesk {
  async function desk(): Promise<PluginDesk> {
    const { pluginDesk } = await import("./program/plugin_desk.ts");
    return pluginDesk(runtime);
  }
  return {
    create: async (name) => await (await desk()).create(name),
    list: async (request) => await (await desk()).list(request),
    run: async (...args) => await (await desk()).run(...args),
    async *check(...args) {
      yield* (await desk()).check(...args);
    },
  };
}

async function run(args: readonly string[], host: Host): Promise<number> {
  const line = readStartLine(args, { cp: cpConfig, agent: agentConfig });
  if (line === undefined) {
    const { runCli } = await import("@transporter/cli");
    return await runCli(args, host);
  }
  const given: StartOptions = { flags: line.flags, file: undefined };
  try {
    return await host.starters[line.part](given);
  } catch (error) {
    const { reportError } = await import("@transporter/cli");
    return reportError(error, args, host);
  }
}

// Whatever the runtime still waits for, such as a WebSocket whose far end fell silent, is over.
if (import.meta.main) main().then((code) => Deno.exit(code));
