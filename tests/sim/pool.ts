import { add, type Failure, NO_SEEDS, type Tally, tallySeed } from "./batch.ts";

/** Which seeds, and how. */
export interface PoolOptions {
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
  const { from, seeds, jobs, progress, failed } = options;
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
  if (jobs === 1) await drain(tallySeed);
  else {
    const lanes = Array.from({ length: jobs }, () => new Lane());
    await Promise.all(lanes.map((lane) => drain((seed) => lane.run(seed))));
    for (const lane of lanes) lane.close();
  }
  const failures = [...sum.failures].sort((a, b) => a.seed - b.seed);
  return { ...sum, failures };
}

/** A worker, which runs one seed at a time. */
class Lane {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
  });

  run(seed: number): Promise<Tally> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<Tally>) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(
          new Error(`Cannot run seed ${seed}: ${event.message}`, {
            cause: event.error,
          }),
        );
      };
      this.#worker.postMessage(seed);
    });
  }

  close(): void {
    this.#worker.terminate();
  }
}
