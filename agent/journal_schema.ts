import type { JournalRecord } from "./journal_record.ts";

/**
 * Turns all records of one version of the format into those of the next. What
 * it gets is what a program of that version wrote, verified byte by byte.
 */
export type JournalStep = (records: readonly unknown[]) => readonly unknown[];

/** A version of the format, and the way to it from every older one. */
export interface JournalSchema {
  /** The version that is written. */
  readonly version: number;
  /** The step from each older version to the one after it. */
  readonly steps: Readonly<Record<number, JournalStep>>;
}

/**
 * The format that this program writes. Whoever changes what a record means
 * adds a version, a step, and a golden journal in `testdata/journals/`.
 */
export const JOURNAL_SCHEMA: JournalSchema = { version: 1, steps: {} };

/**
 * Brings records of any older version up to date.
 *
 * @throws {RangeError} When a step is missing, which is a mistake of this program.
 */
export function migrate(
  records: readonly unknown[],
  { from, schema }: { readonly from: number; readonly schema: JournalSchema },
): readonly JournalRecord[] {
  let current = records;
  for (let version = from; version < schema.version; version++) {
    const step = schema.steps[version];
    if (step === undefined) {
      throw new RangeError(`Cannot migrate a journal of version "${version}"`);
    }
    current = step(current);
  }
  // Written by a program of this format, or by a step to it.
  return current as readonly JournalRecord[];
}
