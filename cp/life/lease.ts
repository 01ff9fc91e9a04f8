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
 * Milliseconds after its time that a released event waits for the agent's own
 * account: the agent ends it by itself, but may have to reconnect first.
 */
export const GRACE_MS = 60_000;

/**
 * Until when an agent has an event for itself: whatever happens to the agent,
 * nothing hangs for ever.
 *
 * @param record The event.
 * @param begunAt When the attempt began; absent while it waits at the agent, where its timeout does not run.
 */
export function leaseEnd(
  { spec, deadline }: Pick<EventRecord, "spec" | "deadline">,
  begunAt?: number,
): number {
  const { timeout } = spec;
  const end = timeout === undefined || begunAt === undefined
    ? deadline
    : Math.min(deadline, begunAt + Math.ceil(timeout / 1e6));
  return end + GRACE_MS;
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

/** What the passing of time makes of an event. */
export function expire(
  record: EventRecord,
  now: number,
): EventChange | undefined {
  if (isTerminal(record.state)) return undefined;
  if (now < (isReleased(record.state) ? record.dueAt : record.deadline)) {
    return undefined;
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
