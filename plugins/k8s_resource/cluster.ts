import {
  type Clock,
  type ExecutorContext,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import type { AccessSource } from "./access.ts";
import { Changes } from "./changes.ts";
import { ApiClient } from "./client.ts";
import type { Config } from "./config.ts";
import { Discovery } from "./discovery.ts";
import { inClusterAccess, SERVICE_ACCOUNT_DIR } from "./in_cluster.ts";
import { Newcomers } from "./newcomers.ts";
import type { Options } from "./event_options.ts";
import type { Plan } from "./plan.ts";
import { Reviews } from "./preflight/reviews.ts";
import type { Recorder } from "./recorder.ts";
import { Transport } from "./transport.ts";

/** What the phases need to know about the cluster. */
export interface Cluster extends Disposable {
  /** Speaks to the API server. */
  readonly client: ApiClient;
  /** Knows the kinds. */
  readonly discovery: Discovery;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** How long one request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The namespace of objects that name none. */
  readonly namespace: string;
  /** How long a phase of an event may take that has no `timeout`, in milliseconds. */
  readonly phaseTimeoutMs: number;
  /** Which event changed an object last. */
  readonly changes: Changes;
  /** Whether objects that are applied are likely to be new. */
  readonly newcomers: Newcomers;
  /** What was found to be allowed a moment ago. */
  readonly reviews: Reviews;
  /** Says in the cluster who has changed an object; absent: nobody does. */
  readonly recorder?: Recorder | undefined;
}

/** What {@linkcode openCluster} takes from its surroundings. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
}

/** When the `timeout` of an event that begins now is over, in milliseconds since 1970; `undefined` when it has none, or each look of a check has its own. */
export function timeoutEnd(
  { clock }: Pick<Cluster, "clock">,
  { timeoutMs, everyMs }: Options,
): number | undefined {
  return timeoutMs === undefined || everyMs !== undefined
    ? undefined
    : clock.now() + timeoutMs;
}

/** When a phase that begins now has to end, in milliseconds since 1970. */
export function phaseEnd(
  { clock, phaseTimeoutMs }: Pick<Cluster, "clock" | "phaseTimeoutMs">,
  context: Pick<ExecutorContext, "deadline">,
  { options: { timeoutMs = phaseTimeoutMs }, end }: Pick<
    Plan,
    "options" | "end"
  >,
): number {
  return Math.min(context.deadline, end ?? clock.now() + timeoutMs);
}

interface Found {
  readonly access: AccessSource;
  readonly namespace?: string | undefined;
}

async function find(config: Config, clock: Clock): Promise<Found> {
  const { kubeconfig, context, service_host: host, service_port: port = 443 } =
    config;
  if (kubeconfig !== undefined && config.in_cluster !== true) {
    const { readKubeconfig } = await import("./kubeconfig.ts"); // it brings a YAML reader
    return await readKubeconfig({ paths: kubeconfig, context, clock });
  }
  if (host === undefined) {
    throw new TransporterError(
      "no_cluster",
      "Cannot find a Kubernetes cluster: run the agent in a Pod, or name a kubeconfig",
    );
  }
  const dir = config.service_account_dir ?? SERVICE_ACCOUNT_DIR;
  const access = inClusterAccess({ dir, host, port, clock });
  await access.current(); // the files are there, or the agent need not start
  return { access };
}

/**
 * Gets ready to speak to the cluster that the configuration names. Reads files
 * and sends nothing.
 *
 * @param config Which cluster.
 * @param surroundings Time and randomness.
 * @throws {TransporterError} `no_cluster` or `unsupported`.
 */
export async function openCluster(
  config: Config,
  surroundings: Surroundings,
): Promise<Cluster> {
  const { clock, rng } = surroundings;
  const { access, namespace } = await find(config, clock);
  const requestTimeoutMs = config.request_timeout_ms ?? 30_000;
  const transport = new Transport({ access, clock, requestTimeoutMs });
  const client = new ApiClient({ transport, clock, rng, gate: config.gate });
  return {
    client,
    discovery: new Discovery(client),
    clock,
    rng,
    requestTimeoutMs,
    namespace: config.namespace ?? namespace ?? "default",
    changes: new Changes(clock),
    newcomers: new Newcomers(),
    reviews: new Reviews(clock),
    phaseTimeoutMs: config.phase_timeout_ms ?? 300_000,
    [Symbol.dispose]: () => transport[Symbol.dispose](),
  };
}
