import { TransporterError } from "@transporter/sdk";
import type { ApplyContext } from "./apply_calls.ts";
import { type LiveObject, metadataOf } from "./change.ts";
import { deleteObject } from "./delete.ts";
import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import { recordOf } from "./ready_parts.ts";
import { sentAnew } from "./send.ts";
import { tryAnew } from "./try_anew.ts";

/** What goes with an object of these kinds cannot be got back by making it anew. */
const KEPT: ReadonlySet<string> = new Set([
  "/Namespace",
  "/PersistentVolume",
  "/PersistentVolumeClaim",
  "apiextensions.k8s.io/CustomResourceDefinition",
]);

/** Why an object is not made anew; `undefined` when it may be. */
function reasonToKeep(
  { group, kind, pinned }: PlannedObject,
  live: LiveObject,
): string | undefined {
  if (pinned) {
    return '"replace_immutable" makes nothing anew by a manifest that names the uid or the version of what is there';
  }
  if (KEPT.has(`${group}/${kind}`)) {
    return `"replace_immutable" does not delete a ${kind}, as more would go with it`;
  }
  return group === "" && kind === "Service" &&
      recordOf(live.spec).type === "LoadBalancer"
    ? '"replace_immutable" does not delete a Service with a load balancer, as its address would go'
    : undefined;
}

/** Whether an apply failed since a field cannot change, and the option says what to do then. */
export function isReplaced(
  error: unknown,
  { options }: Pick<ApplyContext, "options">,
): error is TransporterError {
  return error instanceof TransporterError && error.code === "immutable" &&
    options.replaceImmutable;
}

/** The error of an apply; with the option that would have helped, where a field cannot change. */
export function withWayOut(
  error: unknown,
  object: PlannedObject,
  live: LiveObject | null | undefined,
  { options }: Pick<ApplyContext, "options">,
): unknown {
  if (
    !(error instanceof TransporterError) || error.code !== "immutable"
  ) return error;
  const wayOut = live === undefined && options.replaceImmutable
    ? '"replace_immutable" makes nothing anew that may not be read'
    : live && !options.replaceImmutable &&
        reasonToKeep(object, live) === undefined
    ? 'keep what is there, or set "replace_immutable" to have the object deleted and made anew'
    : undefined;
  if (wayOut === undefined) return error;
  return new TransporterError(error.code, `${error.message}; ${wayOut}`, {
    cause: error,
  });
}

/** The same error, whose sentence goes on. */
function withMore(error: TransporterError, more: string): TransporterError {
  const { code, message, details } = error;
  return new TransporterError(code, `${message}; ${more}`, {
    cause: error,
    ...(details === undefined ? {} : { details }),
  });
}

/** The error of an apply of the new object, when the old one is gone. */
export function withLoss(error: unknown): unknown {
  if (!(error instanceof TransporterError)) return error;
  return withMore(error, "the old one was deleted before that");
}

/** The error of a delete for a new object, when the old one does not go away in time. */
function withStay(error: unknown): unknown {
  if (!(error instanceof TransporterError) || error.code !== "not_ready") {
    return error;
  }
  return withMore(
    error,
    "it was deleted for a new one, which is not made yet",
  );
}

/**
 * Takes away an object of which a field would have to change that cannot, so
 * that it can be made anew: once the server would take the new one, by its uid,
 * and until it is gone. The Pods of a StatefulSet stay, for the new one to take
 * over.
 *
 * @param object Which object.
 * @param live The object as it is.
 * @param apply How, and until when.
 * @param error What the apply was refused with.
 * @returns What the producer should know; `undefined` when it was gone already, or another object has its name.
 * @throws {TransporterError} `immutable` when an object of its kind is not taken away; as `tryAnew` and
 * `deleteObject`.
 */
export async function removeForReplacement(
  object: PlannedObject,
  live: LiveObject,
  apply: ApplyContext,
  error: TransporterError,
): Promise<string | undefined> {
  const reason = reasonToKeep(object, live);
  if (reason !== undefined) {
    throw new TransporterError(error.code, `${error.message}; ${reason}`, {
      cause: error,
    });
  }
  await tryAnew(sentAnew(object, live), live, apply);
  const what = describeObject(object);
  if (!apply.options.dryRun) {
    await apply.context.report(
      `Making ${what} anew, as a field of it cannot change`,
    );
  }
  const propagation = object.kind === "StatefulSet" ? "orphan" : "background";
  const options = { ...apply.options, propagation } as const;
  const { uid } = metadataOf(live);
  const { result } = await deleteObject(object, { ...apply, options }, true, {
    seen: live,
    stays: (now) =>
      metadataOf(now).uid === uid
        ? undefined
        : `another object has the name of ${what}`,
    confirm: () => Promise.resolve(),
  }).catch((error) => {
    throw withStay(error);
  });
  if (result.status !== "deleted") return undefined;
  return `${what}: it was deleted and made anew, as a field of it cannot change`;
}
