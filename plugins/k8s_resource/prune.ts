import { TransporterError } from "@transporter/sdk";
import { type ApplySetName, scopeOf } from "./apply_set.ts";
import { findMembers, type Member } from "./apply_set_members.ts";
import type { ApplySetParent } from "./apply_set_parent.ts";
import { describeParent } from "./apply_set_record.ts";
import type { ApplyContext } from "./apply_calls.ts";
import { metadataOf } from "./change.ts";
import { deleteObject } from "./delete.ts";
import { directiveWarnings } from "./directives.ts";
import { objectKey } from "./manifest.ts";
import { inOrder } from "./order.ts";
import type { Plan } from "./plan.ts";
import { Progress, withResult } from "./progress.ts";
import { PruneGuard } from "./prune_guard.ts";
import { type BundleResult, resultOf, withWarnings } from "./result.ts";

/** What an object may have become for others to be pruned. */
const APPLIED: ReadonlySet<string> = new Set([
  "created",
  "configured",
  "unchanged",
]);

/** Why nothing is pruned although nothing has failed; `undefined` when there is no reason. */
function hindrance(
  { resource_status: results }: BundleResult,
  dryRun: boolean,
): string | undefined {
  const left = results.find(({ status }) =>
    !APPLIED.has(status) && !(dryRun && status === "unverifiable")
  );
  return left && `${left.kind} "${left.name}" is ${left.status}`;
}

/** The members that no object of the event is. */
function leftOver(
  members: readonly Member[],
  plan: Plan,
  { resource_status: results }: BundleResult,
): readonly Member[] {
  const keys = new Set(plan.objects.map(objectKey));
  const uids = new Set(results.map(({ uid }) => uid));
  return members.filter(({ object, seen }) =>
    !keys.has(objectKey(object)) && !uids.has(metadataOf(seen).uid)
  );
}

/** Both results, as one. */
function joined(a: BundleResult, b: BundleResult): BundleResult {
  const all = [...a.resource_status, ...b.resource_status];
  return withWarnings({ ...a, resource_status: all }, b.warnings ?? []);
}

/**
 * Deletes the members of an ApplySet that an event does not have any more,
 * in the order opposite to that of an apply, and makes the parent cover what is
 * left. Nothing is deleted unless every object was applied and every list of
 * members came. Only what was found is deleted, as it was found; before each
 * object it is made sure that no later event has begun. What somebody else looks
 * after by now stays, and stays in the account.
 *
 * @param plan What was applied.
 * @param applied What became of it.
 * @param set The set, and its parent, which was widened.
 * @param apply The event's.
 * @returns What became of all objects; those that were pruned at the end.
 * @throws {TransporterError} The code of the first failure; `details.result` says what became of each object.
 */
export async function prune(
  plan: Plan,
  applied: BundleResult,
  { set, parent }: {
    readonly set: ApplySetName;
    readonly parent: ApplySetParent;
  },
  apply: ApplyContext,
): Promise<BundleResult> {
  const { options } = apply;
  const reason = hindrance(applied, options.dryRun);
  if (reason !== undefined) {
    const what = `Nothing of ${describeParent(set)} was pruned: ${reason}`;
    return withWarnings(applied, [what]);
  }
  let progress: Progress | undefined;
  try {
    await parent.confirm();
    const members = leftOver(
      await findMembers(parent.scope, set, plan.objects, apply),
      plan,
      applied,
    );
    const found = new Map(members.map((member) => [member.object, member]));
    const guard = new PruneGuard(set, members, options);
    const kept = [...guard.kept.keys()];
    const gone = inOrder(
      [...found.keys()].filter((each) => !guard.kept.has(each)),
    )
      .reverse();
    const objects = [...gone.flat(), ...kept];
    plan.states.add(objects);
    progress = new Progress({
      options: { ...options, operation: "delete" },
      objects,
      warnings: directiveWarnings(gone.flat()),
      states: plan.states,
    });
    await progress.run(kept, apply, (object) => {
      const why = guard.kept.get(object) ?? "";
      return Promise.resolve({ result: resultOf(object, "skipped", why) });
    });
    const staying = () => [...plan.objects, ...guard.kept.keys()];
    for (const [index, group] of gone.entries()) {
      // A kind that goes with its definition could not be looked up after it.
      if (group.some(({ kind }) => kind === "CustomResourceDefinition")) {
        const rest = gone.slice(index).flat();
        await parent.narrow(scopeOf([...staying(), ...rest], set));
      }
      const isLast = index === gone.length - 1;
      const waits = options.wait === "ready" ||
        options.wait === "applied" && !isLast;
      await progress.run(
        group,
        apply,
        async (object) => ({
          ...await deleteObject(object, apply, waits, {
            seen: found.get(object)?.seen ?? {},
            confirm: () => parent.confirm(),
            stays: (live) => guard.look(object, live),
          }),
          how: "pruned",
        }),
      );
      if (progress.error !== undefined) throw progress.error;
      apply.context.signal.throwIfAborted();
      if (!isLast && !options.dryRun) {
        const done = progress.done - kept.length;
        const all = objects.length - kept.length;
        await apply.context.report(`Pruned ${done} of ${all} objects`);
      }
    }
    await parent.narrow(scopeOf(staying(), set));
    return joined(applied, progress.result());
  } catch (reason) {
    const error = TransporterError.from(reason);
    progress?.fail(error);
    const rest = progress?.result() ?? { resource_status: [] };
    throw withResult(error, joined(applied, rest));
  }
}
