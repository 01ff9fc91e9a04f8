import {
  type ErrorBody,
  type EventStatus,
  formatTime,
  type Phase,
  type State,
} from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";

/** Whether an agent has, or may have, an event in this state. */
export function isReleased(state: State): boolean {
  return state === "assigned" || state === "in_progress";
}

/** Makes an entry that the control plane writes itself. */
export function entry(
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

/** How the control plane itself ends an event. */
export interface End {
  /** The state that ends it. */
  readonly state: State;
  /** How far the attempt got; absent: as far as was known. */
  readonly phase?: Phase;
  /** Why. */
  readonly error: ErrorBody;
  /** Facts for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Ends an event without success. */
export function failure(
  record: EventRecord,
  end: End,
  now: number,
): EventChange {
  const { error } = end;
  return {
    status: entry(record, {
      message: error.message,
      attempt: record.attempt,
      ...end,
      log_level: end.state === "cancelled" ? "warning" : "error",
    }, now),
    finishedAt: now,
    error,
  };
}

/** Why an attempt goes back to the queue. */
export interface Requeue {
  /** How the attempt ended, if it began. */
  readonly phase?: Phase;
  /** For people. */
  readonly message: string;
  /** What went wrong. */
  readonly error: ErrorBody;
}

/** Puts an event back into the queue; it is due at its deadline then. */
export function requeue(
  record: EventRecord,
  why: Requeue,
  now: number,
): EventChange {
  return {
    status: entry(record, {
      state: "queued",
      attempt: record.attempt,
      ...why,
      log_level: "warning",
    }, now),
    dueAt: record.deadline,
  };
}
