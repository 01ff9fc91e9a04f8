import {
  defineExecutor,
  type Executor,
  type Logger,
  type Schema,
  silentLogger,
} from "@transporter/sdk";
import { Changes } from "./changes.ts";
import { openCluster, type Surroundings } from "./cluster.ts";
import { clusterUid } from "./cluster_identity.ts";
import type { Config } from "./config.ts";
import {
  EVENT_TYPE,
  isRepeatable,
  type Payload,
  payloadSchema,
} from "./payload.ts";
import type { Phases } from "./phases.ts";
import type { Plan } from "./plan.ts";
import type { BundleResult } from "./result.ts";
import { Unfinished } from "./unfinished.ts";

/** Follows semver; what a payload may hold and what a result says are its interface. */
export const VERSION = "0.1.0";

/** The schema of payloads, which waits for something before it reads one. */
function schemaAfter(ready: () => Promise<unknown>): Schema<Payload> {
  const standard = payloadSchema["~standard"];
  return {
    "~standard": {
      version: 1,
      vendor: standard.vendor,
      async validate(value) {
        await ready();
        return await standard.validate(value);
      },
    },
  };
}

/**
 * Opens the executor for a cluster. What works on events is loaded with the
 * first payload: an agent that has nothing to do has no memory for it.
 *
 * @param config Which cluster.
 * @param surroundings Time and randomness, and where the operator reads.
 * @throws {TransporterError} `no_cluster` or `unsupported`.
 */
export async function openExecutor(
  config: Config,
  surroundings: Surroundings & { readonly log?: Logger },
): Promise<Executor<Payload, Plan, BundleResult>> {
  const { clock, log = silentLogger } = surroundings;
  const { unfinished_file: path } = config;
  const unfinished = await Unfinished.open({ path, clock, log });
  const cluster = {
    ...await openCluster(config, surroundings),
    changes: new Changes(clock, unfinished),
  };
  let phases: Phases | undefined;

  async function loaded(): Promise<Phases> {
    if (phases !== undefined) return phases;
    const { openPhases } = await import("./phases.ts");
    return phases ??= openPhases(cluster, { config, log });
  }

  return defineExecutor<Payload, Plan, BundleResult>({
    type: EVENT_TYPE,
    version: VERSION,
    schema: schemaAfter(loaded),
    validate: async (...given) => await (await loaded()).validate(...given),
    apply: async (...given) => await (await loaded()).apply(...given),
    verify: async (...given) => await (await loaded()).verify(...given),
    // Whoever has a payload has it from the schema.
    keys: (payload) => phases?.keys(payload) ?? ["*"],
    repeatable: isRepeatable,
    standing: ({ every }) => every !== undefined,
    recover: async (...given) => await (await loaded()).recover(...given),
    place: async (signal) => `cluster "${await clusterUid(cluster, signal)}"`,
    async close() {
      await phases?.[Symbol.asyncDispose]();
      cluster[Symbol.dispose]();
    },
  });
}
