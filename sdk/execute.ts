import type { Clock } from "./clock.ts";
import { type ErrorBody, TransporterError } from "./error.ts";
import type {
  EventResult,
  EventSpec,
  EventStatus,
  Phase,
  State,
} from "./event.ts";
import type { Executor, ExecutorContext, OutputStream } from "./executor.ts";
import { isRecord } from "./json.ts";
import type { Logger } from "./log.ts";
import { parse } from "./schema.ts";
import { formatTime } from "./time.ts";

/** What {@linkcode execute} needs besides the executor and the event. */
export interface ExecuteOptions {
  /** Who runs it. */
  readonly agentId: string;
  /** Which attempt it is, from 1. */
  readonly attempt: number;
  /** When the attempt has to be over, in milliseconds since 1970. */
  readonly deadline: number;
  /**
   * Aborts the attempt. Its reason says how the attempt ends: nothing or an
   * `AbortError` → `cancelled`; a `TransporterError` → its own code.
   */
  readonly signal: AbortSignal;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the executor's facts. */
  readonly log: Logger;
  /** Takes each status, in order; what it returns is awaited. */
  readonly record: (status: EventStatus) => Promise<void>;
  /** Goes on with an attempt that was begun before: the phases up to `applying` were reported then. */
  readonly again?: boolean;
  /**
   * What `apply` led to in an earlier process, which ended while that was
   * verified: `apply` is not called again, and the phases up to `verifying`
   * were reported then.
   */
  readonly applied?: unknown;
  /** Told what `apply` led to, before that is verified. */
  readonly onApplied?: (result: unknown) => void;
  /** Takes what the work writes; by default nobody does. */
  readonly output?: (stream: OutputStream, text: string) => void;
  /** Resolves once that is sent; absent: nobody knows. */
  readonly outputSent?: () => Promise<void>;
}

/** The state an event is in while, or after, an agent is in a phase. */
const STATE_OF: Readonly<Record<Phase, State>> = {
  received: "in_progress",
  validating: "in_progress",
  applying: "in_progress",
  verifying: "in_progress",
  interrupted: "in_progress", // the control plane decides what happens next
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  expired: "expired",
};

const MESSAGE_OF: Readonly<Partial<Record<Phase, string>>> = {
  received: "Event received, starting execution",
  validating: "Validating the payload",
  applying: "Applying",
  verifying: "Verifying the outcome",
  completed: "Event completed",
};

/**
 * Takes one event through its phases: the logic above every executor. The
 * order of phases, their reports and what an error means are decided here,
 * the same for every executor.
 *
 * @param executor Who does the work.
 * @param spec What is asked.
 * @param options The attempt, and where its reports go.
 * @returns The last status: `completed`, `failed`, `cancelled` or `expired`, or the phase
 * `interrupted`. Never rejects for what the executor throws; rejects when `record` does.
 */
export async function execute<Payload, Plan, Result>(
  executor: Executor<Payload, Plan, Result>,
  spec: EventSpec,
  options: ExecuteOptions,
): Promise<EventStatus> {
  const { agentId, attempt, signal, clock, record } = options;
  const isApplied = options.applied !== undefined;
  const again = options.again === true || isApplied;
  const startedAt = clock.monotonic();
  let phase: Phase = isApplied ? "verifying" : again ? "applying" : "received";

  async function enter(
    next: Phase,
    rest: Partial<EventStatus> = {},
  ): Promise<EventStatus> {
    phase = next;
    const status: EventStatus = {
      event_id: spec.id,
      agent_id: agentId,
      state: STATE_OF[phase],
      phase,
      message: MESSAGE_OF[phase] ?? "",
      log_level: "info",
      details: null,
      result: null,
      timestamp: formatTime(clock.now()),
      attempt,
      ...rest,
    };
    await record(status);
    return status;
  }

  function result(
    success: boolean,
    done: unknown,
    message?: string,
  ): EventResult {
    return {
      ...(isRecord(done) ? done : done === undefined ? {} : { output: done }),
      success,
      ...(message === undefined ? {} : { error_message: message }),
      completed_at: formatTime(clock.now()),
      duration: Math.round((clock.monotonic() - startedAt) * 1e6),
    };
  }

  const context: ExecutorContext = {
    idempotencyKey: spec.id,
    createdAt: spec.created_at,
    attempt,
    deadline: options.deadline,
    signal,
    again,
    log: options.log,
    async report(message, details) {
      await enter(phase, { message, details: details ?? null });
    },
    output(stream, text) {
      options.output?.(stream, text);
    },
    ...(options.outputSent && { outputSent: options.outputSent }),
  };

  /** Enters a phase, unless the attempt was aborted before it or while its report was recorded. */
  async function begin(next: Phase): Promise<void> {
    signal.throwIfAborted();
    await enter(next);
    signal.throwIfAborted();
  }

  async function run(): Promise<void> {
    if (again) signal.throwIfAborted();
    else await begin("validating");
    const payload = await parse(executor.schema, spec.payload);
    const plan = await executor.validate(payload, context);
    if (!isApplied) await begin("applying");
    const applied = isApplied
      ? options.applied as Result // what the same executor led to, through the journal
      : await executor.apply(plan, context);
    done = applied;
    options.onApplied?.(applied);
    await begin("verifying");
    done = await executor.verify(plan, applied, context) ?? applied;
  }

  if (!again) await enter("received");
  let done = options.applied as Result | undefined;
  try {
    await run();
  } catch (reason) {
    const error = TransporterError.from(
      signal.aborted ? abortReason(signal, reason) : reason,
    );
    return await enter(endOf(error), {
      message: error.message,
      log_level: "error",
      error: bodyOf(error),
      result: result(false, partOf(reason) ?? done, error.message),
    });
  }
  return await enter("completed", { result: result(true, done) });
}

/** What the abort means, unless the executor failed with something of its own. */
function abortReason(signal: AbortSignal, thrown: unknown): unknown {
  const own = thrown instanceof TransporterError && thrown !== signal.reason &&
    thrown.class !== "cancelled" && thrown.class !== "timeout" &&
    thrown.class !== "unavailable";
  return own ? thrown : signal.reason;
}

/** The error without the part that was done, which stands in the result. */
function bodyOf(error: TransporterError): ErrorBody {
  const { details: { result: _, ...rest } = {}, ...body } = error.toJSON();
  return Object.keys(rest).length === 0 ? body : { ...body, details: rest };
}

/** The part of the work that was done before an executor threw. */
function partOf(thrown: unknown): unknown {
  return thrown instanceof TransporterError
    ? thrown.details?.["result"]
    : undefined;
}

function endOf(error: TransporterError): Phase {
  switch (error.code) {
    case "cancelled":
    case "expired":
    case "interrupted":
      return error.code;
    default:
      return "failed";
  }
}
