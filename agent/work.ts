import {
  type EventSpec,
  type Executor,
  formatDuration,
  parse,
  TransporterError,
} from "@transporter/sdk";

/** One attempt at one event, ready to run. */
export interface Work {
  /** What is asked. */
  readonly spec: EventSpec;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** Its number in the agent's stream; absent from a v1 control plane. */
  readonly seq: number | undefined;
  /** When it has to be over, in milliseconds since 1970 by the control plane's clock. */
  readonly deadline: number;
  /** Whether an earlier process began it: then it is never started again. */
  readonly begun: boolean;
  /** How long its frame was, in characters. */
  readonly chars: number;
  /** Who runs it. */
  readonly executor: Executor;
  /** The payload as the executor's schema has it; `undefined` when it does not fit. */
  readonly payload: unknown;
  /** What it touches; nothing when the payload does not fit, as nothing will be applied. */
  readonly keys: readonly string[];
  /** Whether it may be applied again after a crash in the middle. */
  readonly repeatable: boolean;
}

/** What {@linkcode prepare} finds out. */
export type Prepared = Pick<Work, "payload" | "keys" | "repeatable">;

/**
 * Asks the executor what an event touches and whether it may be repeated. An
 * executor that fails to say is taken at its worst: the event runs alone, once.
 * A `concurrency_key` of the event's own stands for all that it touches.
 */
export async function prepare(
  executor: Executor,
  spec: EventSpec,
): Promise<Prepared> {
  let payload: unknown;
  try {
    payload = await parse(executor.schema, spec.payload);
  } catch {
    // execute() refuses it again, and reports it.
    return { payload: undefined, keys: [], repeatable: false };
  }
  const { concurrency_key: key } = spec;
  // Whoever names a key "*" does not mean everything, nor an executor's key of the same name.
  const own = key === undefined ? undefined : [`concurrency_key ${key}`];
  try {
    return {
      payload,
      keys: own ?? executor.keys(payload),
      repeatable: executor.repeatable(payload),
    };
  } catch {
    return { payload, keys: own ?? ["*"], repeatable: false };
  }
}

/**
 * How long an attempt may take, in milliseconds, and what it means when it
 * takes longer.
 *
 * @param work The attempt.
 * @param remainingMs How far away its event's deadline is, in milliseconds.
 */
export function limitOf(
  { spec: { id, timeout }, attempt }: Work,
  remainingMs: number,
): { limitMs: number; reason: TransporterError } {
  const timeoutMs = timeout === undefined ? Infinity : timeout / 1e6;
  const message = timeoutMs < remainingMs
    ? `Attempt ${attempt} at event "${id}" was not over after ${
      formatDuration(timeoutMs * 1e6)
    }, its timeout`
    : `Event "${id}" was not over by its deadline`;
  return {
    limitMs: Math.max(0, Math.min(remainingMs, timeoutMs)),
    reason: new TransporterError("timeout", message),
  };
}
