import {
  canFollow,
  type ErrorBody,
  type EventStatus,
  formatTime,
  isTerminal,
  type Phase,
  phaseCanFollow,
  type State,
} from "@transporter/sdk";
import type { EventChange, EventRecord } from "./store/store.ts";

/** Attempts at an event of which none came to an end; after the last it has failed. */
export const ATTEMPTS_MAX = 3;

/**
 * Milliseconds after its deadline that a released event waits for the agent's
 * own account: the agent ends it by itself, but may have to reconnect first.
 */
export const GRACE_MS = 60_000;

/** Changes of an event after which reports of mere progress are dropped (security.md E.8). */
export const PROGRESS_MAX = 1000;

/** Why a status of an agent changes nothing. */
export type Ignored =
  /** The event is another agent's. */
  | "foreign"
  /** It is about an attempt that was given up. */
  | "stale_attempt"
  /** The event has ended. */
  | "ended"
  /** The agent does not have the event: it is queued. */
  | "not_released"
  /** It would go backwards, or sets a state that is not the agent's to set. */
  | "not_allowed"
  /** It says again what was said last. */
  | "repeated"
  /** The event has reported its progress too often. */
  | "too_many";

/** Whether an agent has, or may have, an event in this state. */
export function isReleased(state: State): boolean {
  return state === "assigned" || state === "in_progress";
}

/** An entry that the control plane makes itself. */
function entry(
  record: { readonly spec: { readonly id: string } },
  status: Omit<EventStatus, "event_id" | "agent_id" | "timestamp">,
  now: number,
): EventStatus {
  return {
    event_id: record.spec.id,
    agent_id: "",
    log_level: "info",
    timestamp: formatTime(now),
    ...status,
  };
}

function failure(
  record: EventRecord,
  end: {
    readonly state: State;
    readonly phase?: Phase;
    readonly error: ErrorBody;
  },
  now: number,
): EventChange {
  const { error } = end;
  return {
    status: entry(record, {
      message: error.message,
      attempt: record.attempt,
      ...end,
      log_level: "error",
    }, now),
    finishedAt: now,
    error,
  };
}

/** The first entry of an event's history. */
export function queued(eventId: string, now: number): EventStatus {
  return entry(
    { spec: { id: eventId } },
    { state: "queued", message: "Event queued" },
    now,
  );
}

/** What a release makes of a queued event; `undefined` when it is not to be released. */
export function release(
  record: EventRecord,
  now: number,
): EventChange | undefined {
  // What is due is not started any more; the reaper ends it.
  if (record.state !== "queued" || record.deadline <= now) return undefined;
  const attempt = record.attempt + 1;
  const message = "Event assigned to its agent";
  return {
    status: entry(record, { state: "assigned", message, attempt }, now),
    dueAt: record.deadline + GRACE_MS,
  };
}

/** What a cut-off attempt leads to. */
export interface Interruption {
  /** Whether the event may be run again. */
  readonly repeatable: boolean;
  /** What cut it off, for people; a sentence without a final period. */
  readonly message: string;
  /** Now. */
  readonly now: number;
}

/**
 * What becomes of an event whose attempt was cut off, so that nobody knows how
 * far it came: another attempt if that is safe, else it has failed
 * (decisions.md 4).
 */
export function interrupt(
  record: EventRecord,
  { repeatable, message, now }: Interruption,
): EventChange | undefined {
  if (!isReleased(record.state)) return undefined;
  const error: ErrorBody = { code: "interrupted", message };
  if (!repeatable || record.attempt >= ATTEMPTS_MAX) {
    return failure(record, {
      state: "failed",
      phase: "interrupted",
      error,
    }, now);
  }
  return {
    status: entry(record, {
      state: "queued",
      phase: "interrupted",
      message: `Attempt ${record.attempt} was interrupted, queued again`,
      log_level: "warning",
      error,
      attempt: record.attempt,
    }, now),
    dueAt: record.deadline,
  };
}

