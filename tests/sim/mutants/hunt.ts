import type { Mutant } from "./mutant.ts";
import type { Trial } from "./trial.ts";

/** How a mutant is looked for. */
export interface HuntOptions {
  /** The first seed. */
  readonly from: number;
  /** How many; by default as many as the mutant's budget. */
  readonly seeds?: number;
  /** Searches from the first seed on although there are recorded ones. */
  readonly search: boolean;
}

/** What came of looking for a mutant. */
export interface Hunt {
  /** Its name. */
  readonly mutant: string;
  /** Which faults of upstream's it stands for. */
  readonly upstream: readonly string[];
  /**
   * `caught`, and `survived` of one that is harmless, are as it should be.
   * `missed`: nothing that it breaks was found. `outdated`: a recorded seed
   * does not catch it. `broken`: the planted code itself fails, or the seed fails without it. `harmful`: it
   * was said to be harmless, and is not.
   */
  readonly verdict:
    | "caught"
    | "survived"
    | "missed"
    | "outdated"
    | "broken"
    | "harmful";
  /** What was broken in the seed that caught it. */
  readonly by: readonly string[];
  /** The seed that caught it, or showed what is wrong. */
  readonly seed?: number;
  /** How many seeds were run. */
  readonly seeds: number;
  /** How long it took, in seconds. */
  readonly seconds: number;
  /** What was found, in one sentence. */
  readonly message: string;
}

/** Whether a hunt came to what it should. */
export function isWell({ verdict }: Hunt): boolean {
  return verdict === "caught" || verdict === "survived";
}

/** The seeds that a mutant is tried with, and whether they are recorded. */
function seedsFor(
  { budget, recorded }: Mutant,
  { from, seeds = budget, search }: HuntOptions,
): { readonly seeds: readonly number[]; readonly recorded: boolean } {
  if (recorded !== undefined && !search) {
    return { seeds: recorded, recorded: true };
  }
  const numbers = Array.from({ length: seeds }, (_, i) => from + i);
  return { seeds: numbers, recorded: false };
}

/** The guarantees that a seed shows to be broken, of those that the mutant breaks. */
function caughtBy(mutant: Mutant, { violations }: Trial): string[] {
  const found = violations.filter(({ guarantee, word }) =>
    mutant.breaks.includes(guarantee) &&
    (mutant.crashes === true || word !== "crashed")
  );
  return [...new Set(found.map(({ guarantee }) => guarantee))].sort();
}

/**
 * Looks for a mutant, seed after seed.
 *
 * @param mutant The mutant.
 * @param options Which seeds.
 * @param attempt Runs one of them.
 */
export async function hunt(
  mutant: Mutant,
  options: HuntOptions,
  attempt: (seed: number) => Promise<Trial>,
): Promise<Hunt> {
  const startedAt = performance.now();
  const { seeds, recorded } = seedsFor(mutant, options);
  let tried = 0;
  function over(
    verdict: Hunt["verdict"],
    message: string,
    rest: Partial<Pick<Hunt, "seed" | "by">> = {},
  ): Hunt {
    return {
      mutant: mutant.name,
      upstream: mutant.upstream,
      verdict,
      by: [],
      seeds: tried,
      seconds: (performance.now() - startedAt) / 1000,
      message,
      ...rest,
    };
  }

  let caught: Hunt | undefined;
  let other = "";
  for (const seed of seeds) {
    const trial = await attempt(seed);
    tried++;
    const { broken, violations: [first] } = trial;
    if (broken !== undefined) {
      return over("broken", `It shows nothing: ${broken}`, { seed });
    }
    const by = caughtBy(mutant, trial);
    if (mutant.harmless !== undefined && first !== undefined) {
      const message = `It breaks ${first.guarantee}: ${first.message}`;
      return over("harmful", message, { seed });
    }
    if (by.length > 0) {
      const proof = trial.violations.find(({ guarantee }) =>
        guarantee === by[0]
      );
      caught = over("caught", proof?.message ?? "", { seed, by });
      if (!recorded) return caught;
    } else if (recorded) {
      return over(
        "outdated",
        `Seed ${seed} does not catch it any more, search again: deno task sim --mutants --search ${mutant.name}`,
        { seed },
      );
    } else if (first !== undefined && other === "") {
      other = `; seed ${seed} breaks ${first.guarantee}: ${first.message}`;
    }
  }
  if (caught !== undefined) return { ...caught, seeds: tried };
  if (mutant.harmless !== undefined) return over("survived", mutant.harmless);
  const wanted = mutant.breaks.join(" or ");
  return over("missed", `No seed breaks ${wanted}${other}`);
}
