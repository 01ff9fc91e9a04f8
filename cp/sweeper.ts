import type { Clock, Logger, Rng } from "@transporter/sdk";
import { paced } from "./pace.ts";
import type { EventRecord, Store } from "./store/store.ts";

/** Milliseconds between sweeps. */
const LOOK_MS = 60_000;

/** Events that are removed in one step, which others wait for. */
const PAGE = 256;

/** How long an id stays taken after its event's deadline, in milliseconds: as long as agents remember it. */
const AFTER_DEADLINE_MS = 10 * 60_000;

/** How long an id stays taken at least, in milliseconds from its acceptance. */
const AFTER_ACCEPTANCE_MS = 24 * 3600_000;

/** What is kept of events that have ended. */
export interface RetentionConfig {
  /** Milliseconds that an event is kept after its end. */
  readonly retentionMs: number;
  /** Ended events that are kept at most; beyond it the oldest go earlier. */
  readonly eventsMax: number;
}

/** What is kept unless told otherwise. */
export const RETENTION: RetentionConfig = {
  retentionMs: 7 * 24 * 3600_000,
  eventsMax: 1_000_000,
};

/** Options of {@linkcode Sweeper}. */
export interface SweeperOptions {
  /** Where events are removed. */
  readonly store: Pick<Store, "sweep">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from, if others do the same work. */
  readonly rng?: Rng | undefined;
  /** For what goes wrong. */
  readonly log: Logger;
  /** How much is kept. */
  readonly config: RetentionConfig;
}

/** Removes events that ended long ago, so that the store stays bounded. */
export class Sweeper implements AsyncDisposable {
  readonly #options: SweeperOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Makes a sweeper and starts it. */
  constructor(options: SweeperOptions) {
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
      await clock.sleep(paced(LOOK_MS, rng), { signal }).catch(() => {}); // the loop sees that it is over
      try {
        await this.#sweep();
      } catch (error) {
        // What is to go now is to go in a minute, too.
        log.warn("Cannot remove the events that ended long ago", { error });
      }
    }
  }

  async #sweep(): Promise<void> {
    const { store, clock, config, log } = this.#options;
    let removed = 0;
    for (let last = PAGE; last === PAGE && !this.#stop.signal.aborted;) {
      const at = clock.now();
      last = await store.sweep({
        finishedBefore: at - config.retentionMs,
        finishedMax: config.eventsMax,
        until: takenUntil,
        at,
        limit: PAGE,
      });
      removed += last;
    }
    if (removed > 0) {
      log.info("Removed events that ended long ago", { removed });
    }
  }
}

/** Until when the id of a removed event stays taken. */
export function takenUntil(
  { deadline, acceptedAt }: Pick<EventRecord, "deadline" | "acceptedAt">,
): number {
  return Math.max(
    deadline + AFTER_DEADLINE_MS,
    acceptedAt + AFTER_ACCEPTANCE_MS,
  );
}
