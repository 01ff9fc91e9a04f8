import {
  type Executor,
  type ExecutorContext,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import { applySetId, applySetOf } from "./apply_set.ts";
import { applyBundle } from "./apply_bundle.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import type { Config } from "./config.ts";
import { compareBundle } from "./diff_bundle.ts";
import { refuseClosed } from "./closed.ts";
import { deleteBundle } from "./delete_bundle.ts";
import { eachObject } from "./each_object.ts";
import { patchObject } from "./patch.ts";
import { clusterOf } from "./impersonate.ts";
import { objectKey } from "./manifest.ts";
import { Mask } from "./mask.ts";
import { keepChecking } from "./keep_checking.ts";
import { optionsOf } from "./event_options.ts";
import { checkPaths, type Payload } from "./payload.ts";
import { makePlan, type Plan } from "./plan.ts";
import { preflight } from "./preflight/mod.ts";
import { withResult } from "./progress.ts";
import { Readings } from "./readings.ts";
import { Recorder } from "./recorder.ts";
import { checkSteps } from "./patch_steps.ts";
import { becomesReady } from "./ready.ts";
import { conditionsFor } from "./ready_when.ts";
import { type BundleResult, withWarnings } from "./result.ts";
import { countOf, Teller } from "./teller.ts";
import { untilDone } from "./until_done.ts";
import { waitUntilReady } from "./wait.ts";

/** Operations that change nothing, so that they need no concurrency key. */
const READS: ReadonlySet<unknown> = new Set(["diff", "check", "get"]);

/**
 * One key for each object, so that two events for one object run in release
 * order. Nothing is known about kinds here, so the default namespace stands in
 * where none is named. An object that has no name gets one from the event's id,
 * which no other event touches: it needs no key. An ApplySet is a key too, as
 * nobody knows yet what will be pruned.
 */
function keysOf(
  payload: Payload,
  { readings, cluster }: {
    readonly readings: Readings;
    readonly cluster: Cluster;
  },
): readonly string[] {
  if (READS.has(payload.operation)) return [];
  const namespace = payload.namespace ?? cluster.namespace;
  const set = applySetOf({ applySet: payload.apply_set, namespace }, cluster);
  try {
    const objects = readings.read(payload.manifests)
      .filter(({ name }) => name !== "")
      .map((object) =>
        objectKey({ ...object, namespace: object.namespace || namespace })
      );
    return set ? [...objects, `apply_set/${applySetId(set)}`] : objects;
  } catch (error) {
    // `validate` says what is wrong, and touches nothing.
    if (error instanceof TransporterError) return [];
    throw error;
  }
}

/** Tells how far an event is; not of a check that stands, which tells what it sees. */
function tellerOf(
  { options, states, objects }: Plan,
  { clock }: Cluster,
  context: ExecutorContext,
): Teller | undefined {
  if (options.everyMs !== undefined) return undefined;
  const otherwise = () => countOf(states.done, objects.length, options);
  return new Teller({ context, states, clock, otherwise });
}

/** The result, with how long the plan's objects took to be ready; they stand first, in their order. */
function withReadiness(
  result: BundleResult,
  { objects, states }: Plan,
): BundleResult {
  const all = result.resource_status.map((each, index) => {
    const object = objects[index];
    const after = object && states.readyAfter(object);
    return after === undefined ? each : { ...each, ready_after: after };
  });
  return { ...result, resource_status: all };
}

/** What works on events: phases as the executor has them, and what an event touches. */
export type Phases =
  & Pick<
    Executor<Payload, Plan, BundleResult>,
    "validate" | "apply" | "verify" | "recover" | "keys"
  >
  & AsyncDisposable;

/**
 * Gets ready to work on events. Loading this module loads most of what the
 * plugin is, the YAML reader with it.
 *
 * @param cluster Where.
 * @param options The plugin's configuration, and where the operator reads.
 */
export function openPhases(
  cluster: Cluster,
  { config, log }: { readonly config: Config; readonly log: Logger },
): Phases {
  const recorder = config.kube_events === false
    ? undefined
    : new Recorder({ clock: cluster.clock, log, agent: config.agent_id });
  const own = { ...cluster, recorder };
  const readings = new Readings();
  const mask = new Mask();
  const phases = {
    async validate(payload: Payload, context: ExecutorContext) {
      await checkPaths(payload.fields);
      const read = readings.take(payload.manifests);
      await conditionsFor(payload.ready_when, read);
      checkSteps(payload.patch, read);
      const options = optionsOf(payload);
      const cluster = clusterOf(own, options);
      const plan = await makePlan(read, options, cluster, context);
      const { closed_namespaces: closed = [] } = config;
      refuseClosed(plan.objects, closed, applySetOf(options, cluster));
      // What was begun before has passed it then, and is there by now.
      return context.again ? plan : await preflight(plan, cluster, context);
    },
    async apply(plan: Plan, given: ExecutorContext) {
      const cluster = clusterOf(own, plan.options);
      await using teller = tellerOf(plan, cluster, given);
      const { context = given } = teller ?? {};
      switch (plan.options.operation) {
        case "apply":
          return await applyBundle(plan, cluster, context);
        case "delete":
          return await deleteBundle(plan, cluster, context);
        case "diff":
        case "check":
          return plan.options.everyMs === undefined
            ? await compareBundle(plan, cluster, context, mask)
            : await keepChecking(plan, cluster, context, mask);
        case "patch":
          return await eachObject(plan, cluster, context, {
            act: patchObject,
            goOn: false,
          });
        case "get": {
          const { getObject } = await import("./get.ts"); // few agents need it
          return await eachObject(plan, cluster, context, {
            act: (object, apply) => getObject(object, apply, mask),
            goOn: true,
          });
        }
      }
    },
    async verify(plan: Plan, result: BundleResult, given: ExecutorContext) {
      const { options, objects, states } = plan;
      const cluster = clusterOf(own, options);
      const waits = options.wait === "ready" && !options.dryRun &&
        options.operation === "apply" && // a delete has waited until they were gone
        (options.readyWhen !== undefined || objects.some(becomesReady));
      if (!waits) return;
      for (const [index, object] of objects.entries()) {
        const done = result.resource_status[index];
        if (done !== undefined) states.recall(object, done);
      }
      const warnings: string[] = [];
      await using teller = tellerOf(plan, cluster, given);
      const { context = given } = teller ?? {};
      const until = phaseEnd(cluster, context, plan);
      const conditions = await conditionsFor(
        options.readyWhen,
        objects,
        mask,
      );
      const wait = { cluster, context, options, until, conditions, states };
      try {
        await waitUntilReady(objects, wait, (text) => warnings.push(text));
        return withWarnings(withReadiness(result, plan), warnings);
      } catch (reason) {
        const done = withWarnings(withReadiness(result, plan), warnings);
        throw withResult(TransporterError.from(reason), done);
      }
    },
  };
  return {
    ...untilDone(phases, own),
    keys: (payload: Payload) => keysOf(payload, { readings, cluster: own }),
    async [Symbol.asyncDispose]() {
      await recorder?.[Symbol.asyncDispose]();
    },
  };
}
