import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  look,
  waitUntilGone,
} from "./apply_calls.ts";
import { changeOf, FIELD_MANAGER, metadataOf } from "./change.ts";
import type { CallOptions, Success } from "./client.ts";
import { createObject } from "./create.ts";
import { objectKey } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";

const QUERY =
  `?fieldManager=${FIELD_MANAGER}&force=false&fieldValidation=Strict`;

function send(
  object: PlannedObject,
  limits: CallOptions,
  { cluster }: ApplyContext,
): Promise<Success> {
  return cluster.client.call({
    method: "PATCH",
    path: object.path + QUERY,
    contentType: "application/apply-patch+yaml",
    body: object.body,
  }, limits);
}

/**
 * Applies one object by server-side apply, and finds out what that did to it.
 * One request, as a rule: the answer shows whether anything changed, unless the
 * object owns no fields, or was applied a moment ago, or may have been by an
 * attempt before this one. Then it is looked at first. An object whose name
 * was made up is created, or found.
 *
 * @param object The object.
 * @param apply Where, and until when.
 * @throws {TransporterError} The code of the server's answer; `not_ready` when an old object does not go away.
 */
export async function applyObject(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<Done> {
  if (object.generateName !== undefined) return createObject(object, apply);
  const { cluster, context } = apply;
  const { clock, recent } = cluster;
  const key = objectKey(object);
  for (;;) {
    const limits = limitsOf(object, apply);
    const lookFirst = object.bare || context.attempt > 1 || recent.has(key);
    let before = lookFirst
      ? await look({ method: "GET", path: object.path }, limits, apply)
      : undefined;
    if (before && metadataOf(before).deletionTimestamp !== "") {
      await waitUntilGone(object, metadataOf(before), apply);
      before = null;
    }
    const startedAt = clock.monotonic();
    const answer = await send(object, limits, apply);
    recent.add(key);
    const after = metadataOf(answer.body);
    if (after.deletionTimestamp !== "") {
      await waitUntilGone(object, after, apply);
      continue;
    }
    const change = changeOf({
      status: answer.status,
      after: answer.body,
      before,
      answeredAt: Date.parse(answer.headers.get("date") ?? ""),
      tookMs: clock.monotonic() - startedAt,
      uncertain: answer.uncertain,
    });
    const { warnings } = answer;
    return appliedOf(object, { change, metadata: after, warnings });
  }
}
