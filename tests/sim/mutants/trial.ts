import { type Logger, silentLogger } from "@transporter/sdk";
import type { Violation } from "../../history/violation.ts";
import type { Plant } from "../plant.ts";
import { runSeed } from "../run.ts";
import { BUGS, type Mutant, noteBug } from "./mutant.ts";

/** What came of a mutant in one seed. */
export interface Trial {
  /** The seed. */
  readonly seed: number;
  /** What it broke. */
  readonly violations: readonly Omit<Violation, "evidence">[];
  /** Why it shows nothing: the planted code itself is at fault. */
  readonly broken?: string;
}

/** Runs a seed with a mutant planted. */
export async function tryMutant(mutant: Mutant, seed: number): Promise<Trial> {
  BUGS.clear();
  try {
    const plant = watched(mutant.plant());
    const { replicas, wire } = mutant;
    const run = await runSeed({ seed, replicas, wire, plant });
    const { verdict: { violations }, history } = run;
    for (const entry of history) {
      if (entry.kind === "crash" && /^\w+Error: /.test(entry.reason)) {
        BUGS.add(entry.reason);
      }
    }
    if (violations.length > 0) {
      const sound = await runSeed({ seed, replicas, wire });
      const [first] = sound.verdict.violations;
      if (first !== undefined) {
        BUGS.add(`the seed fails without it, too: ${first.message}`);
      }
    }
    const [broken] = BUGS;
    return {
      seed,
      violations: violations.map(({ evidence: _, ...rest }) => rest),
      ...(broken === undefined ? {} : { broken }),
    };
  } catch (reason) {
    return { seed, violations: [], broken: String(reason) };
  }
}

/** The same fault, of which what the program logs of errors in its code is heard. */
function watched(plant: Plant): Plant {
  const hearing = <T extends { readonly log?: Logger }>(options: T): T => {
    const hear: Logger["error"] = (message, fields) => {
      noteBug(fields?.["error"]);
      options.log?.warn(message, fields);
    };
    const log: Logger = {
      ...silentLogger,
      warn: hear,
      error: hear,
      with: () => log,
    };
    return { ...options, log };
  };
  return {
    ...plant,
    core(options, within) {
      const heard = hearing(options);
      return plant.core?.(heard, within) ?? heard;
    },
    agent(options, within) {
      const heard = hearing(options);
      return plant.agent?.(heard, within) ?? heard;
    },
  };
}
