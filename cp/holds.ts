import type { Clock, EventHead } from "@transporter/sdk";
import type { Release } from "./store/store.ts";

/** What is released to which agent. */
export interface ReleaseOptions extends Omit<Release, "decide" | "at"> {
  /** The version of its link. */
  readonly version: 1 | 2;
  /** Whether an event stays in the queue, by {@linkcode Holds.filter}; by default none does. */
  readonly isHeld?: (event: EventHead) => boolean;
}

/** The longest that an agent may have nothing sent to it at its own request, in milliseconds. */
const HOLD_MS_MAX = 3600_000;

/** The shortest, so that an agent which refuses everything does not fill its events' histories. */
const HOLD_MS_MIN = 1000;

/** Options of {@linkcode Holds}. */
export interface HoldsOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Aborts when nobody holds anything any more. */
  readonly signal: AbortSignal;
  /** Something may be sent again. */
  readonly over: () => void;
}

/** What an agent does not take for now: anything, or events of some types. */
export class Holds {
  readonly #options: HoldsOptions;
  #until = 0;
  readonly #types = new Map<string, number>();

  /** Makes one that holds nothing. */
  constructor(options: HoldsOptions) {
    this.#options = options;
  }

  /** Whether nothing may be sent at all. */
  get everything(): boolean {
    return this.#options.clock.monotonic() < this.#until;
  }

  /** Whether anything may not be sent. */
  get some(): boolean {
    const now = this.#options.clock.monotonic();
    return this.everything || [...this.#types.values()].some((at) => now < at);
  }

  /** Holds everything for a while, or what is of a type. */
  add(ms: number, type?: string): void {
    const { clock, signal, over } = this.#options;
    const holdMs = Math.min(HOLD_MS_MAX, Math.max(HOLD_MS_MIN, ms));
    const until = clock.monotonic() + holdMs;
    if (type === undefined) this.#until = Math.max(this.#until, until);
    else {
      const before = this.#types.get(type) ?? 0;
      this.#types.set(type, Math.max(before, until));
    }
    clock.sleep(holdMs, { signal }).then(over, () => {});
  }

  /**
   * Says of the events of a queue, asked in its order, whether they stay there:
   * those of a type that is held, and those that run after one of them by a
   * common `concurrency_key`.
   */
  filter(): (event: EventHead) => boolean {
    const now = this.#options.clock.monotonic();
    for (const [type, until] of this.#types) {
      if (until <= now) this.#types.delete(type);
    }
    const keys = new Set<string>();
    return ({ type, concurrency_key: key }) => {
      const stays = this.#types.has(type) || keys.has(key ?? "");
      if (stays && key !== undefined) keys.add(key);
      return stays;
    };
  }
}
