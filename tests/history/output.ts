import { type Entry, groupBy, type Logs, ofKind } from "./entry.ts";
import type { Violation } from "./violation.ts";

/**
 * G3, of output: what an event is said to have put out is what it put out,
 * where it did, and once. That something is missing is no violation: output is
 * best effort.
 */
export function truthful(history: readonly Entry[]): Violation[] {
  const written = groupBy(
    ofKind(history, "output"),
    ({ event, attempt }) => `${event} ${attempt}`,
  );
  return ofKind(history, "logs").flatMap((logs) => {
    const why = faultOf(logs, (attempt) => {
      const ofAttempt = written.get(`${logs.event} ${attempt}`) ?? [];
      return ofAttempt.map(({ text }) => text).join("");
    });
    return why === undefined ? [] : [{
      guarantee: "G3",
      word: "unexpected",
      subject: logs.event,
      message: `Event "${logs.event}" ${why}`,
      evidence: [logs],
    }];
  });
}

function faultOf(
  { pieces }: Logs,
  textOf: (attempt: number) => string,
): string | undefined {
  /** Where the last piece of each attempt ended. */
  const ends = new Map<number, number>();
  for (const { attempt, off, text } of pieces) {
    const place = `at byte ${off} of attempt ${attempt}`;
    if (off < (ends.get(attempt) ?? 0)) return `has output twice ${place}`;
    ends.set(attempt, off + text.length);
    if (textOf(attempt).slice(off, off + text.length) !== text) {
      return `has output ${place} that was not put out there`;
    }
  }
  return undefined;
}
