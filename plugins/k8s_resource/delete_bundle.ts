import type { ExecutorContext } from "@transporter/sdk";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { deleteObject } from "./delete.ts";
import { inOrder } from "./order.ts";
import type { Propagation } from "./payload.ts";
import type { Plan } from "./plan.ts";
import { Progress, withResult } from "./progress.ts";
import type { BundleResult } from "./result.ts";

/**
 * Deletes the objects of a plan, group after group in the order opposite to
 * that of an apply: custom objects are gone before the workloads that look
 * after them, and both before definitions and namespaces. Stops at the first
 * group in which something fails.
 *
 * @param plan The objects; more than their names does not matter.
 * @param options What becomes of the objects that those own.
 * @param cluster Where.
 * @param context The event's.
 * @returns What became of each.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function deleteBundle(
  plan: Plan,
  options: { readonly propagation: Propagation },
  cluster: Cluster,
  context: ExecutorContext,
): Promise<BundleResult> {
  const apply = { cluster, context, until: phaseEnd(cluster, context) };
  const progress = new Progress(plan);
  const groups = inOrder(plan.objects).reverse();
  for (const [index, group] of groups.entries()) {
    await progress.run(
      group,
      apply,
      (object) => deleteObject(object, options.propagation, apply),
    );
    if (progress.error !== undefined) {
      throw withResult(progress.error, progress.result());
    }
    if (index < groups.length - 1) {
      await context.report(
        `Deleted ${progress.done} of ${plan.objects.length} objects`,
      );
    }
  }
  // Kinds may have gone with their definitions.
  if (plan.objects.some(({ declares }) => declares !== undefined)) {
    cluster.discovery.forget();
  }
  return progress.result();
}
