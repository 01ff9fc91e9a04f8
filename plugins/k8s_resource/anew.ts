import { fullJitter } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";

/** Between two beginnings of a list, in milliseconds. */
const PAUSE = { initialMs: 100, maxMs: 5_000 } as const;

/**
 * Begins a list anew whose server does not have the version of the pages so far
 * any more: soon the first time, and later each time, as it may say so always.
 */
export class Anew {
  readonly #cluster: Pick<Cluster, "clock" | "rng">;
  readonly #limits: { readonly signal: AbortSignal; readonly until: number };
  #count = 0;

  /** Makes one for a list. */
  constructor(
    cluster: Pick<Cluster, "clock" | "rng">,
    limits: { readonly signal: AbortSignal; readonly until: number },
  ) {
    this.#cluster = cluster;
    this.#limits = limits;
  }

  /**
   * Pauses before the list is begun anew.
   *
   * @returns Whether there is time left for it.
   * @throws What the signal aborts with.
   */
  async pause(): Promise<boolean> {
    const { clock, rng } = this.#cluster;
    const { signal, until } = this.#limits;
    const ms = fullJitter(this.#count++, rng, PAUSE);
    const left = Math.max(0, until - clock.now());
    await clock.sleep(Math.min(ms, left), { signal });
    return ms < left;
  }
}
