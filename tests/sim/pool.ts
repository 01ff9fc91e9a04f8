import {
  add,
  type Failure,
  NO_SEEDS,
  type Setting,
  type Tally,
  tallySeed,
} from "./batch.ts";
import { Lane } from "./lane.ts";
import type { SeedJob } from "./worker.ts";

/** Which seeds, and how. */
export interface PoolOptions extends Setting {
  /** The first one. */
  readonly from: number;
  /** How many. */
  readonly seeds: number;
  /** How many run at the same time, each on a core of its own. */
  readonly jobs: number;
  /** Hears of the sum after each of them. */
  readonly progress?: (sum: Tally) => void;
  /** Hears of each seed that broke something, at once. */
  readonly failed?: (failure: Failure) => void;
}

/** Runs seeds on some cores. */
export async function runSeeds(options: PoolOptions): Promise<Tally> {
  const { from, seeds, jobs, replicas, wire, progress, failed } = options;
  const setting = { replicas, wire };
  let next = from;
  let sum = NO_SEEDS;
  async function drain(run: (seed: number) => Promise<Tally>) {
    while (next < from + seeds) {
      const tally = await run(next++);
      sum = add(sum, tally);
      tally.failures.forEach((failure) => failed?.(failure));
      progress?.(sum);
    }
  }
  if (jobs === 1) await drain((seed) => tallySeed(seed, setting));
  else {
    const work = async () => {
      using lane = new Lane<SeedJob, Tally>(
        new URL("./worker.ts", import.meta.url),
      );
      await drain((seed) => lane.run({ seed, setting }));
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }
  const failures = [...sum.failures].sort((a, b) => a.seed - b.seed);
  return { ...sum, failures };
}
