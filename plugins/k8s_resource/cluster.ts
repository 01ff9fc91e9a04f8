import {
  type Clock,
  type ExecutorContext,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import type { AccessSource } from "./access.ts";
import { ApiClient } from "./client.ts";
import type { Config } from "./config.ts";
import { Discovery } from "./discovery.ts";
import { inClusterAccess, SERVICE_ACCOUNT_DIR } from "./in_cluster.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import { Transport } from "./transport.ts";

/** What the phases need to know about the cluster. */
export interface Cluster extends Disposable {
  /** Speaks to the API server. */
  readonly client: ApiClient;
  /** Knows the kinds. */
  readonly discovery: Discovery;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The namespace of objects that name none. */
  readonly namespace: string;
  /** How long a phase may take, in milliseconds. */
  readonly phaseTimeoutMs: number;
  /** Which objects were applied a moment ago. */
  readonly recent: RecentApplies;
}

/** What {@linkcode openCluster} takes from its surroundings. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
}

/** Long enough for the API server's clock, which has whole seconds, to move on; in milliseconds. */
const RECENT_MS = 10_000;

/**
 * Remembers for some seconds which objects were applied. It is no state of an
 * event: it only tells when an answer alone cannot show whether anything changed.
 */
export class RecentApplies {
  readonly #clock: Clock;
  /** In the order of the times. */
  readonly #times = new Map<string, number>();

  /** Makes one that remembers nothing yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the object was applied a moment ago. */
  has(key: string): boolean {
    return this.#clock.monotonic() - (this.#times.get(key) ?? -Infinity) <
      RECENT_MS;
  }

  /** Remembers an object, and forgets the old ones. */
  add(key: string): void {
    const now = this.#clock.monotonic();
    for (const [each, at] of this.#times) {
      if (now - at < RECENT_MS) break;
      this.#times.delete(each);
    }
    this.#times.delete(key);
    this.#times.set(key, now);
  }
}

/** When a phase that begins now has to end, in milliseconds since 1970. */
export function phaseEnd(cluster: Cluster, context: ExecutorContext): number {
  return Math.min(
    context.deadline,
    cluster.clock.now() + cluster.phaseTimeoutMs,
  );
}

interface Found {
  readonly access: AccessSource;
  readonly namespace?: string | undefined;
}

async function find(config: Config, clock: Clock): Promise<Found> {
  const { kubeconfig, context, service_host: host, service_port: port = 443 } =
    config;
  if (kubeconfig !== undefined && config.in_cluster !== true) {
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
  const client = new ApiClient({ transport, clock, rng });
  return {
    client,
    discovery: new Discovery(client),
    clock,
    namespace: config.namespace ?? namespace ?? "default",
    phaseTimeoutMs: config.phase_timeout_ms ?? 300_000,
    recent: new RecentApplies(clock),
    [Symbol.dispose]: () => transport[Symbol.dispose](),
  };
}
