import type { Clock } from "@transporter/sdk";
import type { PlannedObject } from "./plan.ts";

/** Milliseconds as durations are written: whole nanoseconds. */
function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** How far an event is with each of its objects, over all phases, and how long that took. */
export class ObjectStates {
  readonly #clock: Clock;
  readonly #begunAt = new Map<PlannedObject, number>();
  /** When an object was done, before it is waited for. */
  readonly #doneAt = new Map<PlannedObject, number>();
  /** How long after that it was seen ready first. */
  readonly #readyAfter = new Map<PlannedObject, number>();

  /** Begins with nothing done. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that the work on an object begins. */
  begin(object: PlannedObject): void {
    this.#begunAt.set(object, this.#clock.monotonic());
  }

  /** Notes that the work on an object is done; returns how long it took, in nanoseconds. */
  end(object: PlannedObject): number {
    const now = this.#clock.monotonic();
    this.#doneAt.set(object, now);
    return nanoseconds(now - (this.#begunAt.get(object) ?? now));
  }

  /** Notes that an object was seen ready. */
  ready(object: PlannedObject): void {
    const doneAt = this.#doneAt.get(object);
    if (doneAt === undefined || this.#readyAfter.has(object)) return;
    const after = this.#clock.monotonic() - doneAt;
    this.#readyAfter.set(object, nanoseconds(after));
  }

  /** How long after it was done an object was seen ready, in nanoseconds; `undefined` when it was not waited for, or not ready. */
  readyAfter(object: PlannedObject): number | undefined {
    return this.#readyAfter.get(object);
  }
}
