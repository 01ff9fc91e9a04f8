/**
 * What people, and other events, ask of an event.
 *
 * @module
 */
import { isTerminal } from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";
import { sentence } from "./attempt.ts";
import { entry, failure, isReleased } from "./entry.ts";
import { isHeld, isRecalled, readyAt } from "./lease.ts";

/** Why an event cannot be cancelled any more. */
export type TooLate =
  /** It has ended. */
  | "ended"
  /** Its agent has it, and cannot be told. */
  | "started";

/** Who asks to cancel an event, and why. */
export interface Cancellation {
  /** Who asks, as the history says it. */
  readonly principal: string;
  /** Why, for people; may be empty. */
  readonly reason: string;
  /** Whether the event's agent understands that an event is not wanted any more. */
  readonly told: boolean;
  /** Facts for the history besides who and why. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Now. */
  readonly now: number;
}

/**
 * What a request to cancel makes of an event: what waits is cancelled at once,
 * what an agent has is noted, so that nothing but the agent's own word about
 * its end comes before it.
 *
 * @returns `undefined` when it was asked for before.
 */
export function cancel(
  record: EventRecord,
  { principal, reason, told, details = {}, now }: Cancellation,
): EventChange | TooLate | undefined {
  if (isTerminal(record.state)) return "ended";
  const facts = { ...details, principal, reason };
  if (!isReleased(record.state)) {
    const before = record.attempt === 0 ? "it started" : "another attempt";
    const message = sentence(`Event was cancelled before ${before}`, reason);
    const error = { code: "cancelled", message } as const;
    return failure(record, { state: "cancelled", error, details: facts }, now);
  }
  if (!told) return "started";
  if (record.notes.cancel !== undefined) return undefined;
  return {
    status: entry(record, {
      state: record.state,
      ...(record.state === "in_progress" && record.phase !== undefined
        ? { phase: record.phase }
        : {}),
      message: sentence("Cancellation was asked for", reason),
      log_level: "warning",
      attempt: record.attempt,
      details: facts,
    }, now),
    notes: { ...record.notes, cancel: { reason, at: now } },
  };
}

/** Why an agent is to leave an event that it has, for people; `undefined` while it is wanted. */
export function unwanted(
  record: Pick<EventRecord, "notes" | "attempt">,
): string | undefined {
  const { cancel } = record.notes;
  if (cancel !== undefined) return cancel.reason;
  return isRecalled(record) ? "its time is over" : undefined;
}

/** What becomes of an event that its agent was to leave and does not have: it never started. */
export function cancelUnknown(
  record: EventRecord,
  now: number,
): EventChange | undefined {
  const { notes, state } = record;
  if (unwanted(record) === undefined || !isReleased(state)) return undefined;
  if (notes.cancel === undefined) {
    const message = "The deadline passed before the agent got the event";
    const error = { code: "expired", message } as const;
    return failure(record, { state: "expired", error }, now);
  }
  const message = sentence(
    "Event was cancelled before its agent got it",
    notes.cancel.reason,
  );
  const error = { code: "cancelled", message } as const;
  return failure(record, { state: "cancelled", error }, now);
}

/**
 * What an operator's wish for another attempt makes of an event that has ended:
 * it begins anew, with its whole time and all its attempts, and its history
 * goes on.
 *
 * @returns `undefined` while the event is open.
 */
export function reopen(
  record: EventRecord,
  { principal, now }: { readonly principal: string; readonly now: number },
): EventChange | undefined {
  if (!isTerminal(record.state)) return undefined;
  const deadline = now + Math.ceil(record.spec.ttl / 1e6);
  return {
    status: entry(record, {
      state: "queued",
      message: `Another attempt was asked for by "${principal}"`,
      attempt: record.attempt,
      details: { principal, previous_state: record.state },
    }, now),
    reopens: true,
    notes: {
      ...(record.notes.history === undefined
        ? {}
        : { history: record.notes.history }),
      attemptsBefore: record.attempt,
    },
    deadline,
    dueAt: deadline,
    ...readyAt(record.spec, now),
  };
}

/** Lets an event go on whose predecessor has been seen to; `undefined` when it does not wait for that. */
export function proceed(
  record: EventRecord,
  { message, now }: { readonly message: string; readonly now: number },
): EventChange | undefined {
  if (!isHeld(record)) return undefined;
  const { supersedes } = record.spec;
  return {
    status: entry(record, {
      state: "queued",
      message,
      details: { supersedes },
    }, now),
    dueAt: record.deadline,
    ...readyAt(record.spec, now),
  };
}
