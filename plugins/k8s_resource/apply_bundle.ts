import { type ExecutorContext, TransporterError } from "@transporter/sdk";
import { applyObject } from "./apply.ts";
import { applySetOf } from "./apply_set.ts";
import { ApplySetParent } from "./apply_set_parent.ts";
import { type Cluster, phaseEnd } from "./cluster.ts";
import { inOrder } from "./order.ts";
import type { Plan, PlannedObject } from "./plan.ts";
import { Progress, withResult } from "./progress.ts";
import { prune } from "./prune.ts";
import type { BundleResult } from "./result.ts";
import { countOf } from "./teller.ts";
import { type WaitContext, waitUntilReady } from "./wait.ts";

/** Whether what comes later needs an object to be ready: a kind its definition, a Service the range of its address. */
function isNeeded({ declares, group, kind }: PlannedObject): boolean {
  return declares !== undefined ||
    group === "networking.k8s.io" && kind === "ServiceCIDR";
}

/** Waits for what the next group needs: new kinds can be used once their definitions are established. */
async function establish(
  group: readonly PlannedObject[],
  apply: WaitContext,
  progress: Progress,
): Promise<void> {
  const needed = group.filter(isNeeded);
  if (needed.length === 0 || apply.options.dryRun) return;
  if (needed.some(({ declares }) => declares !== undefined)) {
    apply.cluster.discovery.forget();
  }
  if (apply.options.wait === "none") return;
  await waitUntilReady(needed, apply, (text) => progress.warn(text));
}

/**
 * Applies the objects of a plan, group after group. Stops at the first group
 * in which something fails; nothing is undone. What an ApplySet has besides
 * them is pruned then.
 *
 * @param plan The objects.
 * @param cluster Where to.
 * @param context The event's.
 * @returns What became of each.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function applyBundle(
  plan: Plan,
  cluster: Cluster,
  context: ExecutorContext,
): Promise<BundleResult> {
  const apply: WaitContext = {
    cluster,
    context,
    options: plan.options,
    until: phaseEnd(cluster, context, plan),
    states: plan.states,
  };
  const progress = new Progress(plan);
  const set = applySetOf(plan.options, cluster);
  const parent = set && new ApplySetParent(set, apply);
  await parent?.widen(plan.objects).catch((reason) => {
    progress.fail(TransporterError.from(reason));
    throw withResult(TransporterError.from(reason), progress.result());
  });
  const groups = inOrder(plan.objects);
  for (const [index, group] of groups.entries()) {
    if (index > 0) {
      await parent?.confirm().catch((reason) =>
        progress.fail(TransporterError.from(reason))
      );
    }
    await progress.run(group, apply, applyObject);
    if (progress.error === undefined && index < groups.length - 1) {
      await establish(group, apply, progress).catch((reason) =>
        progress.fail(TransporterError.from(reason))
      );
    }
    if (progress.error !== undefined) {
      throw withResult(progress.error, progress.result());
    }
    if (index < groups.length - 1) {
      await context.report(
        countOf(progress.done, plan.objects.length, plan.options),
      );
    }
  }
  return set && parent
    ? await prune(plan, progress.result(), { set, parent }, apply)
    : progress.result();
}
