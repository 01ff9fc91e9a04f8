import {
  type Executor,
  type Logger,
  parse,
  type Plugin,
  systemClock,
  TransporterError,
  VERSION,
} from "@transporter/sdk";
import { dials } from "./dials.ts";
import { openPlugins } from "./open_plugins.ts";
import { configOf } from "./plugin_configs.ts";
import { readPolicyDir } from "./policy_dir.ts";
import { logTo, type Runtime } from "./runtime.ts";
import { type Given, readSettings, stateDir } from "./settings.ts";
import { refuseUnused } from "./unused_settings.ts";

/** How long what an agent has opened may take to close, in milliseconds. */
const CLOSE_MS_MAX = 10_000;

/**
 * Closes what an agent has opened, in the end. What takes too long, such as a
 * disk or a plugin that hangs, is left to the end of the process.
 */
function closing(opened: AsyncDisposableStack, log: Logger): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const over = new AbortController();
      const { signal } = over;
      const isLate = await Promise.race([
        opened.disposeAsync().then(() => false),
        systemClock.sleep(CLOSE_MS_MAX, { signal }).then(() => true)
          .catch(() => false),
      ]);
      over.abort();
      if (isLate) {
        log.error("Something does not close, and is left as it is", {
          waited_ms: CLOSE_MS_MAX,
        });
      }
    },
  };
}

/**
 * Runs an agent until it is asked to end.
 *
 * @param given What a person said.
 * @param runtime The process it runs in.
 * @returns The exit code.
 */
export async function startAgent(
  given: Given,
  runtime: Runtime,
): Promise<number> {
  const { Agent, config } = await import("@transporter/agent");
  const { addNoProxy, openGate, standard } = await import(
    "@transporter/plugins"
  );
  const { env, signal } = runtime;
  const values = readSettings(config, given, runtime, {
    check: (values, from) => refuseUnused(values, from, env),
  });
  const { agentId } = values;
  if (agentId === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot start an agent without an id: name it with --agent-id or TP_AGENT_AGENT_ID",
    );
  }
  const serviceHost = env["KUBERNETES_SERVICE_HOST"];
  // A proxy is for the control plane; the API server beside us is never behind it.
  if (serviceHost) {
    const noProxy = env["NO_PROXY"] || env["no_proxy"];
    Deno.env.set("NO_PROXY", addNoProxy(noProxy, serviceHost));
  }
  const log = logTo(runtime, values.logLevel).with({ agent: agentId });
  const stack = new AsyncDisposableStack();
  await using _closing = closing(stack, log);
  const executors: Executor[] = [];
  const dataDir = values.dataDir ?? stateDir(env, `agent-${agentId}`);
  const { policyDir } = values;

  /** Puts the operator's policies before all writes to the cluster. */
  async function gated(
    wanted: Readonly<Record<string, unknown>> | undefined,
    { type }: Plugin,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (type !== "k8s_resource" || policyDir === undefined) return wanted;
    if (wanted === undefined) {
      throw new TransporterError(
        "usage",
        "Cannot use --policy-dir without a cluster: its policies are for what is written to one",
      );
    }
    const gate = await readPolicyDir(policyDir, (documents) =>
      openGate({
        ...{ documents, cluster: wanted },
        warn: (warning) => log.warn(warning, { dir: policyDir }),
      }));
    stack.use(gate);
    return { ...wanted, gate };
  }

  try {
    for (const plugin of standard) {
      const wanted = await gated(
        configOf(plugin, { values, env, dataDir }),
        plugin,
      );
      if (wanted === undefined) {
        if (plugin.type === "k8s_resource") {
          log.warn("No cluster is named or found: no manifests are applied");
        }
        continue;
      }
      const pluginConfig = await settingsFor(plugin, wanted);
      executors.push(
        stack.use(await plugin.open(pluginConfig, { signal, log })),
      );
    }
    executors.push(...await openPlugins(values, { signal, log, env }, stack));
  } catch (error) {
    // It was stopped while it started: an end like any other, unless it was to run what waits.
    const isStopped = signal.aborted &&
      TransporterError.from(error).code === "cancelled";
    if (isStopped && !values.once) return 0;
    throw error;
  }
  const agent = stack.use(
    await Agent.open({
      ...defined(values),
      agentId,
      dataDir,
      executors,
      dials: dials(env, { clock: systemClock, log }),
      version: VERSION,
      hostname: Deno.hostname(),
      log,
    }),
  );
  await agent.run(signal);
  return 0;
}

/** A plugin's settings, checked. */
async function settingsFor(plugin: Plugin, wanted: unknown): Promise<unknown> {
  try {
    return await parse<unknown>(plugin.config, wanted);
  } catch (cause) {
    const { message, details } = TransporterError.from(cause);
    const { issues = message } = details ?? {};
    throw new TransporterError(
      "usage",
      `Cannot start the agent as its settings for "${plugin.type}" do not fit: ${issues}`,
      { cause },
    );
  }
}

/** Leaves out what has no value, as options that are given must have one. */
function defined<T extends object>(
  values: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}
