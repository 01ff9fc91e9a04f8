/**
 * When an event may begin, and until when: its queue, its lease, its end by
 * the passing of time alone.
 *
 * @module
 */
import {
  type ErrorBody,
  type EventSpec,
  type EventStatus,
  isTerminal,
  parseTime,
} from "@transporter/sdk";
import type { EventChange, EventRecord, NewEvent } from "../store/store.ts";
import { entry, failure, isReleased } from "./entry.ts";

/**
 * Milliseconds that are left to an agent whose event is out of time, to say
 * what became of it: it ends the event by itself, but may have to reconnect
 * first.
 */
export const GRACE_MS = 60_000;

/**
 * Until when an agent has an event for itself: whatever happens to the agent,
 * nothing hangs for ever. An attempt that has begun ends then, for the control
 * plane; one that waits at the agent is recalled.
 *
 * @param record The event.
 * @param begunAt When the attempt began; absent while it waits at the agent, where its timeout does not run.
 */
export function leaseEnd(
  { spec, deadline }: Pick<EventRecord, "spec" | "deadline">,
  begunAt?: number,
): number {
  if (begunAt === undefined) return deadline;
  const { timeout } = spec;
  const end = timeout === undefined
    ? deadline
    : Math.min(deadline, begunAt + Math.ceil(timeout / 1e6));
  return end + GRACE_MS;
}

/** Whether the agent was asked to leave the attempt, as its time was over. */
export function isRecalled(
  { notes, attempt }: Pick<EventRecord, "notes" | "attempt">,
): boolean {
  return notes.recall?.attempt === attempt;
}

/** When the first attempt may be released at the earliest, if the event says so and that is still to come. */
export function readyAt(
  { not_before: text }: Pick<EventSpec, "not_before">,
  now: number,
): { readonly readyAt?: number } {
  const at = text === undefined ? undefined : parseTime(text);
  return at === undefined || at <= now ? {} : { readyAt: Math.ceil(at) };
}

/** When and with what the life of an event begins. */
export function queued(
  spec: EventSpec,
  now: number,
): Pick<NewEvent, "status" | "deadline" | "dueAt" | "readyAt"> {
  const deadline = now + Math.ceil(spec.ttl / 1e6);
  const status: EventStatus = entry(
    { spec },
    { state: "queued", message: "Event queued" },
    now,
  );
  // What supersedes another event waits until that one has been seen to; the reaper does it
  // should nobody else.
  if (spec.supersedes !== undefined) {
    return { status, deadline, readyAt: deadline, dueAt: now };
  }
  return { status, deadline, dueAt: deadline, ...readyAt(spec, now) };
}

/** Whether an event waits for what it supersedes to be seen to: a queued one is not due before its deadline else. */
export function isHeld({ state, dueAt, deadline }: EventRecord): boolean {
  return state === "queued" && dueAt < deadline;
}

/** To whom an event is released. */
export interface ReleaseOptions {
  /** Now. */
  readonly now: number;
  /** Whether its attempt begins at once, as a v1 agent has one event at a time and may say nothing. */
  readonly beginsAtOnce: boolean;
}

/** What a release makes of a queued event; `undefined` when it is not to be released. */
export function release(
  record: EventRecord,
  { now, beginsAtOnce }: ReleaseOptions,
): EventChange | undefined {
  // What is due is not started any more; the reaper ends it.
  if (record.state !== "queued" || record.deadline <= now) return undefined;
  if (isHeld(record) || (record.readyAt ?? now) > now) return undefined;
  const attempt = record.attempt + 1;
  const message = "Event assigned to its agent";
  return {
    status: entry(record, { state: "assigned", message, attempt }, now),
    dueAt: leaseEnd(record, beginsAtOnce ? now : undefined),
  };
}

/** When an event is looked at, and how far that is to be believed. */
export interface Expiry {
  /** Whether the event's agent understands that an event is not wanted any more. */
  readonly told: boolean;
  /** Now. */
  readonly now: number;
  /** For how many milliseconds somebody has been looking, and the clock was not set. */
  readonly evenMs: number;
}

/**
 * What the passing of time makes of an event. What an agent has and did not
 * begin, as far as is known, it is asked to leave, and the event stays open
 * until it answers or has had its time to: our own clock may be wrong, and an
 * agent that is told the right time later would start what has ended.
 */
export function expire(
  record: EventRecord,
  { told, now, evenMs }: Expiry,
): EventChange | undefined {
  if (isTerminal(record.state)) return undefined;
  if (now < (isReleased(record.state) ? record.dueAt : record.deadline)) {
    return undefined;
  }
  if (record.state === "assigned" && told) {
    if (!isRecalled(record)) return recall(record, now);
    // Of a clock that was set, neither moment says how long ago the other one was.
    const ms = Math.abs(now - (record.notes.recall?.at ?? 0));
    if (Math.min(ms, evenMs) < GRACE_MS) return undefined;
  }
  if (record.state === "in_progress") {
    const message =
      "The agent did not say how the event ended, outcome unknown";
    const error: ErrorBody = { code: "timeout", message };
    const { phase } = record;
    return failure(record, {
      state: "failed",
      ...(phase === undefined ? {} : { phase }),
      error,
    }, now);
  }
  const message = record.state === "assigned"
    ? "The time passed and the agent did not say that it had started"
    : "The deadline passed before an agent took the event";
  return failure(record, {
    state: "expired",
    error: { code: "expired", message },
  }, now);
}

function recall(record: EventRecord, now: number): EventChange {
  const { attempt, notes, deadline } = record;
  return {
    status: entry(record, {
      state: "assigned",
      message: "The deadline passed, and its agent is asked not to start it",
      log_level: "warning",
      attempt,
    }, now),
    notes: { ...notes, recall: { attempt, at: now } },
    dueAt: deadline + GRACE_MS,
  };
}

/**
 * What the agent's word that it has left an event says of one that was
 * recalled: nobody cancelled it, its time was over. If it had begun after all,
 * it was cut off as its own time limit would have cut it off.
 */
export function recalledStatus(
  record: EventRecord,
  status: EventStatus,
): EventStatus {
  const { notes, state } = record;
  const isOurs = isRecalled(record) && notes.cancel === undefined;
  if (status.state !== "cancelled" || !isOurs) return status;
  if (state === "in_progress") {
    const message = "Event was not over by its deadline";
    const error: ErrorBody = { code: "timeout", message };
    return { ...status, state: "failed", phase: "failed", message, error };
  }
  const message = "The deadline passed before the agent started the event";
  const error: ErrorBody = { code: "expired", message };
  return { ...status, state: "expired", phase: "expired", message, error };
}
