import type { ErrorBody } from "./error.ts";

/** Where an event is in its life. Upstream's states, and `cancelled`. */
export type State =
  | "created"
  | "queued"
  | "assigned"
  | "in_progress"
  | "completed"
  | "failed"
  | "expired"
  | "cancelled";

/** What an agent is doing with an event. Upstream's phases, and how an attempt can end besides. */
export type Phase =
  | "received"
  | "validating"
  | "applying"
  | "verifying"
  | "completed"
  | "failed"
  | "interrupted"
  | "cancelled"
  | "expired";

/** Every state, in the order of an ordinary life. */
export const STATES: readonly State[] = [
  "created",
  "queued",
  "assigned",
  "in_progress",
  "completed",
  "failed",
  "expired",
  "cancelled",
];

/** Every phase, in the order of an ordinary attempt; the last five end it. */
export const PHASES: readonly Phase[] = [
  "received",
  "validating",
  "applying",
  "verifying",
  "completed",
  "failed",
  "interrupted",
  "cancelled",
  "expired",
];

/** When an attempt that failed is followed by another. */
export interface RetryPolicy {
  /** How many attempts there are at most, the first among them: 1 to 20. */
  readonly max_attempts: number;
  /** How long the second attempt waits at most, in nanoseconds. */
  readonly initial_delay: number;
  /** How long any attempt waits at most, in nanoseconds. */
  readonly max_delay: number;
  /** How many times longer each attempt waits than the one before: 1 to 100. */
  readonly multiplier: number;
  /** The codes of failures that are followed by another attempt. */
  readonly on: readonly string[];
}

/** What was asked: an event as it goes over the wire. */
export interface EventSpec {
  /** Unique per tenant: 1 to 128 of `A-Z a-z 0-9 . _ : -`, not `.` or `..`. */
  readonly id: string;
  /** Which executor runs it, such as `k8s_resource`. */
  readonly type: string;
  /** The id of the agent that runs it. */
  readonly target_agent: string;
  /** What the executor is asked to do. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** When the producer made it, RFC 3339. */
  readonly created_at: string;
  /** Who the producer says it is: a claim. */
  readonly created_by: string;
  /** How long it may take from its acceptance to its end, in nanoseconds. */
  readonly ttl: number;
  /** 0 to 9; higher is released first. */
  readonly priority: number;
  /** For finding it again. */
  readonly labels: Readonly<Record<string, string>>;
  /** For whoever reads it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** No attempt starts before, RFC 3339. */
  readonly not_before?: string;
  /** Events of one agent that share it run one after the other; it replaces what the executor says. */
  readonly concurrency_key?: string;
  /** When a failed attempt is followed by another; absent: `RETRY_DEFAULT`. */
  readonly retry?: RetryPolicy;
  /** How long one attempt may take, in nanoseconds; absent: until the deadline. */
  readonly timeout?: number;
  /** The id of an event of the same agent that is cancelled if it has not started. */
  readonly supersedes?: string;
  /** What the events of one request have in common. */
  readonly batch_id?: string;
  /** The trace it belongs to. @see {@link https://www.w3.org/TR/trace-context/#traceparent-header} */
  readonly traceparent?: string;
}

/** An event without its payload, which may be large: what the control plane keeps at hand. */
export type EventHead = Omit<EventSpec, "payload">;

/** What an object of a cluster became, in upstream's shape. */
export interface ResourceStatus {
  /** The object's kind. */
  readonly kind: string;
  /** The object's name. */
  readonly name: string;
  /** The object's namespace; empty when it has none. */
  readonly namespace: string;
  /** The object's API version. */
  readonly api_version: string;
  /** `created`, `configured`, `unchanged`, `failed`, `not_attempted`, … */
  readonly status: string;
  /** For people. */
  readonly message: string;
  /** The object's uid, where it is known. */
  readonly uid?: string;
  /** The object's resourceVersion after the attempt, where it is known. */
  readonly resource_version?: string;
  /** How long was worked on it, in nanoseconds; absent when nothing was begun. */
  readonly duration?: number;
  /** How long after that it was seen ready, in nanoseconds; absent when that was not waited for. */
  readonly ready_after?: number;
  /** What else the executor says of it, such as which fields changed. */
  readonly [key: string]: unknown;
}

/** What an attempt at an event led to. */
export interface EventResult {
  /** Whether all of it was done. */
  readonly success: boolean;
  /** What each object became. */
  readonly resource_status?: readonly ResourceStatus[];
  /** What went wrong, for people; absent or empty when nothing did. */
  readonly error_message?: string;
  /** When it was over, RFC 3339. */
  readonly completed_at: string;
  /** How long the attempt took, in nanoseconds. */
  readonly duration: number;
  /** What else the executor says. */
  readonly [key: string]: unknown;
}

/** What happened to an event at one moment; the history is a list of these. */
export interface EventStatus {
  /** The event. */
  readonly event_id: string;
  /** Who reports it; empty when the control plane itself does. */
  readonly agent_id: string;
  /** Where the event is in its life. */
  readonly state: State;
  /** What the agent is doing with it; absent before an agent has it. */
  readonly phase?: Phase;
  /** For people. */
  readonly message: string;
  /** `info`, `warning` or `error`, as upstream has it. */
  readonly log_level?: string;
  /** Facts for programs. */
  readonly details?: Readonly<Record<string, unknown>> | null;
  /** What the attempt led to; only with a state that ends it. */
  readonly result?: EventResult | null;
  /** Why it failed; only with `failed`, `expired`, `cancelled` and the phase `interrupted`. */
  readonly error?: ErrorBody;
  /** When it happened, RFC 3339. */
  readonly timestamp: string;
  /** Which attempt, from 1; absent from v1 agents and before the first. */
  readonly attempt?: number;
}

const TERMINAL: ReadonlySet<State> = new Set([
  "completed",
  "failed",
  "expired",
  "cancelled",
]);

/** Whether a state ends an event's life. */
export function isTerminal(state: State): boolean {
  return TERMINAL.has(state);
}

const ENDS = ["completed", "failed", "expired", "cancelled"] as const;

const NEXT: Readonly<Record<State, ReadonlySet<State>>> = {
  created: new Set<State>(["queued", "failed", "expired", "cancelled"]),
  queued: new Set<State>(["assigned", "failed", "expired", "cancelled"]),
  // Back to queued: the attempt was interrupted, or failed in a way that is tried again.
  assigned: new Set<State>(["in_progress", "queued", ...ENDS]),
  in_progress: new Set<State>(["in_progress", "queued", ...ENDS]),
  completed: new Set(),
  failed: new Set(),
  expired: new Set(),
  cancelled: new Set(),
};

/**
 * Whether a state may follow another. A state that ends an event is never left.
 *
 * @example Usage
 * ```ts
 * import { canFollow } from "@transporter/sdk";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(canFollow("in_progress", "completed"), true);
 * strictEqual(canFollow("completed", "in_progress"), false);
 * ```
 */
export function canFollow(from: State, to: State): boolean {
  return NEXT[from].has(to);
}

/** Whether a phase may follow another within one attempt: never backwards, and nothing follows an end. */
export function phaseCanFollow(from: Phase, to: Phase): boolean {
  const rank = PHASES.indexOf(from);
  return rank < PHASES.indexOf("completed") && PHASES.indexOf(to) >= rank;
}

/** Whether a string names a state. */
export function isState(value: unknown): value is State {
  return STATES.some((state) => state === value);
}

/** Whether a string names a phase. */
export function isPhase(value: unknown): value is Phase {
  return PHASES.some((phase) => phase === value);
}
