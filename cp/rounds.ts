import { type Clock, IN_TIME } from "@transporter/sdk";

/** The shortest pause between two rounds, as a share of the longest: a few more would not be worth their while. */
const LEAST_SHARE = 0.2;

/** Options of {@linkcode Rounds}. */
export interface RoundsOptions<T> {
  /** Where time comes from. */
  readonly clock: Clock;
  /** The longest pause between two rounds, in milliseconds: whoever is added needs nothing sooner. */
  readonly everyMs: number;
  /** Looks at one, which may be taken out; returns in how many milliseconds it has to be looked at again. */
  readonly look: (one: T) => number;
}

/**
 * Looks after many by one timer: one for each of ten thousand connections would
 * take as much memory as their sockets do.
 */
export class Rounds<T> {
  readonly #options: RoundsOptions<T>;
  readonly #all = new Set<T>();
  #stop: AbortController | undefined;

  /** Makes one that looks after nobody. */
  constructor(options: RoundsOptions<T>) {
    this.#options = options;
  }

  /** Looks after one more. */
  add(one: T): void {
    this.#all.add(one);
    if (this.#stop === undefined) this.#run();
  }

  /** Looks after one no longer. Idempotent. */
  delete(one: T): void {
    this.#all.delete(one);
    if (this.#all.size === 0) this.#stop?.abort(IN_TIME);
  }

  async #run(): Promise<void> {
    const { clock, everyMs, look } = this.#options;
    const { signal } = this.#stop = new AbortController();
    let restMs = everyMs;
    while (!signal.aborted) {
      const ms = Math.min(everyMs, Math.max(everyMs * LEAST_SHARE, restMs));
      await clock.sleep(ms, { signal }).catch(() => {}); // the loop sees that it is over
      restMs = everyMs;
      for (const one of this.#all) restMs = Math.min(restMs, look(one));
    }
    this.#stop = undefined;
    if (this.#all.size > 0) this.#run();
  }
}
