import { setImmediate } from "node:timers";
import type { Clock } from "../mod.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** When a test clock starts, in milliseconds since 1970: 2026-11-23T05:04:27Z. */
const START = 1_795_410_267_000;

/**
 * A clock that stands still until a test moves it.
 *
 * @example Usage
 * ```ts
 * import { TestClock } from "@transporter/sdk/testing";
 * import { strictEqual } from "node:assert/strict";
 *
 * const clock = new TestClock();
 * let rang = false;
 * clock.sleep(1000).then(() => rang = true);
 * await clock.advance(999);
 * strictEqual(rang, false);
 * await clock.advance(1);
 * strictEqual(rang, true);
 * ```
 */
export class TestClock implements Clock {
  #elapsed = 0;
  #offset: number;
  readonly #sleepers = new Set<Sleeper>();

  /** Makes a clock that shows `now`, in milliseconds since 1970. */
  constructor(now: number = START) {
    this.#offset = now;
  }

  /** How many wait for the time to pass. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** The time of day the test set. */
  now(): number {
    return this.#offset + this.#elapsed;
  }

  /** Milliseconds the test let pass. */
  monotonic(): number {
    return this.#elapsed;
  }

  /** Resolves when the test let `ms` milliseconds pass. */
  sleep(
    ms: number,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#elapsed + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * Lets time pass, waking who sleeps in the order they asked for, and lets
   * each do what it can before the next. Resolves when nothing is left to do.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (
      let next = this.#next(end);
      next !== undefined;
      next = this.#next(end)
    ) {
      this.#sleepers.delete(next);
      this.#elapsed = next.at;
      next.wake();
      await settle();
    }
    this.#elapsed = end;
  }

  /** Sets the time of day, as an operator or NTP does; nobody wakes. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  #next(end: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at <= end && sleeper.at < (first?.at ?? Infinity)) {
        first = sleeper;
      }
    }
    return first;
  }
}

/**
 * Resolves when every promise that can settle by itself has settled: for
 * tests with in-memory drivers and a {@linkcode TestClock}.
 */
export async function settle(): Promise<void> {
  // An immediate runs after all promise jobs; some drivers take turns of the event loop themselves.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
