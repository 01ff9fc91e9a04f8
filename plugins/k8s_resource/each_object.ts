import type { ExecutorContext } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import type { Options } from "./event_options.ts";
import type { Plan, PlannedObject } from "./plan.ts";
import { type Done, Progress, withResult } from "./progress.ts";
import type { BundleResult } from "./result.ts";

/**
 * Does the same with each object of a plan, in no order.
 *
 * @param plan The objects.
 * @param cluster Which cluster.
 * @param context The event's.
 * @param work What is done with one; with which options it is done, and whether others are gone on with when
 * one fails.
 * @returns What became of each.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function eachObject(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
  work: {
    readonly act: (object: PlannedObject, apply: ApplyContext) => Promise<Done>;
    readonly options?: Options;
    readonly goOn: boolean;
  },
): Promise<BundleResult> {
  const { act, options = plan.options, goOn } = work;
  const until = phaseEnd(cluster, context, plan);
  const progress = new Progress(plan, { goOn });
  const { objects, states } = plan;
  const apply = { cluster, context, options, until, states };
  await progress.run(objects, apply, act);
  if (progress.error !== undefined) {
    throw withResult(progress.error, progress.result());
  }
  return progress.result();
}
