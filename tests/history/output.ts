import {
  type Entry,
  groupBy,
  type Logs,
  ofKind,
  type Output,
} from "./entry.ts";
import { isKept, oldAgents } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G3, of output: what an event is said to have put out is what it put out,
 * where it did, and once.
 */
export function truthful(history: readonly Entry[]): Violation[] {
  const outputsOf = outputsIn(history);
  return ofKind(history, "logs").flatMap((logs) => {
    const why = faultOf(
      logs,
      (attempt) => textOf(outputsOf(logs.event, attempt)),
    );
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
 * the store was put back since. What it put out while the store may not have
 * known the event, as that copy did not, is not judged.
 */
export function complete(history: readonly Entry[]): Violation[] {
  const settled = ofKind(history, "mark").some(({ what }) =>
    what === "settled"
  );
  if (!settled) return [];
  const outputsOf = outputsIn(history);
  const calls = groupBy(ofKind(history, "submit"), ({ event }) => event);
  const restores = ofKind(history, "restore");
  const gone = oldAgents(history).union(
    new Set(ofKind(history, "exit").map(({ process }) => process)),
  );
  const restoredAt = restores.at(-1)?.at ?? -Infinity;
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
    const outputs = outputsOf(event, attempt);
    const unheard = textOf(
      outputs.filter(({ at }) => !isKept(calls.get(event) ?? [], restores, at)),
    ).length;
    const shown = logs.pieces.filter((piece) => piece.attempt === attempt)
      .map(({ off, text }) => text.slice(Math.max(0, unheard - off)).length)
      .reduce((sum, length) => sum + length, 0);
    const written = textOf(outputs).length - unheard;
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

/** What an attempt put out, in order. */
function outputsIn(
  history: readonly Entry[],
): (event: string, attempt: number) => readonly Output[] {
  const written = groupBy(
    ofKind(history, "output"),
    ({ event, attempt }) => `${event} ${attempt}`,
  );
  return (event, attempt) => written.get(`${event} ${attempt}`) ?? [];
}

function textOf(outputs: readonly Output[]): string {
  return outputs.map(({ text }) => text).join("");
}

function faultOf(
  { pieces }: Logs,
  writtenBy: (attempt: number) => string,
): string | undefined {
  /** Where the last piece of each attempt ended. */
  const ends = new Map<number, number>();
  for (const { attempt, off, text } of pieces) {
    const place = `at byte ${off} of attempt ${attempt}`;
    if (off < (ends.get(attempt) ?? 0)) return `has output twice ${place}`;
    ends.set(attempt, off + text.length);
    if (writtenBy(attempt).slice(off, off + text.length) !== text) {
      return `has output ${place} that was not put out there`;
    }
  }
  return undefined;
}
