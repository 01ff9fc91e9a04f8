import {
  type Clock,
  type ErrorBody,
  type EventResult,
  type EventStatus,
  type ExecutorContext,
  formatTime,
  isRecord,
  type Logger,
  type Recovery,
} from "@transporter/sdk";
import { type LastStatus, lastStatus } from "./status.ts";
import type { Work } from "./work.ts";

/** What {@linkcode recover} needs besides the work. */
export interface RecoverOptions {
  /** Who reports it. */
  readonly agentId: string;
  /** When the attempt has to be over, in milliseconds since 1970. */
  readonly deadline: number;
  /** Aborts the search for what was begun. */
  readonly signal: AbortSignal;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the executor's facts. */
  readonly log: Logger;
  /** Takes progress reports. */
  readonly record: (status: EventStatus) => Promise<void>;
  /** Takes what the executor writes. */
  readonly output: ExecutorContext["output"];
  /** Resolves once that is sent. */
  readonly outputSent: () => Promise<void>;
  /** Learns how much an earlier process passed on. */
  readonly outputFrom: Required<ExecutorContext>["outputFrom"];
}

/**
 * Brings an attempt to its end that an earlier process of this agent began:
 * asks the executor for what became of it, and does nothing else, since to run
 * it again is the control plane's decision.
 *
 * @returns The last status: how the executor found it, or the phase `interrupted` with `details.repeatable`.
 */
export async function recover(
  work: Work,
  options: RecoverOptions,
): Promise<EventStatus> {
  const { spec, attempt, executor } = work;
  const { agentId, clock, log, signal } = options;

  const context: ExecutorContext = {
    idempotencyKey: spec.id,
    createdAt: spec.created_at,
    attempt,
    deadline: options.deadline,
    signal,
    log,
    report: (message) => options.record({ ...progress(), message }),
    output: options.output,
    outputSent: options.outputSent,
    outputFrom: options.outputFrom,
  };

  function progress(): EventStatus {
    return {
      event_id: spec.id,
      agent_id: agentId,
      state: "in_progress",
      phase: "applying",
      message: "",
      log_level: "info",
      details: null,
      result: null,
      timestamp: formatTime(clock.now()),
      attempt,
    };
  }

  async function find(): Promise<Recovery<unknown>> {
    if (signal.aborted || work.payload === undefined) return LOST;
    try {
      return await executor.recover(work.payload, context);
    } catch (error) {
      // Whether it was done cannot be told, which is what "interrupted" says.
      log.warn("Begun work could not be looked for", { error });
      return LOST;
    }
  }

  const found = await find();
  if (found.kind === "lost") {
    return interrupted(work, { agentId, at: clock.now() });
  }
  if (found.kind === "failed") {
    const { error, result } = found;
    const at = clock.now();
    const report = { agentId, at, id: spec.id, attempt, error };
    const last = lastStatus({ ...report, phase: endOf(error) });
    if (!isRecord(result)) return last;
    const duration = durationOf(result);
    return {
      ...last,
      result: { ...result, ...last.result, duration } as EventResult,
    };
  }
  const timestamp = formatTime(clock.now());
  const { result: done } = found;
  const result: EventResult = {
    ...(isRecord(done) ? done : { output: done }),
    success: true,
    completed_at: timestamp,
    duration: durationOf(done),
  };
  return {
    ...progress(),
    state: "completed",
    phase: "completed",
    message: "Event completed before the agent was started again",
    result,
  };
}

/** How long work took, in nanoseconds, as its executor says: it was begun in another process. */
function durationOf(result: unknown): number {
  const duration = isRecord(result) ? result["duration"] : undefined;
  return typeof duration === "number" ? duration : 0;
}

const LOST: Recovery<never> = { kind: "lost" };

/** How an attempt ends with an error. */
function endOf({ code }: ErrorBody): LastStatus["phase"] {
  return code === "cancelled" || code === "expired" || code === "interrupted"
    ? code
    : "failed";
}

/** The last status of an attempt that was begun and never ended. */
export function interrupted(
  work: {
    readonly spec: { readonly id: string };
    readonly attempt: number;
    readonly repeatable: boolean;
  },
  report: { readonly agentId: string; readonly at: number },
): EventStatus {
  const { spec: { id }, attempt, repeatable } = work;
  return lastStatus({
    ...report,
    id,
    attempt,
    phase: "interrupted",
    error: {
      code: "interrupted",
      message:
        `Event "${id}" was begun, and the agent ended before it was over`,
    },
    details: { repeatable },
  });
}
