import { fieldsOf } from "./object_fields.ts";
import type { PlannedObject } from "./plan.ts";
import type { Reader } from "./reader.ts";
import { fails, isReady, type Readiness, recordOf } from "./ready_parts.ts";

/** What a Job's controller calls the two ends, in an Event. @see {@link https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go} */
const COMPLETED = "Completed";
const FAILED: ReadonlySet<unknown> = new Set([
  "BackoffLimitExceeded",
  "DeadlineExceeded",
  "FailedIndexes",
  "MaxFailedIndexesExceeded",
  "PodFailurePolicy",
]);

/** Whether an object goes by itself once it has ended. */
function passes(object: PlannedObject): boolean {
  const { ttlSecondsAfterFinished } = recordOf(fieldsOf(object).spec);
  return object.group === "batch" && object.kind === "Job" &&
    ttlSecondsAfterFinished !== undefined;
}

/**
 * What is known of an object that is gone, and whose end nobody saw: a Job with
 * `ttlSecondsAfterFinished` may be gone before anybody looks at it, and its
 * Events tell then how it ended, for as long as the cluster keeps them.
 *
 * @param object The object.
 * @param uid Its uid; `undefined` when it is not known.
 * @param reader Reads the Events.
 */
export async function goneUnseen(
  object: PlannedObject,
  uid: string | undefined,
  reader: Reader,
): Promise<Readiness> {
  if (!passes(object)) return fails("it is gone");
  const events = !uid ? [] : await reader.list(
    `/api/v1/namespaces/${object.namespace}/events`,
    { fieldSelector: `involvedObject.uid=${uid}`, limit: "100" },
  ) ?? [];
  if (events.some(({ reason }) => reason === COMPLETED)) {
    return isReady("it was complete, as its Event says");
  }
  const failure = events.find(({ reason }) => FAILED.has(reason));
  return fails(
    failure === undefined
      ? "it is gone, and nothing tells how it ended: with its ttlSecondsAfterFinished it went once it had, or somebody deleted it"
      : `it is gone, and had failed: ${failure.message || failure.reason}`,
  );
}
