import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { applySetOf } from "./apply_set.ts";
import { ApplySetParent } from "./apply_set_parent.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { compareObject } from "./diff.ts";
import { eachObject } from "./each_object.ts";
import type { Mask } from "./mask.ts";
import type { Plan } from "./plan.ts";
import { withResult } from "./progress.ts";
import { prune } from "./prune.ts";
import type { BundleResult } from "./result.ts";

/**
 * Compares the objects of a plan with the cluster. What fails for one object
 * does not keep the others from being compared. What an ApplySet has besides them
 * is said to go.
 *
 * @param plan The objects.
 * @param cluster Which cluster.
 * @param context The event's.
 * @param mask Hides what must not be shown.
 * @returns How each differs.
 * @throws {TransporterError} The code of the first failure; `details.result` says all that was seen.
 */
export async function compareBundle(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
  mask: Mask,
): Promise<BundleResult> {
  const operation = plan.options.operation === "check" ? "check" : "diff";
  const options = {
    ...plan.options,
    dryRun: true,
    // What others have changed shows only if the dry run would take it back.
    forceConflicts: plan.options.forceConflicts || operation === "check",
  };
  const compared = await eachObject(plan, cluster, context, {
    act: (object, apply) => compareObject(object, operation, apply, mask),
    options,
    goOn: true,
  });
  const set = applySetOf(options, cluster);
  if (set === undefined || operation === "check") return compared;
  const until = phaseEnd(cluster, context, plan);
  const { states } = plan;
  const apply = { cluster, context, options, until, states };
  const parent = new ApplySetParent(set, apply);
  await parent.widen(plan.objects).catch((reason) => {
    throw withResult(TransporterError.from(reason), compared);
  });
  return await prune({ ...plan, options }, compared, { set, parent }, apply);
}
