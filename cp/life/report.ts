import {
  canFollow,
  type ErrorBody,
  type EventStatus,
  isTerminal,
  type Phase,
  phaseCanFollow,
  type State,
} from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";
import {
  attemptsUsed,
  cancelled,
  interrupt,
  nextAttemptAt,
  policyOf,
} from "./attempt.ts";
import { isReleased } from "./entry.ts";
import { leaseEnd, recalledStatus } from "./lease.ts";

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
  | "repeated";

/** What an agent says, cut to size by `readReport`, and what is known besides. */
export interface Report {
  /** What it says. */
  readonly status: EventStatus;
  /** Whether the event may be run again; asked for only when the attempt was interrupted or failed. */
  readonly repeatable: boolean;
  /** Where between nothing and its bound the wait for another attempt lies: from 0 to 1. */
  readonly jitter: number;
  /** Now. */
  readonly now: number;
}

/**
 * What a status of an agent makes of a record, or why it makes nothing of it.
 * A status without an attempt, as v1 agents send it, is about the current one.
 * One about a later attempt than the store knows of is believed: the store was
 * restored from an older copy, the event was accepted once more, and its agent
 * has had it before.
 */
export function report(
  known: EventRecord,
  { status, repeatable, jitter, now }: Report,
): EventChange | Ignored {
  const { state, phase } = status;
  if (status.agent_id !== known.spec.target_agent) return "foreign";
  if (isTerminal(known.state)) return "ended";
  const attempt = status.attempt ?? known.attempt;
  if (attempt < known.attempt) return "stale_attempt";
  if (!isReleased(known.state)) return "not_released";
  const theirs = state === "in_progress" || isTerminal(state);
  if (!theirs || !canFollow(known.state, state)) return "not_allowed";

  // Almost always the same one: what is not copied for each status costs nothing.
  const record = attempt === known.attempt ? known : { ...known, attempt };
  const goesOn = known.state === "in_progress" && attempt === known.attempt;
  const current = goesOn ? record.phase : undefined;
  const next = phase ?? current ?? "received";
  if (current !== undefined && !phaseCanFollow(current, next)) {
    return "not_allowed";
  }
  if (isTerminal(state)) {
    const said = status.attempt === attempt ? status : { ...status, attempt };
    return again(record, { status: said, repeatable, jitter, now }) ??
      ending(recalledStatus(record, said), now);
  }
  if (next === "interrupted") {
    const message = status.message || "Agent was cut off in the middle";
    // An agent that drains cuts off what runs: that is not the event's doing.
    const begun = status.details?.["drained"] !== true;
    return interrupt(record, { repeatable, begun, message, now }) ??
      "not_released";
  }
  // In progress, and yet over: the two contradict each other.
  if (isTerminal(next as State)) return "not_allowed";
  const isSame = current === next && status.message === record.message;
  if (isSame && !hasMoved(record, status)) return "repeated";
  const isWhole = status.phase === next && status.attempt === attempt;
  return {
    status: isWhole ? status : { ...status, phase: next, attempt },
    // Nothing but the progress is new: the history has one entry for it.
    ...(isSame ? { replaces: true } : {}),
    // The attempt has begun: from here on its own time runs.
    ...(current === undefined ? { dueAt: leaseEnd(record, now) } : {}),
  };
}

/** Whether objects of an event are elsewhere than they were told to be last. */
function hasMoved(
  { notes }: EventRecord,
  { details }: Pick<EventStatus, "details">,
): boolean {
  const progress = details?.["progress"];
  return progress !== undefined &&
    JSON.stringify(progress) !== JSON.stringify(notes.progress);
}

/** What the failure of an attempt leads to when it is not the event's end; `undefined` when it is. */
function again(
  record: EventRecord,
  { status, repeatable, jitter, now }: Report,
): EventChange | undefined {
  const error = errorOf(status);
  if (status.state !== "failed" || error === undefined) return undefined;
  const at = nextAttemptAt(record, { error, repeatable, jitter, now });
  if (at === undefined) return undefined;
  if (record.notes.cancel !== undefined) return cancelled(record, now);
  const { result, ...rest } = status;
  const { max_attempts: max } = policyOf(record);
  return {
    status: {
      ...rest,
      state: "queued",
      phase: "failed",
      message: `Attempt ${
        attemptsUsed(record)
      } of ${max} failed, tried again: ${error.message}`,
      log_level: "warning",
      error,
      ...(result === undefined || result === null ? {} : { result }),
    },
    readyAt: at,
    dueAt: record.deadline,
  };
}

/** How an event ends by the word of its agent. */
export function ending(status: EventStatus, now: number): EventChange {
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
