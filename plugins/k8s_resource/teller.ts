import { type Clock, type ExecutorContext, IN_TIME } from "@transporter/sdk";
import type { ObjectStates } from "./object_states.ts";
import type { Operation } from "./options.ts";

/** Between two reports on objects of which nothing else is to be said, in milliseconds; each is kept in the event's record. */
const INTERVAL_MS = 2_000;

/** Up to so many objects go with every report; more of them with one in each interval. */
const FEW = 20;

/** What was done with objects. */
const DID: Readonly<Record<Operation, string>> = {
  apply: "Applied",
  delete: "Deleted",
  diff: "Compared",
  check: "Compared",
  patch: "Patched",
  get: "Read",
};

/** What was done with objects, and how many of them: `Applied 3 of 5 objects`. */
export function countOf(
  done: number,
  all: number,
  { operation, dryRun }: {
    readonly operation: Operation;
    readonly dryRun: boolean;
  },
): string {
  const asks = operation === "diff" || operation === "check";
  const word = dryRun && !asks ? "Tried" : DID[operation];
  return `${word} ${done} of ${all} objects`;
}

/** What {@linkcode Teller} needs. */
export interface TellerOptions {
  /** The event's. */
  readonly context: ExecutorContext;
  /** How far it is. */
  readonly states: ObjectStates;
  /** Time. */
  readonly clock: Clock;
  /** What is said when nothing else was. */
  readonly otherwise: () => string;
}

/**
 * Tells, with what an event reports, how far it is with its objects; and from
 * time to time when only that has changed.
 */
export class Teller implements AsyncDisposable {
  readonly #options: TellerOptions;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #telling: Promise<void>;
  #said = "";
  #told: number;
  #toldAt: number;
  #hasTold = false;
  /** The event's, with reports that go through this. */
  readonly context: ExecutorContext;

  /** Begins to tell. */
  constructor(options: TellerOptions) {
    const { context, states, clock } = options;
    this.#options = options;
    this.#told = states.revision;
    this.#toldAt = clock.monotonic();
    this.context = { ...context, report: (message) => this.#report(message) };
    this.#telling = this.#tellChanges();
  }

  async #report(message: string): Promise<void> {
    const { context, states, clock } = this.#options;
    this.#said = message;
    const due = clock.monotonic() - this.#toldAt >= INTERVAL_MS;
    if (states.total > FEW && this.#hasTold && !due) {
      return await context.report(message);
    }
    const progress = states.progress();
    this.#hasTold = true;
    this.#told = states.revision;
    this.#toldAt = clock.monotonic();
    await context.report(message, { progress });
  }

  async #tellChanges(): Promise<void> {
    const { states, clock, otherwise } = this.#options;
    while (!this.#isOver()) {
      if (states.revision === this.#told) {
        await Promise.race([states.changed(), this.#ended.promise]);
        if (this.#isOver()) return;
      }
      const pause = this.#toldAt + INTERVAL_MS - clock.monotonic();
      const { signal } = this.#stop;
      await clock.sleep(Math.max(0, pause), { signal }).catch(() => {});
      if (this.#isOver()) return;
      if (states.revision === this.#told) continue;
      await this.#report(this.#said || otherwise());
    }
  }

  /** An event that was aborted soon ends, and has its last word then. */
  #isOver(): boolean {
    return this.#stop.signal.aborted || this.#options.context.signal.aborted;
  }

  /** Tells nothing any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(IN_TIME);
    this.#ended.resolve();
    await this.#telling;
  }
}
