import type { ErrorCode, State } from "@transporter/sdk";
import type { Ignored } from "./life.ts";

/** What the memory of an agent brought to light. */
export interface Reconciled {
  /** Attempts that the store did not know of. */
  readonly adopted: number;
  /** Events that have another body at the agent. */
  readonly conflicts: number;
  /** Events that the store does not know. */
  readonly orphans: number;
}

/**
 * What the control plane's modules count; the program brings the registry.
 * Event types come from producers: an implementation that labels by type
 * bounds them.
 */
export interface Metrics {
  /** An event of a type was accepted, for the first time. */
  accepted(type: string): void;
  /** An event was sent again with the same body, and answered as the first time. */
  duplicate(type: string): void;
  /** An event was not accepted. */
  refused(code: ErrorCode): void;
  /** Events were released to an agent. */
  released(count: number): void;
  /** A released event went back to the queue. */
  requeued(type: string): void;
  /** An event ended. */
  ended(type: string, state: State): void;
  /** An agent remembered more than the store, which was restored from an older copy. */
  reconciled(found: Reconciled): void;
  /** Statuses of agents were recorded. */
  statuses(count: number): void;
  /** A status of an agent changed nothing. */
  ignored(reason: Ignored | "unknown_event"): void;
  /** A session began (1) or ended (-1). */
  sessionsOpen(delta: 1 | -1): void;
  /** A session ended, and why; `closed` when nobody gave a reason. */
  sessionEnded(reason: ErrorCode | "closed"): void;
}

/** Counts nothing. */
export const silentMetrics: Metrics = {
  accepted: () => {},
  duplicate: () => {},
  refused: () => {},
  released: () => {},
  requeued: () => {},
  reconciled: () => {},
  ended: () => {},
  statuses: () => {},
  ignored: () => {},
  sessionsOpen: () => {},
  sessionEnded: () => {},
};
