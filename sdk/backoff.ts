import type { Rng } from "./rng.ts";

/** How long to wait between tries. */
export interface BackoffOptions {
  /** The upper bound of the first delay, in milliseconds. */
  readonly initialMs: number;
  /** The upper bound that is never passed, in milliseconds. */
  readonly maxMs: number;
  /** What the upper bound grows by with each try. */
  readonly multiplier?: number;
}

/**
 * The delay before a try, with full jitter: anything from nothing to the
 * bound, so that many who failed together do not come back together.
 *
 * @param failures How many tries have failed so far, from 0.
 * @param rng Where the jitter comes from.
 * @param options The bounds.
 * @returns Milliseconds.
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
export function fullJitter(
  failures: number,
  rng: Rng,
  options: BackoffOptions,
): number {
  const { initialMs, maxMs, multiplier = 2 } = options;
  const bound = Math.min(
    maxMs,
    initialMs * multiplier ** Math.min(failures, 64),
  );
  return rng.next() * bound;
}
