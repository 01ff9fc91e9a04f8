import type {
  AcknowledgedContext,
  Clock,
  ExecutorContext,
  Logger,
} from "@transporter/sdk";
import type { Interpreter } from "./interpreters.ts";
import type { Payload } from "./payload.ts";
import type { ProcessEnd } from "./process.ts";

/** One script to run, once its payload was looked at. */
export interface Task {
  /** What is asked. */
  readonly payload: Payload;
  /** The interpreter and its arguments. */
  readonly command: readonly string[];
  /** How long the script may run, in milliseconds, from when it begins. */
  readonly timeoutMs: number;
}

/** What a script gets of its event. */
export type TaskContext = Pick<
  ExecutorContext,
  | "idempotencyKey"
  | "attempt"
  | "signal"
  | "output"
  | "outputSent"
  | "outputFrom"
  | "deadline"
  | "log"
  | "report"
>;

/** A way of running scripts. */
export interface Runner extends AsyncDisposable {
  /**
   * Refuses what it cannot run.
   *
   * @param interpreter What the operator allows.
   * @param signal Gives up.
   * @returns Where a script finds the interpreter.
   * @throws {TransporterError} `denied`, or `too_large`; what it is asked of fails with.
   */
  accept(
    payload: Payload,
    interpreter: Interpreter,
    signal: AbortSignal,
  ): Promise<string>;
  /** Runs a script to its end, or until the signal aborts or its time is over. */
  run(task: Task, context: TaskContext): Promise<ProcessEnd>;
  /** Goes on with a script that an earlier agent began; `undefined` when it is lost. */
  recover(task: Task, context: TaskContext): Promise<ProcessEnd | undefined>;
  /** See `Executor.acknowledged`. */
  acknowledged?(context: AcknowledgedContext): Promise<void>;
}

/** What runners need of the outside. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** For facts that the operator needs. */
  readonly log: Logger;
  /** Aborts when opening must be given up. */
  readonly signal: AbortSignal;
}
