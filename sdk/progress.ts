import type { ResourceStatus } from "./event.ts";

/** Where an object is while its event runs. */
export type ObjectProgress =
  & Pick<ResourceStatus, "kind" | "name" | "namespace" | "api_version">
  & {
    /**
     * `pending`, what is done with it now (`applying`, `waiting`, …), `ready`
     * once it was waited for, or what became of it, in the words of a result.
     */
    readonly status: string;
    /** What is waited for, and why, for people; empty when there is nothing to say. */
    readonly message: string;
    /** Since when the status is what it is, RFC 3339. */
    readonly since: string;
  };

/**
 * How far an event is with what it works on: `details.progress` of a status
 * while it runs. What is in the history has no `objects`: only the newest are
 * kept, and `GET /v2/events/{id}/objects` shows them.
 */
export interface EventProgress {
  /** How many objects there are. */
  readonly total: number;
  /** How many of them are in which status. */
  readonly counts: Readonly<Record<string, number>>;
  /** The objects, in the order of the event; of more than {@linkcode PROGRESS_OBJECTS_MAX} those that are not done first. */
  readonly objects?: readonly ObjectProgress[];
}

/** Objects that a status tells of. */
export const PROGRESS_OBJECTS_MAX = 200;

/** Words for an object that is not done. */
const OPEN: ReadonlySet<string> = new Set([
  "pending",
  "applying",
  "comparing",
  "deleting",
  "patching",
  "reading",
  "waiting",
]);

/** Whether an object needs nothing more to be done, by its status. */
export function isDone(status: string): boolean {
  return !OPEN.has(status);
}
