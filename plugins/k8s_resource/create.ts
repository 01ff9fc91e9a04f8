import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  look,
  queryOf,
  sendWrite,
  unverifiable,
  waitUntilGone,
} from "./apply_calls.ts";
import { metadataOf } from "./change.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import { tellProvenance } from "./provenance.ts";
import type { ApiRequest } from "./transport.ts";

/**
 * Creates an object whose name was made up, as server-side apply does not take
 * it. The name follows from the event's id, so that what is there already was
 * made by this event, and is left as it is.
 *
 * @param object The object.
 * @param apply Where, and until when.
 * @throws {TransporterError} The code of the server's answer; `not_ready` when an old object does not go away.
 */
export async function createObject(
  object: PlannedObject,
  apply: ApplyContext,
): Promise<Done> {
  const { options } = apply;
  for (;;) {
    const limits = limitsOf(object, apply);
    let triedAgain = false;
    let exists = false;
    const request: ApiRequest = {
      method: "POST",
      path: object.path.slice(0, object.path.lastIndexOf("/")) +
        `?${queryOf(options)}`,
      contentType: "application/yaml",
      body: object.body,
    };
    const made = await sendWrite(request, {
      ...limits,
      review(verdict, since) {
        exists = verdict.exists ?? false;
        const reviewed = limits.review?.(verdict, since) ?? verdict;
        return exists ? { ...reviewed, transient: false } : reviewed;
      },
      onRetry(reason) {
        triedAgain = true;
        return limits.onRetry?.(reason) ?? Promise.resolve();
      },
    }, apply).catch((error) => {
      if (exists) return undefined;
      throw error;
    });
    if (made === undefined && !exists) return unverifiable(object);
    const found = made?.body ??
      await look({ method: "GET", path: object.path }, limits, apply);
    if (found === null && !options.dryRun) continue; // gone between the two answers
    const metadata = found ? metadataOf(found) : undefined;
    if (metadata && metadata.deletionTimestamp !== "" && !options.dryRun) {
      await waitUntilGone(object, metadata, apply);
      continue;
    }
    // A try of this call whose answer was lost may have made it.
    const change = made !== undefined || triedAgain ? "created" : "unchanged";
    const done = appliedOf(object, {
      change,
      metadata,
      warnings: made?.warnings,
      dryRun: options.dryRun,
    });
    return found
      ? await tellProvenance(object, found, { done, limits }, apply)
      : done;
  }
}
