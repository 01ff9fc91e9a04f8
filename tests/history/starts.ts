import { isTerminal } from "@transporter/sdk";
import {
  type End,
  type Entry,
  groupBy,
  ofKind,
  type Operate,
  type Read,
  type Start,
} from "./entry.ts";
import {
  deletesOf,
  oldAgents,
  retriesOf,
  type Submitted,
  submitted,
} from "./events.ts";
import type { Violation } from "./violation.ts";

/** What is known of one event. */
interface Facts {
  readonly submitted: Submitted | undefined;
  readonly starts: readonly Start[];
  readonly ends: readonly End[];
  readonly reads: readonly Read[];
  /** Calls of operators for another attempt, but for those that were refused. */
  readonly retries: readonly Operate[];
  /** Calls to cancel it that were answered. */
  readonly cancels: readonly Operate[];
  /** Calls to delete its agent, but for those that were refused. */
  readonly deletes: readonly Operate[];
  /** When an older copy of the store was put back. */
  readonly restores: readonly number[];
  /** When each process ended. */
  readonly exits: ReadonlyMap<string, number>;
}

/**
 * G2: an attempt starts at most once, a new attempt only where policy allows
 * it, nothing starts that has ended, and what is reported as completed was
 * done. An agent of version 1 has no memory, and may start anything again.
 */
export function startedOnce(history: readonly Entry[]): Violation[] {
  const events = submitted(history);
  const starts = groupBy(ofKind(history, "start"), ({ event }) => event);
  const ends = groupBy(ofKind(history, "end"), ({ event }) => event);
  const reads = groupBy(ofKind(history, "read"), ({ event }) => event);
  const exits = new Map(
    ofKind(history, "exit").map(({ process, at }) => [process, at]),
  );
  const retries = retriesOf(history);
  const cancels = ofKind(history, "operate").filter(({ op, outcome }) =>
    op === "cancel" && outcome === "ok"
  );
  const restores = ofKind(history, "restore").map(({ at }) => at);
  const deletes = deletesOf(history);
  const old = oldAgents(history);
  const ids = new Set([...starts.keys(), ...reads.keys()]);
  return [...ids].flatMap((id) => {
    const facts: Facts = {
      submitted: events.get(id),
      starts: starts.get(id) ?? [],
      ends: ends.get(id) ?? [],
      reads: reads.get(id) ?? [],
      retries: retries.filter(({ event }) => event === id),
      cancels: cancels.filter(({ event }) => event === id),
      deletes: deletes.filter(({ agent }) => agent === events.get(id)?.agent),
      restores,
      exits,
    };
    return [
      ...facts.starts.flatMap((start, i) =>
        old.has(start.process) ? [] : judge(start, i, facts)
      ),
      ...done(facts),
    ];
  });
}

function judge(start: Start, index: number, facts: Facts): Violation[] {
  const { event, attempt } = start;
  const earlier = facts.starts.slice(0, index);
  const found = (
    word: Violation["word"],
    message: string,
    ...evidence: readonly Entry[]
  ): Violation[] => [{
    guarantee: "G2",
    word,
    subject: event,
    message: `Attempt ${attempt} at event "${event}" ${message}`,
    evidence: [...evidence, start],
  }];
  const twice = earlier.find((other) => other.attempt === attempt);
  if (twice !== undefined) return found("duplicated", "started twice", twice);
  if (facts.submitted?.outcome === "fail") {
    return found("unexpected", "started, and the event was refused");
  }
  const over = facts.reads.find((read) => bars(read, start, facts));
  if (over !== undefined) {
    return found("duplicated", `started after it was "${over.state}"`, over);
  }
  const cancel = facts.cancels.find((call) => isCancelled(start, call, facts));
  if (cancel !== undefined) {
    return found("duplicated", "started after it was cancelled", cancel);
  }
  const higher = earlier.find((other) => other.attempt > attempt);
  if (higher !== undefined) {
    return found(
      "duplicated",
      `started after attempt ${higher.attempt}`,
      higher,
    );
  }
  const max = facts.submitted?.startsMax ?? Infinity;
  const asked = facts.retries.some(({ at }) => at <= start.at);
  if (index >= max && !asked) {
    return found("duplicated", `is the start number ${index + 1} of ${max}`);
  }
  return earlier.flatMap((other) => {
    const why = mayNotFollow(other, start, facts);
    return why === undefined ? [] : found("duplicated", why, other);
  });
}

/** Whether a reader was told of an end after which this may not start. */
function bars(read: Read, start: Start, facts: Facts): boolean {
  const over = read.state !== "absent" && isTerminal(read.state);
  if (!over || read.end >= start.at) return false;
  const retried = facts.retries.some(({ at, end }) =>
    at <= start.at && end >= read.at
  );
  // An older store does not know of the end. Its agent does if its last attempt came to that; that
  // there is no other one after it was cut off, or between two, is the control plane's decision.
  const last = facts.starts.findLast(({ at }) => at < read.at);
  const remembered = facts.ends.some(({ attempt, at, outcome }) =>
    attempt === last?.attempt && attempt === read.attempt && at <= read.end &&
    (outcome === "done" || read.state === "failed")
  );
  const forgotten = !remembered &&
    facts.restores.some((at) => at >= read.at && at <= start.at);
  // Nor does it know of a retry, which was released before.
  const asked = facts.retries.some((retry) =>
    facts.restores.some((at) => at >= retry.at && at <= start.at)
  );
  // An agent that was deleted was told nothing of the ends of what it had.
  const deleted = facts.deletes.some(({ at }) => at <= read.end);
  return !retried && !forgotten && !asked && !deleted;
}

/** Whether an attempt began after somebody was told that no new one will. */
function isCancelled(
  start: Start,
  { at: calledAt, end, attempt = Infinity }: Operate,
  { submitted: event, retries, restores }: Facts,
): boolean {
  // A call for another attempt that overlaps with it may have had its effect after it.
  // An older store knows neither of the call nor of attempts that its agent has.
  const from = event?.firstAt ?? end;
  return start.at > end && start.attempt > attempt &&
    !retries.some((retry) => retry.at <= start.at && retry.end >= calledAt) &&
    !restores.some((at) => at >= from && at <= start.at);
}

/** Why an attempt may not start, given one that did. */
function mayNotFollow(
  earlier: Start,
  start: Start,
  { submitted: event, ends, exits, retries }: Facts,
): string | undefined {
  const end = ends.find(({ attempt, at }) =>
    attempt === earlier.attempt && at <= start.at
  );
  const exit = exits.get(earlier.process) ?? Infinity;
  if (end === undefined && exit > start.at) {
    return `started while attempt ${earlier.attempt} was running`;
  }
  if (retries.some(({ at }) => at <= start.at)) return undefined;
  if (end?.outcome === "done" && event?.repeatable === false) {
    return `started after attempt ${earlier.attempt} was done`;
  }
  if (end === undefined && event?.repeatable === false) {
    return `started, and nobody knows how far attempt ${earlier.attempt} came`;
  }
  return undefined;
}

/** What is reported as completed was done. */
function done({ ends, reads }: Facts): Violation[] {
  const read = reads.find(({ state }) => state === "completed");
  if (read === undefined) return [];
  const proof = ends.find(({ outcome, attempt, at }) =>
    outcome === "done" && attempt <= read.attempt && at <= read.end
  );
  if (proof !== undefined) return [];
  return [{
    guarantee: "G2",
    word: "unexpected",
    subject: read.event,
    message: `Event "${read.event}" is reported as completed and was not done`,
    evidence: [read],
  }];
}
