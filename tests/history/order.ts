import { type Entry, groupBy, ofKind, type Read, type Start } from "./entry.ts";
import {
  clockJumps,
  isForgotten,
  retriesOf,
  type Submitted,
  submitted,
} from "./events.ts";
import type { Violation } from "./violation.ts";

/** A queued event gains a step of priority in this time, in milliseconds. */
const AGEING_MS = 60_000;

/** A first start, and what is known of its event. */
interface First {
  readonly start: Start;
  readonly event: Submitted;
  /** When it was first sent to its agent. */
  readonly sentAt: number;
  /** When a reader last saw it waiting for that. */
  readonly queuedAt: number;
}

/**
 * G4: of the events of an agent that share a key, one that was accepted before
 * another was even submitted, and has no lower priority, starts first; so does
 * one with a higher priority that was accepted while a reader still saw the
 * other one queued. Only first starts are judged, and only of events that
 * started; one that went back to the queue before it started lost its place.
 * What its agent has waits there, also when an older store is put back that does
 * not know so, or has open again what had to go first.
 */
export function inOrder(history: readonly Entry[]): Violation[] {
  const violations: Violation[] = [];
  const restores = ofKind(history, "restore").map(({ at }) => at);
  const jumps = clockJumps(history);
  for (const firsts of firstStarts(history).values()) {
    for (const [i, late] of firsts.entries()) {
      for (const early of firsts.slice(0, i)) {
        // What had ended, and so was in nobody's way, an older store may have open again.
        const between = (at: number) =>
          at >= early.sentAt && at <= late.start.at;
        if (restores.some(between)) continue;
        // By a clock that was set back since, the time of the later one was over.
        if (jumps.some(between)) continue;
        const why = mayNotPass(early, late, jumps);
        if (why !== undefined) violations.push(disordered(early, late, why));
      }
    }
  }
  return violations;
}

/** The first starts of events with a key, by agent and key, in their order. */
function firstStarts(history: readonly Entry[]): Map<string, First[]> {
  const events = submitted(history);
  const restores = ofKind(history, "restore");
  const reads = groupBy(ofKind(history, "read"), ({ event }) => event);
  const starts = groupBy(ofKind(history, "start"), ({ event }) => event);
  const sent = groupBy(
    ofKind(history, "session").filter(({ what }) => what === "event"),
    ({ event }) => event ?? "",
  );
  const retried = new Set(retriesOf(history).map(({ event }) => event));
  const firsts = new Map<string, First[]>();
  const inTurn = [...starts.values()].flatMap(([first]) => first ?? [])
    .sort((a, b) => a.at - b.at);
  for (const start of inTurn) {
    const event = events.get(start.event);
    if (event?.key === undefined || isForgotten(event, restores)) continue;
    if (retried.has(start.event)) continue; // which may have been its first start
    const group = `${event.agent}\n${event.key}`;
    const times = [start, ...sent.get(start.event) ?? []].map(({ at }) => at);
    const sentAt = Math.min(...times);
    const first = {
      start,
      event,
      sentAt,
      queuedAt: queuedAt(sentAt, reads.get(start.event)),
    };
    firsts.set(group, [...firsts.get(group) ?? [], first]);
  }
  return firsts;
}

function queuedAt(sentAt: number, reads: readonly Read[] = []): number {
  const waiting = reads.filter(({ state, attempt, end }) =>
    state === "queued" && attempt === 0 && end < sentAt
  );
  return Math.max(-Infinity, ...waiting.map(({ at }) => at));
}

/** Why the one that started early had to wait for the one that started late. */
function mayNotPass(
  early: First,
  late: First,
  jumps: readonly number[],
): string | undefined {
  const { acceptedBy, lastEnd, priority } = late.event;
  if (acceptedBy === undefined || late.start.attempt > 1) return undefined;
  const ahead = priority - early.event.priority;
  if (acceptedBy < early.event.firstAt && ahead >= 0) {
    return "was accepted first";
  }
  // By its clock the control plane may have seen them wait for an hour.
  const { firstAt } = early.event;
  if (jumps.some((at) => at >= firstAt && at <= lastEnd)) return undefined;
  const agedMs = Math.max(0, lastEnd - firstAt);
  return acceptedBy <= early.queuedAt && ahead > Math.ceil(agedMs / AGEING_MS)
    ? "waited beside it with a higher priority"
    : undefined;
}

function disordered(early: First, late: First, why: string): Violation {
  return {
    guarantee: "G4",
    word: "disordered",
    subject: late.event.event,
    message:
      `Event "${early.event.event}" started before "${late.event.event}", which ${why}`,
    evidence: [early.start, late.start],
  };
}
