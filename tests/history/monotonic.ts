import { isTerminal } from "@transporter/sdk";
import {
  type Entry,
  groupBy,
  type HistoryRead,
  ofKind,
  type Operate,
  type Read,
} from "./entry.ts";
import { retriesOf, submitted } from "./events.ts";
import type { Violation } from "./violation.ts";

/**
 * G3: the account of an event only grows. Revisions do not go back, a state
 * that ends an event stays (unless an operator asks for another attempt),
 * nothing that was seen or accepted is unseen, no line of a history changes,
 * and a list has only what is in the state it is a list of. Calls that overlap
 * in time may be answered either way round.
 */
export function monotonic(history: readonly Entry[]): Violation[] {
  const restores = ofKind(history, "restore");
  const comparable = (a: number, b: number) =>
    !restores.some(({ at, copiedAt }) => copiedAt <= a && at <= b);
  const retries = groupBy(retriesOf(history), ({ event = "" }) => event);
  const violations: Violation[] = [];
  const reads = groupBy(ofKind(history, "read"), ({ event }) => event);
  for (const [event, ofEvent] of reads) {
    violations.push(
      ...backwards(ofEvent, retries.get(event) ?? [], comparable),
    );
  }
  const told = groupBy(ofKind(history, "history"), ({ event }) => event);
  for (const ofEvent of told.values()) {
    violations.push(...changed(ofEvent, comparable));
  }
  return [...violations, ...unseen(history, comparable), ...misfiled(history)];
}

/** Whether what was seen at one time has to be so at a later one. */
type Comparable = (earlier: number, later: number) => boolean;

function undone(
  event: string,
  message: string,
  ...evidence: readonly Entry[]
): Violation {
  return {
    guarantee: "G3",
    word: "undone",
    subject: event,
    message: `Event "${event}" ${message}`,
    evidence,
  };
}

function backwards(
  reads: readonly Read[],
  retries: readonly Operate[],
  comparable: Comparable,
): Violation[] {
  const answered = [...reads].sort((a, b) => a.end - b.end);
  /** The newest of those that were answered before the one at hand was asked. */
  let best: Read | undefined;
  for (const read of reads) {
    while (answered[0] !== undefined && answered[0].end < read.at) {
      const next = answered.shift();
      const newer = best === undefined || !comparable(best.end, read.end) ||
        (next?.revision ?? 0) >= best.revision;
      if (newer) best = next;
    }
    if (best === undefined || !comparable(best.end, read.end)) continue;
    const fault = contradiction(best, read, retries);
    if (fault !== undefined) return [undone(read.event, fault, best, read)];
  }
  return [];
}

/** How a later answer contradicts an earlier one. */
function contradiction(
  earlier: Read,
  later: Read,
  retries: readonly Operate[],
): string | undefined {
  const [from, to] = [earlier, later].map(({ state, revision }) =>
    `"${state}" (revision ${revision})`
  );
  if (later.revision < earlier.revision) {
    return `went back from ${from} to ${to}`;
  }
  if (later.state === earlier.state) return undefined;
  if (later.revision === earlier.revision) return `is both ${from} and ${to}`;
  const over = earlier.state !== "absent" && isTerminal(earlier.state);
  const retried = retries.some(({ at, end }) =>
    at <= later.end && end >= earlier.at
  );
  return over && !retried ? `was ${from} and became ${to}` : undefined;
}

/** A line of a history that changed, or is gone, although it said more than that work goes on. */
function changed(
  reads: readonly HistoryRead[],
  comparable: Comparable,
): Violation[] {
  const name = ({ state, phase }: HistoryRead["entries"][number]) =>
    phase === undefined ? state : `${state}/${phase}`;
  for (const [i, read] of reads.entries()) {
    const { event, entries } = read;
    const twice = entries.find(({ revision }, n) =>
      n > 0 && revision <= (entries[n - 1]?.revision ?? 0)
    );
    if (twice !== undefined) {
      const message = `has revision ${twice.revision} out of order`;
      return [undone(event, message, read)];
    }
    const before = reads[i - 1];
    if (before === undefined || before.end > read.at) continue;
    if (!comparable(before.end, read.end)) continue;
    const now = new Map(entries.map((entry) => [entry.revision, name(entry)]));
    const gone = before.entries.find((entry) =>
      now.get(entry.revision) !== name(entry) &&
      // Reports of mere progress may be left out later.
      !(entry.state === "in_progress" && !now.has(entry.revision))
    );
    if (gone === undefined) continue;
    const { revision } = gone;
    const message =
      `had revision ${revision}, ${name(gone)}, in its history, ` +
      `and has ${now.get(revision) ?? "none"} now`;
    return [undone(event, message, before, read)];
  }
  return [];
}

/** An event that was accepted before it was asked for has to be there. */
function unseen(
  history: readonly Entry[],
  comparable: Comparable,
): Violation[] {
  const events = submitted(history);
  return ofKind(history, "read").flatMap((read) => {
    const { acceptedBy } = events.get(read.event) ?? {};
    if (read.state !== "absent" || acceptedBy === undefined) return [];
    if (acceptedBy >= read.at || !comparable(acceptedBy, read.end)) return [];
    return [undone(read.event, "was accepted, and was not there later", read)];
  });
}

function misfiled(history: readonly Entry[]): Violation[] {
  return ofKind(history, "list").flatMap((list) =>
    list.events.filter(({ state }) => state !== list.state)
      .map(({ event, state }) =>
        undone(event, `is "${state}" in a list of "${list.state}"`, list)
      )
  );
}
