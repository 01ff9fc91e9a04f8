import type { AgentConfig } from "@transporter/agent";
import {
  type Executor,
  parse,
  type Plugin,
  TransporterError,
  VERSION,
} from "@transporter/sdk";
import { defaultKubeconfig } from "./cluster.ts";
import { dials } from "./dials.ts";
import { hasPlugins, openPlugins } from "./open_plugins.ts";
import { logTo, type Runtime } from "./runtime.ts";
import { type Given, readSettings, stateDir } from "./settings.ts";

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
  const { addNoProxy, standard } = await import("@transporter/plugins");
  const { env, signal } = runtime;
  const values = readSettings(config, given, runtime);
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
  await using stack = new AsyncDisposableStack();
  const executors: Executor[] = [];
  for (const plugin of standard) {
    if (plugin.type === "k8s_resource" && isWithoutCluster(values, env)) {
      log.warn("No cluster is named or found: the agent runs its plugins only");
      continue;
    }
    const pluginConfig = await parse<unknown>(
      plugin.config,
      configOf(plugin, values, env),
    );
    executors.push(stack.use(await plugin.open(pluginConfig, { signal, log })));
  }
  executors.push(...await openPlugins(values, { signal, log }, stack));
  const agent = stack.use(
    await Agent.open({
      ...defined(values),
      agentId,
      dataDir: values.dataDir ?? stateDir(env, `agent-${agentId}`),
      executors,
      dials: dials(env),
      version: VERSION,
      hostname: Deno.hostname(),
      log,
    }),
  );
  await agent.run(signal);
  return 0;
}

/** Leaves out what has no value, as options that are given must have one. */
function defined<T extends object>(
  values: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** What each plugin that ships is configured with. */
function configOf(
  plugin: Plugin,
  values: AgentConfig,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  switch (plugin.type) {
    case "k8s_resource":
      return {
        ...clusterConfig(values, env),
        kube_events: values.kubeEvents,
        agent_id: values.agentId,
      };
    default:
      return {};
  }
}

/** Whether there is no cluster to work in, and something else to do. */
function isWithoutCluster(
  values: AgentConfig,
  env: Readonly<Record<string, string>>,
): boolean {
  const { inCluster, kubeconfig, kubeContext } = values;
  const named = inCluster || kubeconfig !== undefined ||
    kubeContext !== undefined;
  return !named && !env["KUBERNETES_SERVICE_HOST"] && hasPlugins(values);
}

/** Which cluster `k8s_resource` works in: the one that is named, else the one that the agent runs in. */
function clusterConfig(
  values: AgentConfig,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const { inCluster, kubeconfig, kubeContext, serviceAccountDir } = values;
  const named = kubeconfig !== undefined || kubeContext !== undefined;
  if (inCluster && named) {
    throw new TransporterError(
      "usage",
      "Cannot use both --in-cluster and --kubeconfig or --kube-context: each names a cluster",
    );
  }
  if (named) {
    return {
      kubeconfig: kubeconfig ?? defaultKubeconfig(env),
      ...(kubeContext === undefined ? {} : { context: kubeContext }),
    };
  }
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = Number(env["KUBERNETES_SERVICE_PORT"] ?? 443);
  if (!host) {
    throw new TransporterError(
      "no_cluster",
      "Cannot find a Kubernetes cluster: name one with --kubeconfig or --kube-context, or run the " +
        "agent in a pod, where Kubernetes sets KUBERNETES_SERVICE_HOST",
    );
  }
  return {
    in_cluster: true,
    service_account_dir: serviceAccountDir,
    service_host: host,
    service_port: port,
  };
}
