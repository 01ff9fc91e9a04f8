import { type InventoryItem, isTerminal } from "@transporter/sdk";
import type { EventChange, EventRecord } from "../store/store.ts";
import { entry, isReleased } from "./entry.ts";
import { leaseEnd } from "./lease.ts";

/** Why what an agent remembers of an event changes nothing. */
export type NotAdopted =
  /** The event is another agent's. */
  | "foreign"
  /** It is another event of the same id. */
  | "conflict"
  /** The event has ended. */
  | "ended"
  /** The control plane knows of that attempt, or of a later one. */
  | "known";

/** What an agent remembers, and when it was asked. */
export interface Remembered {
  /** The agent. */
  readonly agent: string;
  /** What it remembers of the event. */
  readonly item: Pick<InventoryItem, "attempt" | "digest">;
  /** Now. */
  readonly now: number;
}

/**
 * What the memory of an agent makes of an event of a control plane that was
 * restored from an older copy: an attempt that the copy does not know of is in
 * the agent's hands, so that it is not made again. How it ended, if it did, is
 * for `report()`.
 */
export function adopt(
  record: EventRecord,
  { agent, item, now }: Remembered,
): EventChange | NotAdopted {
  if (record.spec.target_agent !== agent) return "foreign";
  if (record.digest !== item.digest) return "conflict";
  if (isTerminal(record.state)) return "ended";
  if (item.attempt <= record.attempt) return "known";
  return {
    status: entry(record, {
      // An event that was seen to be begun is not shown as waiting again.
      ...(record.state === "in_progress"
        ? { state: "in_progress", phase: "received" }
        : { state: "assigned" }),
      message: "Agent has had the event since before the store was restored",
      log_level: "warning",
      attempt: item.attempt,
      details: { known_attempt: record.attempt, was: record.state },
    }, now),
    adopts: true,
    dueAt: leaseEnd(record, isReleased(record.state) ? now : undefined),
  };
}
