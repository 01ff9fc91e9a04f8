import { Lane } from "../lane.ts";
import { type Hunt, hunt, type HuntOptions } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";
import type { Trial } from "./trial.ts";
import type { Job } from "./worker.ts";

/** Options of {@linkcode huntAll}. */
export interface HuntAllOptions extends HuntOptions {
  /** How many mutants are looked for at the same time, each on a core of its own. */
  readonly jobs: number;
  /** Hears of each, as it is over. */
  readonly over?: (hunt: Hunt) => void;
}

/** Looks for mutants: for each on one core, so that what is found first is the same each time. */
export async function huntAll(
  mutants: readonly Mutant[],
  options: HuntAllOptions,
): Promise<Hunt[]> {
  // Those that take the whole of their budget first, as they take longest.
  const queue = [...mutants].sort((a, b) => costOf(b) - costOf(a));
  const hunts = new Map<string, Hunt>();
  async function work() {
    using lane = new Lane<Job, Trial>(new URL("./worker.ts", import.meta.url));
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name } = next;
      const found = await hunt(
        next,
        options,
        (seed) => lane.run({ mutant: name, seed }),
      );
      hunts.set(name, found);
      options.over?.(found);
    }
  }
  const jobs = Math.min(options.jobs, mutants.length);
  await Promise.all(Array.from({ length: jobs }, work));
  return mutants.flatMap(({ name }) => hunts.get(name) ?? []);
}

function costOf({ harmless, budget }: Mutant): number {
  return harmless === undefined ? 0 : budget;
}