/** What an agent says, cut to size by `readReport`, and what is known besides. */
export interface Report {
  /** What it says. */
  readonly status: EventStatus;
  /** Whether the event may be run again; asked for only when the attempt was interrupted. */
  readonly repeatable: boolean;
  /** Now. */
  readonly now: number;
}

/**
 * What a status of an agent makes of a record, or why it makes nothing of it.
 * A status without an attempt, as v1 agents send it, is about the current one.
 */
export function report(
  record: EventRecord,
  { status, repeatable, now }: Report,
): EventChange | Ignored {
  const { state, phase } = status;
  if (status.agent_id !== record.spec.target_agent) return "foreign";
  if (isTerminal(record.state)) return "ended";
  const attempt = status.attempt ?? record.attempt;
  if (attempt !== record.attempt) return "stale_attempt";
  if (!isReleased(record.state)) return "not_released";
  const theirs = state === "in_progress" || isTerminal(state);
  if (!theirs || !canFollow(record.state, state)) return "not_allowed";

  const current = record.state === "in_progress" ? record.phase : undefined;
  const next = phase ?? current ?? "received";
  if (current !== undefined && !phaseCanFollow(current, next)) {
    return "not_allowed";
  }
  if (isTerminal(state)) return ending({ ...status, attempt }, now);
  if (next === "interrupted") {
    const message = status.message || "Agent was cut off in the middle";
    return interrupt(record, { repeatable, message, now }) ?? "not_released";
  }
  // In progress, and yet over: the two contradict each other.
  if (isTerminal(next as State)) return "not_allowed";
  if (current === next) {
    if (status.message === record.message) return "repeated";
    if (record.revision >= PROGRESS_MAX) return "too_many";
  }
  return { status: { ...status, phase: next, attempt } };
}

/** How an event ends by the word of its agent. */
function ending(status: EventStatus, now: number): EventChange {
  const { result, ...rest } = status;
  const error = errorOf(status);
  const phase = status.phase === "interrupted"
    ? "interrupted" as const
    : status.state as Phase;
  return {
    status: {
      ...rest,
      phase,
      message: status.message || error?.message || "Event completed",
      ...(result === undefined || result === null ? {} : { result }),
      ...(error === undefined ? {} : { error }),
    },
    finishedAt: now,
    ...(result === undefined || result === null ? {} : { result }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Why it ended as it did; v1 agents say so in the result or the message only. */
function errorOf(status: EventStatus): ErrorBody | undefined {
  const { state, result, message } = status;
  if (state === "completed") return undefined;
  if (status.error !== undefined) return status.error;
  const code = state === "expired" || state === "cancelled" ? state : "failed";
  return {
    code,
    message: result?.error_message || message || `The agent says "${state}"`,
  };
}

/** Why an agent does not take an event. */
export interface Refusal {
  /** The number the event was sent with; another one is about another release. */
  readonly seq: number | undefined;
  /** What the agent says. */
  readonly error: ErrorBody;
  /** Whether it may be sent again later. */
  readonly again: boolean;
  /** Now. */
  readonly now: number;
}

/** What the refusal of an agent makes of an event. */
export function refuse(
  record: EventRecord,
  { seq, error, again, now }: Refusal,
): EventChange | undefined {
  if (!isReleased(record.state) || record.seq !== seq) return undefined;
  if (!again) return failure(record, { state: "failed", error }, now);
  return {
    status: entry(record, {
      state: "queued",
      message: "Agent does not take the event now, queued again",
      log_level: "warning",
      error,
      attempt: record.attempt,
    }, now),
    dueAt: record.deadline,
  };
}

/**
 * What the passing of time makes of an event. A released one has
 * {@linkcode GRACE_MS} more, since its agent ends it and says so.
 */
export function expire(
  record: EventRecord,
  now: number,
): EventChange | undefined {
  if (isTerminal(record.state)) return undefined;
  const grace = isReleased(record.state) ? GRACE_MS : 0;
  if (now < record.deadline + grace) return undefined;
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
    ? "The deadline passed and the agent did not say that it had started"
    : "The deadline passed before an agent took the event";
  return failure(record, {
    state: "expired",
    error: { code: "expired", message },
  }, now);
}
