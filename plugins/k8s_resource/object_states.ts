import {
  type Clock,
  type EventProgress,
  formatTime,
  isDone,
  type ObjectProgress,
  PROGRESS_OBJECTS_MAX,
} from "@transporter/sdk";
import type { Operation } from "./options.ts";
import type { PlannedObject } from "./plan.ts";
import type { ObjectResult } from "./result.ts";

/** Milliseconds as durations are written: whole nanoseconds. */
function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** Characters of what is said of an object while its event runs; the result says all. */
const CHARS_MAX = 200;

/** What is done with an object. */
const DOING: Readonly<Record<Operation, string>> = {
  apply: "applying",
  delete: "deleting",
  diff: "comparing",
  check: "comparing",
  patch: "patching",
  get: "reading",
};

/** Outcomes of which it is said why. */
const EXPLAINED: ReadonlySet<string> = new Set([
  "failed",
  "unknown",
  "skipped",
  "unverifiable",
]);

interface State {
  readonly status: string;
  readonly message: string;
  readonly since: number;
}

/** Of a list that has to be cut, those with the lowest number stay. */
function rankOf({ status }: State): number {
  if (status === "failed" || status === "unknown") return 0;
  if (status === "waiting") return 1;
  if (isDone(status)) return 4;
  return status === "pending" ? 3 : 2;
}

/** How far an event is with each of its objects, over all phases, and how long that took. */
export class ObjectStates {
  readonly #clock: Clock;
  readonly #states = new Map<PlannedObject, State>();
  readonly #begunAt = new Map<PlannedObject, number>();
  /** When an object was done, before it is waited for. */
  readonly #doneAt = new Map<PlannedObject, number>();
  /** How long after that it was seen ready first. */
  readonly #readyAfter = new Map<PlannedObject, number>();
  readonly #uids = new Map<PlannedObject, string>();
  #revision = 0;
  #changed: PromiseWithResolvers<void> | undefined;

  /** Begins with nothing done. */
  constructor(clock: Clock, objects: readonly PlannedObject[]) {
    this.#clock = clock;
    this.add(objects);
  }

  /** Grows with each change. */
  get revision(): number {
    return this.#revision;
  }

  /** How many objects there are. */
  get total(): number {
    return this.#states.size;
  }

  /** Resolves when something changed after this was called. */
  async changed(): Promise<void> {
    this.#changed ??= Promise.withResolvers();
    await this.#changed.promise;
  }

  /** More objects, with which nothing is done yet. */
  add(objects: readonly PlannedObject[]): void {
    for (const object of objects) this.#set(object, "pending", "");
  }

  #set(object: PlannedObject, status: string, text: string): void {
    const known = this.#states.get(object);
    const message = text.length <= CHARS_MAX
      ? text
      : `${text.slice(0, CHARS_MAX)}…`;
    if (known?.status === status && known.message === message) return;
    const since = known?.status === status ? known.since : this.#clock.now();
    this.#states.set(object, { status, message, since });
    this.#revision++;
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  /** The work on an object begins. */
  begin(object: PlannedObject, operation: Operation): void {
    this.#begunAt.set(object, this.#clock.monotonic());
    this.#set(object, DOING[operation], "");
  }

  /** What the work on an object waits for. */
  note(object: PlannedObject, why: string): void {
    const known = this.#states.get(object);
    if (known !== undefined) this.#set(object, known.status, why);
  }

  /** The work on an object is done; returns how long it took, in nanoseconds. */
  end(object: PlannedObject, { status, message, uid }: ObjectResult): number {
    if (uid !== undefined) this.#uids.set(object, uid);
    const now = this.#clock.monotonic();
    this.#doneAt.set(object, now);
    this.#set(object, status, EXPLAINED.has(status) ? message : "");
    return nanoseconds(now - (this.#begunAt.get(object) ?? now));
  }

  /** What an earlier process of the agent has done, before it was started again. */
  recall(object: PlannedObject, { status, uid }: ObjectResult): void {
    if (uid !== undefined) this.#uids.set(object, uid);
    if (this.#states.get(object)?.status !== "pending") return;
    this.#set(object, status, "");
  }

  /** The uid that an object had when it was done; `undefined` when it is not known. */
  uidOf(object: PlannedObject): string | undefined {
    return this.#uids.get(object);
  }

  /** An object is waited for until it is ready. */
  wait(object: PlannedObject, why: string): void {
    this.#set(object, "waiting", why);
  }

  /** It cannot become ready. */
  fail(object: PlannedObject, why: string): void {
    this.#set(object, "failed", why);
  }

  /** An object is taken for ready; without `unchecked` it was seen so. */
  ready(object: PlannedObject, unchecked = ""): void {
    this.#set(object, "ready", unchecked);
    const doneAt = this.#doneAt.get(object);
    const known = this.#readyAfter.has(object);
    if (unchecked !== "" || doneAt === undefined || known) return;
    const after = this.#clock.monotonic() - doneAt;
    this.#readyAfter.set(object, nanoseconds(after));
  }

  /** How long after it was done an object was seen ready, in nanoseconds; `undefined` when it was not waited for, or not ready. */
  readyAfter(object: PlannedObject): number | undefined {
    return this.#readyAfter.get(object);
  }

  /** How many objects need nothing more to be done. */
  get done(): number {
    return [...this.#states.values()].filter(({ status }) => isDone(status))
      .length;
  }

  /** How far the event is, for a report. */
  progress(): EventProgress & {
    readonly objects: readonly ObjectProgress[];
  } {
    const counts: Record<string, number> = {};
    for (const { status } of this.#states.values()) {
      counts[status] = (counts[status] ?? 0) + 1;
    }
    const all = [...this.#states].map((entry, index) => ({ entry, index }));
    const told = all
      .toSorted((a, b) => rankOf(a.entry[1]) - rankOf(b.entry[1]))
      .slice(0, PROGRESS_OBJECTS_MAX)
      .toSorted((a, b) => a.index - b.index);
    return {
      total: all.length,
      counts,
      objects: told.map(({ entry: [object, { status, message, since }] }) => ({
        kind: object.kind,
        name: object.name,
        namespace: object.namespace,
        api_version: object.apiVersion,
        status,
        message,
        since: formatTime(since),
      })),
    };
  }
}
