import { TransporterError } from "@transporter/sdk";
import { type ApplyContext, queryOf, sendWrite } from "./apply_calls.ts";
import type { LiveObject } from "./change.ts";
import type { CallOptions } from "./client.ts";
import type { FieldConflict } from "./conflict.ts";
import { bodyLike } from "./ignore_fields.ts";
import { describeObject } from "./manifest.ts";
import { isTaken, NOBODY, takenFrom } from "./migrate.ts";
import type { PlannedObject } from "./plan.ts";
import type { Success } from "./success.ts";
import type { ApiRequest } from "./transport.ts";

function unread(object: PlannedObject, option: string): TransporterError {
  return new TransporterError(
    "denied",
    `Cannot apply ${
      describeObject(object)
    }: it may not be read, which "${option}" needs`,
  );
}

/**
 * Refuses an object that nobody may look at, where what is there decides
 * whether it is left as it is.
 *
 * @throws {TransporterError} `denied`, naming the option.
 */
export function refuseUnread(
  object: PlannedObject,
  { options }: Pick<ApplyContext, "options">,
): void {
  if (options.createOnly) throw unread(object, "create_only");
  if (options.adopt === "never" || options.adopt === "if_no_diff") {
    throw unread(object, "adopt");
  }
}

/** The object as it is sent: without what is left alone, once it is there; a dry run has that as it is. */
export function sentOf(
  object: PlannedObject,
  live: LiveObject | null | undefined,
  { options }: Pick<ApplyContext, "options">,
): PlannedObject {
  const { ignored } = object;
  if (ignored === undefined || live === null) return object;
  if (live === undefined) throw unread(object, "ignore_fields");
  return {
    ...object,
    body: options.dryRun
      ? bodyLike({ ...object, ignored }, live)
      : ignored.body,
  };
}

/** The object as it is sent once the one of its name was removed for it: what is left alone stays as it was there. */
export function sentAnew(
  object: PlannedObject,
  removed: LiveObject,
): PlannedObject {
  const { ignored } = object;
  return ignored === undefined
    ? object
    : { ...object, body: bodyLike({ ...object, ignored }, removed) };
}

/** Whether a conflict is none: what is taken over before an apply conflicts with its dry run only. */
function isNone(
  conflict: FieldConflict,
  { options }: Pick<ApplyContext, "options">,
): boolean {
  const { manager } = conflict;
  return manager === options.fieldManager || manager === NOBODY ||
    options.dryRun && isTaken(takenFrom(options), conflict);
}

/**
 * Sends the apply; `undefined` as {@linkcode sendWrite}. What our manager has
 * patched is owned apart from what it has applied, and no conflict with it; nor
 * is what nobody has kept account of.
 */
export async function send(
  { path, body }: PlannedObject,
  limits: CallOptions,
  apply: ApplyContext,
): Promise<Success | undefined> {
  const { options } = apply;
  const query = queryOf(options);
  const requestWith = (force: boolean): ApiRequest => {
    query.set("force", String(force));
    return {
      method: "PATCH",
      path: `${path}?${query}`,
      contentType: "application/apply-patch+yaml",
      body,
    };
  };
  let isFree = false;
  const request = requestWith(options.forceConflicts);
  return await sendWrite(request, {
    ...limits,
    review(verdict, since) {
      const { conflicts: all } = verdict;
      const conflicts = all?.filter((each) => !isNone(each, apply));
      isFree = all !== undefined && all.length > 0 && conflicts?.length === 0;
      const told = conflicts === undefined
        ? verdict
        : { ...verdict, conflicts };
      return limits.review?.(told, since) ?? told;
    },
  }, apply).catch((error) => {
    if (!isFree) throw error;
    return sendWrite(requestWith(true), limits, apply);
  });
}
