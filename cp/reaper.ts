import type { Clock, Logger } from "@transporter/sdk";
import type { Recorder } from "./recorder.ts";
import type { Store } from "./store/store.ts";

/** Milliseconds between looks for events whose time is up. */
const LOOK_MS = 1000;

/** Events that are read at a time. */
const PAGE = 256;

/** Options of {@linkcode Reaper}. */
export interface ReaperOptions {
  /** Where due events are found. */
  readonly store: Pick<Store, "listDue">;
  /** Who ends them. */
  readonly recorder: Pick<Recorder, "expired">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For what goes wrong. */
  readonly log: Logger;
}

/** Ends events whose time is up, also those whose agent never says how they ended. */
export class Reaper implements AsyncDisposable {
  readonly #options: ReaperOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Makes a reaper and starts it. */
  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Stops; resolves when nothing is being written any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#reap();
      } catch (error) {
        // What is due now is due in a second, too.
        log.warn("Cannot end the events that are due", { error });
      }
      await clock.sleep(LOOK_MS, { signal }).catch(() => {}); // the loop sees that it is over
    }
  }

  async #reap(): Promise<void> {
    const { store, recorder, clock } = this.#options;
    for (let limit = PAGE; !this.#stop.signal.aborted;) {
      const due = await store.listDue(clock.now(), limit);
      const ended = await Promise.all(
        due.map((record) => recorder.expired(record)),
      );
      if (due.length < limit) return;
      // Those whose agents still have a moment to speak fill the page: look further.
      if (ended.filter((done) => done).length < PAGE / 2) limit *= 2;
    }
  }
}
