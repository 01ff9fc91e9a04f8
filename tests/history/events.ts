import {
  type Entry,
  groupBy,
  ofKind,
  type Operate,
  type Restore,
  type Submit,
} from "./entry.ts";

/** An event as its producers know it. */
export interface Submitted extends Omit<Submit, "kind" | "at" | "end"> {
  /** `ok` if any call was answered so; else `unknown` if any was; else `fail`. */
  readonly outcome: Submit["outcome"];
  /** When the first call was made: it was not accepted before. */
  readonly firstAt: number;
  /** When the first `ok` was answered: it was accepted by then; `undefined` without one. */
  readonly acceptedBy: number | undefined;
  /** When the last call was over: it was not accepted after. */
  readonly lastEnd: number;
}

/** What was found in a history, which every checker asks for and nobody changes. */
const FOUND = new WeakMap<readonly Entry[], ReadonlyMap<string, Submitted>>();

/** Every event that was submitted, by id; of a history that is complete. */
export function submitted(
  history: readonly Entry[],
): ReadonlyMap<string, Submitted> {
  const found = FOUND.get(history) ?? find(history);
  FOUND.set(history, found);
  return found;
}

function find(history: readonly Entry[]): ReadonlyMap<string, Submitted> {
  const events = new Map<string, Submitted>();
  const groups = groupBy(ofKind(history, "submit"), ({ event }) => event);
  for (const [event, calls] of groups) {
    const [first] = calls;
    if (first === undefined) continue;
    const { kind: _, at, end: __, ...rest } = first;
    const has = (outcome: Submit["outcome"]) =>
      calls.some((call) => call.outcome === outcome);
    const accepted = calls.filter(({ outcome }) => outcome === "ok")
      .map(({ end }) => end);
    events.set(event, {
      ...rest,
      outcome: has("ok") ? "ok" : has("unknown") ? "unknown" : "fail",
      firstAt: at,
      acceptedBy: accepted.length === 0 ? undefined : Math.min(...accepted),
      lastEnd: Math.max(...calls.map(({ end }) => end)),
    });
  }
  return events;
}

/**
 * When the control plane's clock was set: deadlines, the times before which
 * nothing starts and how long something has waited are given by it, and mean
 * something else from then on.
 */
export function clockJumps(history: readonly Entry[]): readonly number[] {
  return ofKind(history, "fault").filter(({ what }) => what === "cp-clock-jump")
    .map(({ at }) => at);
}

/** Whether it may have been accepted after the copy of the store was made that was put back later. */
export function isForgotten(
  event: Submitted,
  restores: readonly Restore[],
): boolean {
  return restores.some(({ at, copiedAt }) =>
    event.firstAt <= at && (event.acceptedBy ?? Infinity) >= copiedAt
  );
}

/**
 * Whether the store had an event for certain at some time after its first call:
 * no copy was put back since that may be without it, or it was accepted again.
 */
export function isKept(
  calls: readonly Submit[],
  restores: readonly Restore[],
  at: number,
): boolean {
  const last = restores.findLast((restore) => restore.at <= at);
  return last === undefined || calls.every((call) => call.at > last.at) ||
    isThere(calls, restores, at);
}

/** Whether the store has an event for certain at some time: it was accepted by then, and not lost again. */
function isThere(
  calls: readonly Submit[],
  restores: readonly Restore[],
  at: number,
): boolean {
  const index = restores.findLastIndex((restore) => restore.at <= at);
  const last = restores[index];
  return isAccepted(calls, last?.at ?? -Infinity, at) ||
    last !== undefined &&
      isThere(calls, restores.slice(0, index), last.copiedAt);
}

function isAccepted(
  calls: readonly Submit[],
  from: number,
  to: number,
): boolean {
  return calls.some(({ outcome, at, end }) =>
    outcome === "ok" && at >= from && end <= to
  );
}

/** Calls for another attempt that may have had an effect; of one that was not answered nobody knows when. */
export function retriesOf(history: readonly Entry[]): Operate[] {
  return ofKind(history, "operate").filter(({ op, outcome }) =>
    op === "retry" && outcome !== "fail"
  ).map((call) => call.outcome === "ok" ? call : { ...call, end: Infinity });
}

/** The processes of agents that speak version 1 of the link, to which less is promised (docs/guarantees.md). */
export function oldAgents(history: readonly Entry[]): ReadonlySet<string> {
  return new Set(
    ofKind(history, "boot").filter(({ link }) => link === 1)
      .map(({ process }) => process),
  );
}

/** Calls to delete an agent that may have had an effect. */
export function deletesOf(history: readonly Entry[]): Operate[] {
  return ofKind(history, "operate").filter(({ op, outcome }) =>
    op === "delete" && outcome !== "fail"
  );
}
