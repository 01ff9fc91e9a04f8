import type { Clock, Logger, Rng } from "@transporter/sdk";
import { expire, type Expiry, isHeld } from "./life.ts";
import { paced } from "./pace.ts";
import type { Recorder } from "./recorder.ts";
import type { EventRecord, Store } from "./store/store.ts";
import { supersede } from "./supersede.ts";

/** Milliseconds between looks for events whose time is up. */
const LOOK_MS = 1000;

/** How far the clock and the monotonic one go apart between two looks when nobody sets it, in milliseconds at most. */
const UNEVEN_MS = 1000;

/** Events that are read at a time. */
const PAGE = 256;

/** Options of {@linkcode Reaper}. */
export interface ReaperOptions {
  /** Where due events are found, and what their agents understand. */
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
 * also those whose agent never says how they ended, recalls those that their
 * agent did not begin, and finishes what was begun for an event that supersedes
 * another.
 */
export class Reaper implements AsyncDisposable {
  readonly #options: ReaperOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** How far the clock is ahead of the monotonic one, and since when, by that. */
  #aheadMs = NaN;
  #evenSince = 0;

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
    const { store } = this.#options;
    while (!this.#stop.signal.aborted) {
      const due = await store.listDue(this.#look().now, PAGE);
      const changed = await Promise.all(due.map((record) => this.#see(record)));
      // Those that did not change are looked at again in a second.
      if (due.length < PAGE || !changed.includes(true)) return;
    }
  }

  /** The time, and for how long it has gone on as it should since somebody set the clock, or this began. */
  #look(): Pick<Expiry, "now" | "evenMs"> {
    const { clock } = this.#options;
    const now = clock.now();
    const monotonic = clock.monotonic();
    const aheadMs = now - monotonic;
    const isEven = Math.abs(aheadMs - this.#aheadMs) <= UNEVEN_MS;
    if (!isEven) this.#evenSince = monotonic;
    this.#aheadMs = aheadMs;
    return { now, evenMs: monotonic - this.#evenSince };
  }

  async #see(record: EventRecord): Promise<boolean> {
    const { store, recorder, clock } = this.#options;
    const { tenant, spec: { id, target_agent: agent } } = record;
    if (record.deadline <= clock.now() || !isHeld(record)) {
      const told = record.state === "assigned" &&
        (await store.getAgent(tenant, agent))?.linkVersion === 2;
      const expiry = { told, ...this.#look() };
      const step = await recorder.change(
        tenant,
        id,
        (known) => expire(known, expiry),
      );
      return step?.changed ?? false;
    }
    const { revision } = await supersede(record, this.#options);
    return revision > record.revision;
  }
}
