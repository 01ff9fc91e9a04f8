/**
 * What follows an attempt that did not succeed: another one, or the end of the
 * event.
 *
 * @module
 */
import {
  type ErrorBody,
  type ErrorCode,
  fullJitter,
  RETRY_DEFAULT,
  type RetryPolicy,
} from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";
import { failure, isReleased, requeue } from "./entry.ts";

/** Attempts that an agent may die in before the event is kept away from agents. */
const INTERRUPTIONS_MAX = 2;

/** The policy of an event: its own, or the usual one. */
export function policyOf({ spec }: Pick<EventRecord, "spec">): RetryPolicy {
  return spec.retry ?? RETRY_DEFAULT;
}

/** How many attempts count for the policy, the current one among them. */
export function attemptsUsed(
  { attempt, notes }: Pick<EventRecord, "attempt" | "notes">,
): number {
  return attempt - (notes.attemptsBefore ?? 0);
}

/** Ends an event that somebody asked to cancel while its agent had it. */
export function cancelled(record: EventRecord, now: number): EventChange {
  const { reason = "" } = record.notes.cancel ?? {};
  return failure(record, {
    state: "cancelled",
    error: {
      code: "cancelled",
      message: sentence("Event is cancelled", reason),
    },
  }, now);
}

/** A sentence with a reason in people's words, if there is one. */
export function sentence(text: string, reason: string): string {
  return reason === "" ? text : `${text}: ${reason}`;
}

/** How an attempt failed. */
export interface Failure {
  /** Why. */
  readonly error: ErrorBody;
  /** Whether the event may be run twice, by the word of its kind. */
  readonly repeatable: boolean;
  /** Where between nothing and its bound the wait lies: from 0 (included) to 1 (not included). */
  readonly jitter: number;
  /** Now. */
  readonly now: number;
}

/**
 * When the next attempt follows one that failed; `undefined` when none does.
 * An event that may not be run twice is tried again only if it says so itself.
 * A wait that would outlast the deadline is not begun: the failure is known now.
 */
export function nextAttemptAt(
  record: EventRecord,
  { error, repeatable, jitter, now }: Failure,
): number | undefined {
  if (record.spec.retry === undefined && !repeatable) return undefined;
  const policy = policyOf(record);
  const used = attemptsUsed(record);
  if (used >= policy.max_attempts || !policy.on.includes(error.code)) {
    return undefined;
  }
  const ms = fullJitter(used - 1, { next: () => jitter }, {
    initialMs: policy.initial_delay / 1e6,
    maxMs: policy.max_delay / 1e6,
    multiplier: policy.multiplier,
  });
  const at = now + Math.ceil(ms);
  return at < record.deadline ? at : undefined;
}

/** What a cut-off attempt leads to. */
export interface Interruption {
  /** Whether the event may be run again. */
  readonly repeatable: boolean;
  /** Whether it is known that the attempt was begun; only then the event may be the cause. */
  readonly begun: boolean;
  /** Whether no other attempt follows in any case: the event has no agent any more. */
  readonly final?: boolean;
  /** What cut it off, for people; a sentence without a final period. */
  readonly message: string;
  /** Now. */
  readonly now: number;
}

/**
 * What becomes of an event whose attempt was cut off, so that nobody knows how
 * far it came: another attempt if that is safe, unless the event itself seems
 * to be what ends its agents.
 */
export function interrupt(
  record: EventRecord,
  { repeatable, begun, final = false, message, now }: Interruption,
): EventChange | undefined {
  if (!isReleased(record.state)) return undefined;
  if (record.notes.cancel !== undefined) return cancelled(record, now);
  const error: ErrorBody = { code: "interrupted", message };
  const over = (code: ErrorCode, text: string) =>
    failure(record, {
      state: "failed",
      phase: "interrupted",
      error: { code, message: text },
    }, now);
  const policy = policyOf(record);
  const asked = record.spec.retry?.on.includes("interrupted") ?? false;
  if (final || !repeatable && !asked) return over("interrupted", message);
  const interruptions = (record.notes.interruptions ?? 0) + (begun ? 1 : 0);
  if (interruptions >= INTERRUPTIONS_MAX) {
    return over(
      "quarantined",
      `Event is not run again as its agent ended during ${interruptions} attempts at it`,
    );
  }
  const spent = attemptsUsed(record) >= policy.max_attempts;
  if (spent || record.deadline <= now) return over("interrupted", message);
  return {
    ...requeue(record, {
      phase: "interrupted",
      message: `Attempt ${record.attempt} was interrupted, queued again`,
      error,
    }, now),
    notes: { ...record.notes, interruptions },
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

/** What the refusal of an agent makes of an event. An attempt that nobody took does not count. */
export function refuse(
  record: EventRecord,
  { seq, error, again, now }: Refusal,
): EventChange | undefined {
  if (!isReleased(record.state) || record.seq !== seq) return undefined;
  if (!again) {
    const { code } = error;
    const state = code === "cancelled" || code === "expired" ? code : "failed";
    return failure(record, { state, error }, now);
  }
  if (record.notes.cancel !== undefined) return cancelled(record, now);
  const { attemptsBefore = 0 } = record.notes;
  return {
    ...requeue(record, {
      message:
        `Agent does not take the event now, queued again: ${error.message}`,
      error,
    }, now),
    notes: { ...record.notes, attemptsBefore: attemptsBefore + 1 },
  };
}
