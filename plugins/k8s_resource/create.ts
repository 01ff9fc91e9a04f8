import {
  appliedOf,
  type ApplyContext,
  limitsOf,
  look,
  waitUntilGone,
} from "./apply_calls.ts";
import { FIELD_MANAGER, metadataOf } from "./change.ts";
import type { PlannedObject } from "./plan.ts";
import type { Done } from "./progress.ts";
import type { ApiRequest } from "./transport.ts";

const QUERY = `?fieldManager=${FIELD_MANAGER}&fieldValidation=Strict`;

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
  const { cluster } = apply;
  for (;;) {
    const limits = limitsOf(object, apply);
    let triedAgain = false;
    let exists = false;
    const request: ApiRequest = {
      method: "POST",
      path: object.path.slice(0, object.path.lastIndexOf("/")) + QUERY,
      contentType: "application/yaml",
      body: object.body,
    };
    const made = await cluster.client.call(request, {
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
    }).catch((error) => {
      if (exists) return undefined;
      throw error;
    });
    const found = made?.body ??
      await look({ method: "GET", path: object.path }, limits, apply);
    if (found === null) continue; // gone between the two answers
    const metadata = found && metadataOf(found);
    if (metadata && metadata.deletionTimestamp !== "") {
      await waitUntilGone(object, metadata, apply);
      continue;
    }
    // A try of this call whose answer was lost may have made it.
    const change = made !== undefined || triedAgain ? "created" : "unchanged";
    return appliedOf(object, { change, metadata, warnings: made?.warnings });
  }
}
