import type { Clock, Logger, Rng } from "@transporter/sdk";
import { paced } from "./pace.ts";
import type { Quota } from "./quota.ts";
import type { Store } from "./store/store.ts";

/** Milliseconds between counts, on average. */
const COUNT_MS = 2000;

/** Options of {@linkcode Recount}. */
export interface RecountOptions {
  /** What has the truth. */
  readonly store: Pick<Store, "countOpen">;
  /** What takes it over. */
  readonly quota: Pick<Quota, "load">;
  /** Whose events are counted. */
  readonly tenants: readonly string[];
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
  /** For what goes wrong. */
  readonly log: Logger;
}

/** Counts open events again and again, where others accept and end some, too. */
export class Recount implements AsyncDisposable {
  readonly #options: RecountOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  /** Makes one and starts it. */
  constructor(options: RecountOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Stops; resolves when nothing is being read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, quota, tenants, clock, rng, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(paced(COUNT_MS, rng), { signal }).catch(() => {}); // the loop sees that it is over
      if (signal.aborted) return;
      try {
        for (const tenant of tenants) await quota.load(store, tenant);
      } catch (error) {
        log.warn("Cannot count the open events", { error });
      }
    }
  }
}
