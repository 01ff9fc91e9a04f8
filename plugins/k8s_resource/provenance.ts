import { parseTime, TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { type LiveObject, metadataOf, ownedBy } from "./change.ts";
import type { CallOptions } from "./client.ts";
import { manifestDigest, NAMES } from "./kube_event.ts";
import { describeObject } from "./manifest.ts";
import { PROVENANCE_MANAGER } from "./options.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";

/** The clocks of producers and of API servers differ a little, in milliseconds. */
const SLACK_MS = 2_000;

function timeOf(object: LiveObject, manager: string): number {
  return parseTime(ownedBy(object, manager)?.time ?? "") ?? -Infinity;
}

/**
 * Whether an earlier attempt of the event changed the object, and ended before
 * it could say so: then nothing is left to change, and the last change is of
 * the event's time and has not been told.
 */
function isOwed(
  after: LiveObject,
  { options, context }: ApplyContext,
): boolean {
  if (context.attempt === 1 || !options.annotate) return false;
  const changedAt = timeOf(after, options.fieldManager);
  const madeAt = parseTime(context.createdAt) ?? Infinity;
  return changedAt >= madeAt - SLACK_MS &&
    changedAt > timeOf(after, PROVENANCE_MANAGER);
}

function isTold(
  { result: { status } }: Done,
  after: LiveObject,
  apply: ApplyContext,
): boolean {
  if (apply.options.dryRun) return false;
  if (status === "unchanged") return isOwed(after, apply);
  // Annotations of before would name another event.
  return apply.options.annotate ||
    ownedBy(after, PROVENANCE_MANAGER) !== undefined;
}

/**
 * Has an object say which event has changed it, and from which manifest, by
 * annotations: where the event asks for it, and where they are already, as they
 * would not be true any more. They are applied by a manager of their own, so
 * that they are no part of the manifest, and nothing of it is theirs. What
 * cannot be written is warned of, as the object itself is applied.
 *
 * @param object The object.
 * @param after It, as the change left it.
 * @param done What became of it.
 * @param limits Those of the call.
 * @param apply How.
 * @returns What became of it, with the version that it was left with.
 */
export async function tellProvenance(
  object: PlannedObject,
  after: LiveObject,
  { done, limits }: { readonly done: Done; readonly limits: CallOptions },
  apply: ApplyContext,
): Promise<Done> {
  if (!isTold(done, after, apply)) return done;
  const { cluster, context, options } = apply;
  const { apiVersion, kind, name, namespace } = object;
  const what = describeObject(object);
  const query = new URLSearchParams({
    fieldManager: PROVENANCE_MANAGER,
    force: "true",
  });
  try {
    const { body } = await cluster.client.call({
      method: "PATCH",
      path: `${object.path}?${query}`,
      contentType: "application/apply-patch+yaml",
      body: JSON.stringify({
        apiVersion,
        kind,
        metadata: {
          name,
          ...(namespace === "" ? {} : { namespace }),
          uid: metadataOf(after).uid, // or it would be made anew when it is gone
          annotations: {
            [NAMES.event]: context.idempotencyKey,
            // Of a patch only the names in the manifest count.
            ...(options.operation === "patch"
              ? {}
              : { [NAMES.digest]: manifestDigest(object) }),
          },
        },
      }),
    }, {
      ...limits,
      doing: `annotate ${what}`,
      review(verdict, since) {
        // Another object has its name by now, or none.
        return verdict.code === "conflict"
          ? { ...verdict, transient: false }
          : limits.review?.(verdict, since) ?? verdict;
      },
    });
    const { resourceVersion } = metadataOf(body);
    const result = { ...done.result, resource_version: resourceVersion };
    return { ...done, result };
  } catch (reason) {
    const { message } = TransporterError.from(reason);
    return { ...done, warnings: [...done.warnings ?? [], message] };
  }
}
