import type { Counts } from "../history/judge.ts";
import type { Violation } from "../history/violation.ts";
import { type RunOptions, runSeed } from "./run.ts";

/** A seed that broke something. */
export interface Failure {
  /** The seed. */
  readonly seed: number;
  /** What it broke, without the entries that show it. */
  readonly violations: readonly Omit<Violation, "evidence">[];
  /** How it was run. */
  readonly setting: Setting;
}

/** How a seed is run. */
export type Setting = Pick<RunOptions, "replicas" | "wire">;

/** What came of some seeds. */
export interface Tally extends Counts {
  /** How many seeds. */
  readonly seeds: number;
  /** How many things happened. */
  readonly steps: number;
  /** How long they were together, in simulated milliseconds. */
  readonly simulatedMs: number;
  /** Those that broke something. */
  readonly failures: readonly Failure[];
}

/** Nothing. */
export const NO_SEEDS: Tally = {
  seeds: 0,
  steps: 0,
  simulatedMs: 0,
  accepted: 0,
  recovered: 0,
  starts: 0,
  ended: 0,
  reads: 0,
  faults: 0,
  failures: [],
};

/** Adds two up. */
export function add(a: Tally, b: Tally): Tally {
  const sum = Object.fromEntries(
    Object.entries(a).map(([name, value]) => [
      name,
      typeof value === "number" ? value + Number(Reflect.get(b, name)) : value,
    ]),
  );
  return { ...a, ...sum, failures: [...a.failures, ...b.failures] };
}

/** Runs one seed, and says what there was to say of it. */
export async function tallySeed(
  seed: number,
  setting: Setting = {},
): Promise<Tally> {
  const outcome = await runSeed({ seed, ...setting });
  const { steps, simulatedMs, verdict } = outcome;
  const { counts } = verdict;
  const violations = verdict.violations.map(({ evidence: _, ...rest }) => rest);
  const failures = violations.length === 0
    ? []
    : [{ seed, violations, setting }];
  return { ...counts, seeds: 1, steps, simulatedMs, failures };
}

/** What a seed broke, for people, and how to see it again. */
export function formatFailure(
  { seed, violations, setting: { replicas = 1, wire = "socket" } }: Failure,
): string {
  const lines = violations.map(({ guarantee, word, message }) =>
    `  ${guarantee} ${word}: ${message}`
  );
  return [
    `seed ${seed} fails:`,
    ...new Set(lines), // whatever is read twice may be wrong twice
    `  again, with all that happens: deno task sim --trace ${seed}${
      replicas === 1 ? "" : ` --replicas ${replicas}`
    }${wire === "socket" ? "" : ` --wire ${wire}`}\n`,
  ].join("\n");
}
