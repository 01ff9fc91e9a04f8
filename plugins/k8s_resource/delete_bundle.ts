import type { ExecutorContext } from "@transporter/sdk";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { deleteObject } from "./delete.ts";
import { inOrder } from "./order.ts";
import type { Plan } from "./plan.ts";
import { Progress, withResult } from "./progress.ts";
import type { BundleResult } from "./result.ts";
import { countOf } from "./teller.ts";

/**
 * Deletes the objects of a plan, group after group in the order opposite to
 * that of an apply: custom objects are gone before the workloads that look
 * after them, and both before definitions and namespaces. Stops at the first
 * group in which something fails.
 *
 * @param plan The objects; more than their names does not matter.
 * @param cluster Where.
 * @param context The event's.
 * @returns What became of each.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function deleteBundle(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
): Promise<BundleResult> {
  const { options, states } = plan;
  const until = phaseEnd(cluster, context, plan);
  const apply = { cluster, context, options, until, states };
  const progress = new Progress(plan);
  const groups = inOrder(plan.objects).reverse();
  for (const [index, group] of groups.entries()) {
    const isLast = index === groups.length - 1;
    const waits = options.wait === "ready" ||
      options.wait === "applied" && !isLast;
    await progress.run(
      group,
      apply,
      (object) => deleteObject(object, apply, waits),
    );
    if (progress.error !== undefined) {
      throw withResult(progress.error, progress.result());
    }
    if (!isLast) {
      await context.report(
        countOf(progress.done, plan.objects.length, options),
      );
    }
  }
  // Kinds may have gone with their definitions.
  if (plan.objects.some(({ declares }) => declares !== undefined)) {
    cluster.discovery.forget();
  }
  return progress.result();
}
