import type { Rng } from "@transporter/sdk";

/**
 * How long to wait until the next time.
 *
 * @param ms How long on average.
 * @param rng Where jitter comes from, of a quarter at most; without one there is none.
 */
export function paced(ms: number, rng: Rng | undefined): number {
  return rng === undefined ? ms : ms * (0.75 + rng.next() / 2);
}
