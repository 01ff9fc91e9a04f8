import {
  defineExecutor,
  type Executor,
  TransporterError,
} from "@transporter/sdk";
import { applyBundle } from "./apply_bundle.ts";
import { Readings } from "./readings.ts";
import {
  type Cluster,
  openCluster,
  phaseEnd,
  type Surroundings,
} from "./cluster.ts";
import type { Config } from "./config.ts";
import { deleteBundle } from "./delete_bundle.ts";
import { objectKey } from "./manifest.ts";
import {
  EVENT_TYPE,
  type Operation,
  type Payload,
  payloadSchema,
  type Propagation,
} from "./payload.ts";
import { makePlan, type Plan } from "./plan.ts";
import { withResult } from "./progress.ts";
import type { BundleResult } from "./result.ts";
import { waitUntilReady } from "./wait.ts";

/** A plan, and what is done with it. */
interface Job extends Plan {
  readonly operation: Operation;
  readonly propagation: Propagation;
}

/** Follows semver; what a payload may hold and what a result says are its interface. */
export const VERSION = "0.1.0";

/**
 * One key for each object, so that two events for one object run in release
 * order. Nothing is known about kinds here, so the default namespace stands in
 * where none is named. An object that has no name gets one from the event's id,
 * which no other event touches: it needs no key.
 */
function keysOf(
  payload: Payload,
  { readings, cluster }: {
    readonly readings: Readings;
    readonly cluster: Cluster;
  },
): readonly string[] {
  try {
    return readings.read(payload.manifests)
      .filter(({ name }) => name !== "")
      .map((object) =>
        objectKey({
          ...object,
          namespace: object.namespace || cluster.namespace,
        })
      );
  } catch (error) {
    // `validate` says what is wrong, and touches nothing.
    if (error instanceof TransporterError) return [];
    throw error;
  }
}

/**
 * Opens the executor for a cluster.
 *
 * @param config Which cluster.
 * @param surroundings Time and randomness.
 * @throws {TransporterError} `no_cluster` or `unsupported`.
 */
export async function openExecutor(
  config: Config,
  surroundings: Surroundings,
): Promise<Executor<Payload, Job, BundleResult>> {
  const cluster = await openCluster(config, surroundings);
  const readings = new Readings();
  return defineExecutor<Payload, Job, BundleResult>({
    type: EVENT_TYPE,
    version: VERSION,
    schema: payloadSchema,
    validate: async (payload, context) => {
      const { operation = "apply", propagation = "background" } = payload;
      const read = readings.take(payload.manifests);
      const plan = await makePlan(read, operation, cluster, context);
      return { ...plan, operation, propagation };
    },
    apply: (plan, context) =>
      plan.operation === "delete"
        ? deleteBundle(plan, plan, cluster, context)
        : applyBundle(plan, cluster, context),
    async verify(plan, result, context) {
      if (plan.operation === "delete") return; // it has waited until they were gone
      try {
        const until = phaseEnd(cluster, context);
        await waitUntilReady(plan.objects, { cluster, context, until });
      } catch (reason) {
        throw withResult(TransporterError.from(reason), result);
      }
    },
    keys: (payload) => keysOf(payload, { readings, cluster }),
    // Server-side apply of the same bytes ends in the same objects, and names that are made up follow from the event's id.
    // Not so a delete: who made an object anew after it would lose that one.
    repeatable: ({ operation }) => operation !== "delete",
    close() {
      cluster[Symbol.dispose]();
      return Promise.resolve();
    },
  });
}
