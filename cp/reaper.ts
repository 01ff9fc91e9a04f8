import type { Clock, Logger, Rng } from "@transporter/sdk";
import { expire, isHeld } from "./life.ts";
import { paced } from "./pace.ts";
import type { Recorder } from "./recorder.ts";
import type { EventRecord, Store } from "./store/store.ts";
import { supersede } from "./supersede.ts";

/** Milliseconds between looks for events whose time is up. */
const LOOK_MS = 1000;

/** Events that are read at a time. */
const PAGE = 256;

/** Options of {@linkcode Reaper}. */
export interface ReaperOptions {
  /** Where due events are found. */
  readonly store: Pick<Store, "listDue" | "getAgent">;
  /** Who ends them. */
  readonly recorder: Pick<Recorder, "change">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from, if others do the same work. */
  readonly rng?: Rng | undefined;
  /** For what goes wrong. */
  readonly log: Logger;
}

/**
 * Does what only the passing of time asks for: ends events whose time is up,
 * also those whose agent never says how they ended, and finishes what was begun
 * for an event that supersedes another.
 */
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
    const { clock, log, rng } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#reap();
      } catch (error) {
        // What is due now is due in a second, too.
        log.warn("Cannot end the events that are due", { error });
      }
      await clock.sleep(paced(LOOK_MS, rng), { signal }).catch(() => {}); // the loop sees that it is over
    }
  }

  async #reap(): Promise<void> {
    const { store, clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      const due = await store.listDue(clock.now(), PAGE);
      const changed = await Promise.all(due.map((record) => this.#see(record)));
      // Those that did not change are looked at again in a second.
      if (due.length < PAGE || !changed.includes(true)) return;
    }
  }

  async #see(record: EventRecord): Promise<boolean> {
    const { recorder, clock } = this.#options;
    if (record.deadline <= clock.now() || !isHeld(record)) {
      const now = clock.now();
      const step = await recorder.change(
        record.tenant,
        record.spec.id,
        (known) => expire(known, now),
      );
      return step?.changed ?? false;
    }
    const { revision } = await supersede(record, this.#options);
    return revision > record.revision;
  }
}
