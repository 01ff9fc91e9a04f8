import type { AgentConfig } from "@transporter/agent";
import { type Plugin, TransporterError } from "@transporter/sdk";
import { defaultKubeconfig } from "./cluster.ts";
import { hasPlugins } from "./open_plugins.ts";

/** Types of events that are off unless the operator enables them. */
const OPTIONAL: readonly string[] = ["script"];

/** What plugins are configured from. */
export interface PluginSources {
  /** The agent's settings. */
  readonly values: AgentConfig;
  /** The environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The agent's data folder. */
  readonly dataDir: string;
}

/**
 * What a plugin that ships is configured with; `undefined` when the agent does
 * without it.
 *
 * @throws {TransporterError} `usage` for a type that cannot be enabled, or for two clusters;
 * `no_cluster` when there is neither a cluster nor anything else to do.
 */
export function configOf(
  plugin: Plugin,
  sources: PluginSources,
): Readonly<Record<string, unknown>> | undefined {
  const { values: { enable } } = sources;
  const unknown = enable.find((type) => !OPTIONAL.includes(type));
  if (unknown !== undefined) {
    throw new TransporterError(
      "usage",
      `Cannot use --enable "${unknown}": it must be ${OPTIONAL.join(", ")}`,
    );
  }
  switch (plugin.type) {
    case "k8s_resource":
      return k8sConfig(sources);
    case "script":
      return enable.includes("script") ? scriptConfig(sources) : undefined;
    case "policy":
      return policyConfig(sources);
    default:
      return {};
  }
}

/** The cluster whose objects are judged; an agent beside none judges manifests. */
function policyConfig(
  sources: PluginSources,
): Readonly<Record<string, unknown>> {
  const cluster = clusterConfig(sources);
  return cluster === undefined ? {} : { cluster };
}

/** What the operator allows scripts. */
function scriptConfig(
  sources: PluginSources,
): Readonly<Record<string, unknown>> {
  const { values, dataDir } = sources;
  return {
    runners: values.scriptRunner,
    ...(values.scriptRunner.includes("job") ? { job: jobConfig(sources) } : {}),
    dir: `${dataDir}/script`,
    interpreters: interpretersOf(sources),
    timeout_max_ms: values.scriptTimeoutMax,
    user: values.scriptUser,
    network: values.scriptNetwork,
    deno_permissions: values.scriptDenoPermission,
    memory_mib: values.scriptMemory,
    processes: values.scriptProcesses,
    cpu_seconds: Math.ceil(values.scriptCpu / 1000),
    tmp_mib: values.scriptTmp,
  };
}

/** Whether scripts run as Jobs in the image of the agent's own Pod. */
export function runsInOwnImage(
  { values, env }: Pick<PluginSources, "values" | "env">,
): boolean {
  const { enable, scriptRunner, scriptImage } = values;
  return enable.includes("script") && scriptRunner.includes("job") &&
    scriptImage.length === 0 && clusterBy({ values, env }) === "pod";
}

/** What may run scripts: in the agent's own image what runs this program, too, unless it is the program itself. */
export function interpretersOf(
  { values, env }: Pick<PluginSources, "values" | "env">,
): readonly string[] {
  const { scriptRunner, scriptInterpreter } = values;
  const isNamed = scriptInterpreter.some((each) => each.startsWith("deno="));
  return isNamed || scriptRunner.includes("process") ||
      !runsInOwnImage({ values, env }) || Deno.build.standalone
    ? scriptInterpreter
    : [...scriptInterpreter, `deno=${Deno.execPath()}`];
}

/** Where scripts run as Jobs. */
function jobConfig(sources: PluginSources): Readonly<Record<string, unknown>> {
  const { scriptNamespace, scriptImage, podName } = sources.values;
  const { scriptNetworkPolicy, scriptRuntimeClass, scriptPullSecret } =
    sources.values;
  const cluster = clusterConfig(sources);
  if (cluster === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot use --script-runner job without a cluster: name one with --kubeconfig, or run the agent in a Pod",
    );
  }
  return {
    cluster,
    namespace: scriptNamespace,
    images: scriptImage,
    ...(podName === undefined ? {} : { pod_name: podName }),
    network_policy: scriptNetworkPolicy,
    pull_secrets: scriptPullSecret,
    ...(scriptRuntimeClass === undefined
      ? {}
      : { runtime_class: scriptRuntimeClass }),
  };
}

/** Where manifests are applied, and what is said of it there. */
function k8sConfig(
  sources: PluginSources,
): Readonly<Record<string, unknown>> | undefined {
  const { kubeEvents, agentId } = sources.values;
  const cluster = clusterConfig(sources);
  if (cluster === undefined) return undefined;
  const { dataDir } = sources;
  const { enable, scriptRunner, scriptNamespace } = sources.values;
  const runsJobs = enable.includes("script") && scriptRunner.includes("job");
  return {
    ...cluster,
    kube_events: kubeEvents,
    agent_id: agentId,
    unfinished_file: `${dataDir}/unfinished.json`,
    ...(runsJobs ? { closed_namespaces: [scriptNamespace] } : {}),
  };
}

/** How the settings say which cluster is meant: by a kubeconfig, or it is that of the Pod; `undefined`: there is none. */
export function clusterBy(
  { values, env }: Pick<PluginSources, "values" | "env">,
): "kubeconfig" | "pod" | undefined {
  const { inCluster, kubeconfig, kubeContext } = values;
  if (kubeconfig !== undefined || kubeContext !== undefined) {
    return "kubeconfig";
  }
  return inCluster || env["KUBERNETES_SERVICE_HOST"] ? "pod" : undefined;
}

/** Which cluster `k8s_resource` works in: the one that is named, else the one that the agent runs in. */
function clusterConfig(
  { values, env }: PluginSources,
): Readonly<Record<string, unknown>> | undefined {
  const { inCluster, kubeconfig, kubeContext, serviceAccountDir } = values;
  const named = clusterBy({ values, env }) === "kubeconfig";
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
    // An agent beside no cluster runs what else it has.
    if (!inCluster && (values.enable.length > 0 || hasPlugins(values))) {
      return undefined;
    }
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
