import type { AgentConfig } from "@transporter/agent";
import { TransporterError } from "@transporter/sdk";
import { clusterBy, interpretersOf, runsInOwnImage } from "./plugin_configs.ts";

/** Settings that do nothing by themselves. */
interface Rule {
  /** Which. */
  readonly names: readonly (keyof AgentConfig)[];
  /** Whether what they are for is there. */
  readonly isMet: boolean;
  /** What to do, behind the setting's name. */
  readonly why: string;
}

/** Of scripts that run as Jobs alone. */
const OF_JOBS: readonly (keyof AgentConfig)[] = [
  "scriptImage",
  "scriptNamespace",
  "scriptNetworkPolicy",
  "scriptPullSecret",
  "scriptRuntimeClass",
];

/** Of scripts beside the agent alone. */
const OF_PROCESSES: readonly (keyof AgentConfig)[] = [
  "scriptCpu",
  "scriptNetwork",
];

function rules(
  values: AgentConfig,
  env: Readonly<Record<string, string>>,
): readonly Rule[] {
  const { enable, scriptRunner } = values;
  const all = Object.keys(values) as (keyof AgentConfig)[];
  const place = clusterBy({ values, env });
  return [
    {
      names: all.filter((name) => name.startsWith("script")),
      isMet: enable.includes("script"),
      why: "without --enable script: scripts are off",
    },
    {
      names: OF_JOBS,
      isMet: scriptRunner.includes("job"),
      why: "without --script-runner job: no script runs as a Job",
    },
    {
      names: OF_PROCESSES,
      isMet: scriptRunner.includes("process"),
      why: "without --script-runner process: no script runs beside the agent",
    },
    {
      names: ["scriptDenoPermission"],
      isMet: interpretersOf({ values, env })
        .some((each) => each.startsWith("deno=")),
      why:
        "without --script-interpreter deno=PATH: no script may be of the interpreter deno",
    },
    {
      names: ["podName"],
      isMet: runsInOwnImage({ values, env }),
      why:
        "unless scripts run as Jobs in the agent's own image: in a Pod, with --enable script, --script-runner job and no --script-image",
    },
    {
      names: ["kubeEvents"],
      isMet: place !== undefined,
      why: "without a cluster: no manifests are applied",
    },
    {
      names: ["serviceAccountDir"],
      isMet: place === "pod",
      why: place === undefined
        ? "without a cluster: it has the credentials for one"
        : "with --kubeconfig or --kube-context: those name the cluster and its credentials",
    },
  ];
}

/** What asks for nothing that is not so anyway. */
function isNothing(value: unknown): boolean {
  return value === false || value === "" ||
    (Array.isArray(value) && value.length === 0);
}

/**
 * Refuses a setting that nothing of this agent would look at: whoever gave it
 * believes that it holds.
 *
 * @param values The settings.
 * @param from Where each came from that was given, by its name.
 * @param env The environment, which says whether this is a Pod.
 * @throws {TransporterError} `usage`, naming the first and what it needs.
 */
export function refuseUnused(
  values: AgentConfig,
  from: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string>>,
): void {
  for (const { names, isMet, why } of rules(values, env)) {
    const unused = names.find((name) =>
      from.has(name) && !isNothing(values[name])
    );
    if (isMet || unused === undefined) continue;
    throw new TransporterError(
      "usage",
      `Cannot use ${from.get(unused)} ${why}`,
    );
  }
}
