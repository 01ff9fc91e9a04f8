import type { Figure } from "./figures.ts";

/** Benches by name, in the order in which they are run. */
export type Benches = Readonly<Record<string, () => Promise<Figure[]>>>;

/** What came of benches. */
export interface Outcome {
  /** What was measured. */
  readonly figures: readonly Figure[];
  /** Those that failed, and why. */
  readonly failures: readonly {
    readonly bench: string;
    readonly error: unknown;
  }[];
}

/**
 * Runs benches one after the other. All of them take long, so one that fails
 * takes nothing from the others: neither what they have measured nor their turn.
 */
export async function measure(
  benches: Benches,
  onBench: (name: string) => void,
): Promise<Outcome> {
  const figures: Figure[] = [];
  const failures: { readonly bench: string; readonly error: unknown }[] = [];
  for (const [bench, run] of Object.entries(benches)) {
    onBench(bench);
    try {
      figures.push(...await run());
    } catch (error) {
      failures.push({ bench, error });
    }
  }
  return { figures, failures };
}
