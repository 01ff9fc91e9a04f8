import { type Entry, groupBy, type Logs, ofKind } from "./entry.ts";
import { oldAgents } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G3, of output: what an event is said to have put out is what it put out,
 * where it did, and once.
 */
export function truthful(history: readonly Entry[]): Violation[] {
  const textOf = writtenIn(history);
  return ofKind(history, "logs").flatMap((logs) => {
    const why = faultOf(logs, (attempt) => textOf(logs.event, attempt));
    return why === undefined ? [] : [{
      guarantee: "G3",
      word: "unexpected",
      subject: logs.event,
      message: `Event "${logs.event}" ${why}`,
      evidence: [logs],
    }];
  });
}

/**
 * The same, of what is missing: nothing of an attempt that came to its end in
 * a process that lives on, once everything had its time, and no older copy of
 * the store was put back since.
 */
export function complete(history: readonly Entry[]): Violation[] {
  const settled = ofKind(history, "mark").some(({ what }) =>
    what === "settled"
  );
  if (!settled) return [];
  const textOf = writtenIn(history);
  const gone = oldAgents(history).union(
    new Set(ofKind(history, "exit").map(({ process }) => process)),
  );
  const restoredAt = ofKind(history, "restore").at(-1)?.at ?? -Infinity;
  const ended = new Set(
    ofKind(history, "end").map(({ event, attempt }) => `${event} ${attempt}`),
  );
  const last = new Map<string, Logs>();
  for (const logs of ofKind(history, "logs")) last.set(logs.event, logs);
  return ofKind(history, "start").flatMap((start) => {
    const { event, attempt, process, at } = start;
    const logs = last.get(event);
    const isJudged = logs !== undefined && at > restoredAt &&
      !gone.has(process) && ended.has(`${event} ${attempt}`);
    if (!isJudged) return [];
    const shown = logs.pieces.filter((piece) => piece.attempt === attempt)
      .reduce((sum, { text }) => sum + text.length, 0);
    const written = textOf(event, attempt).length;
    return shown >= written ? [] : [{
      guarantee: "G3",
      word: "lost",
      subject: event,
      message:
        `Event "${event}" shows ${shown} of ${written} bytes of output of attempt ${attempt}`,
      evidence: [start, logs],
    }];
  });
}

/** What an attempt put out. */
function writtenIn(
  history: readonly Entry[],
): (event: string, attempt: number) => string {
  const written = groupBy(
    ofKind(history, "output"),
    ({ event, attempt }) => `${event} ${attempt}`,
  );
  return (event, attempt) =>
    (written.get(`${event} ${attempt}`) ?? []).map(({ text }) => text).join("");
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
