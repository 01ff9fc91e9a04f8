import type { ErrorBody } from "./error.ts";
import type { Logger } from "./log.ts";
import type { Schema } from "./schema.ts";

/** The advertisement of one executor; sent in the agent's registration. */
export interface ExecutorInfo {
  /** The event type it serves, such as `"k8s_resource"`. */
  readonly type: string;
  /** The version of the executor, semver. */
  readonly version: string;
}

/** Where something writes that a person would run in a terminal. */
export type OutputStream = "stdout" | "stderr";

/** What the agent lends to an executor for one attempt at one event. */
export interface ExecutorContext {
  /** The same for every attempt at one event: its id. */
  readonly idempotencyKey: string;
  /** When the producer made the event, RFC 3339. */
  readonly createdAt: string;
  /** Counts from 1. */
  readonly attempt: number;
  /** When the attempt has to be over, in milliseconds since 1970. */
  readonly deadline: number;
  /** Aborts on cancellation, on expiry and on agent shutdown. */
  readonly signal: AbortSignal;
  /**
   * Whether an earlier process of the agent began the attempt, which is standing
   * work, or was applied then and is only verified now; absent: no.
   */
  readonly again?: boolean;
  /** For facts that the operator of the agent needs; bound to the event's id. */
  readonly log: Logger;
  /**
   * Reports progress in the current phase; resolves once it is recorded. From a
   * process of its own up to 16 are on their way, and a phase ends when all of
   * its reports are recorded.
   *
   * @param message For people.
   * @param details Facts for programs, such as `{ progress }`: see {@linkcode EventProgress}.
   */
  report(
    message: string,
    details?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /**
   * Passes on what the work writes, for people to read while it runs. Best
   * effort: of an attempt the first MiB and the last are kept, nothing waits
   * for it, and whoever decides by output puts it into the result.
   */
  output(stream: OutputStream, text: string): void;
  /**
   * Resolves once all output so far is sent to the control plane, which takes as
   * long as there is no link: whoever can read it again after a restart does so
   * from there. Absent: nobody knows.
   */
  outputSent?(): Promise<void>;
  /**
   * Says in `recover`, before any output, how many bytes of each stream were
   * passed on before: what comes is behind those. Absent: it counts from 0.
   */
  outputFrom?(bytes: Readonly<Record<OutputStream, number>>): void;
}

/** What an executor is told of an attempt whose end is at the control plane for good. */
export type AcknowledgedContext = Pick<
  ExecutorContext,
  "idempotencyKey" | "attempt" | "signal" | "log"
>;

/**
 * What became of work that was begun before a restart. How long it took only the
 * executor can know: a result says so by `duration`, in nanoseconds; else it is
 * told as 0.
 */
export type Recovery<Result> =
  | { readonly kind: "lost" }
  | { readonly kind: "done"; readonly result: Result }
  /** It came to its end, and did not do what was asked. */
  | {
    readonly kind: "failed";
    readonly error: ErrorBody;
    readonly result?: Result;
  };

/**
 * Runs one type of event inside a cluster. The interface plugins implement;
 * {@linkcode defineExecutor} fills in what has a safe default.
 *
 * An executor is stateless between calls: what `validate` learned reaches
 * `apply` and `verify` through the plan, never through `this`. The agent owns
 * the order of phases, timeouts, retries and status reports.
 *
 * @typeParam Payload What the schema accepts.
 * @typeParam Plan What `validate` decided to do.
 * @typeParam Result What `apply` did; a JSON object.
 */
export interface Executor<Payload = unknown, Plan = unknown, Result = unknown>
  extends AsyncDisposable {
  /** What the agent advertises to the control plane about this executor. */
  readonly info: ExecutorInfo;
  /** The shape of the payload. Unknown keys are refused. */
  readonly schema: Schema<Payload>;
  /**
   * Decides what to do. Reads only; a dry run stops after it. It comes to the
   * same when the agent ended after `apply` and goes on with `verify`.
   */
  validate(payload: Payload, context: ExecutorContext): Promise<Plan>;
  /**
   * Does it. Must be safe to repeat if `repeatable` says so. An error thrown
   * after part of the work was done carries that part as `details.result`.
   */
  apply(plan: Plan, context: ExecutorContext): Promise<Result>;
  /**
   * Waits until the effect is real, or throws. Reads only, so that an event
   * that shares a key may be applied meanwhile. What it resolves with, if
   * anything, takes the place of what `apply` resolved with.
   */
  verify(
    plan: Plan,
    result: Result,
    context: ExecutorContext,
  ): Promise<Result | void>;
  /**
   * What the event touches; events that share a key run in release order, the
   * next one once the one before has been applied. `[]`: nothing, `["*"]`:
   * everything, to its end.
   */
  keys(payload: Payload): readonly string[];
  /** Whether `apply` may run again for this payload after a crash in the middle. */
  repeatable(payload: Payload): boolean;
  /**
   * Whether the work goes on until it is cancelled or its time is over, so that
   * it takes no place among those that run side by side. When the agent stops
   * it is left, and when the agent is back gone on with from `validate`, as the
   * same attempt. It has no keys, and may be begun again.
   */
  standing(payload: Payload): boolean;
  /**
   * Where the work is done, such as `cluster "8c51…"`: for good the same there,
   * and another anywhere else; `undefined` when that makes no difference. The
   * agent keeps it in its journal, and works in no other place.
   *
   * @throws {TransporterError} `denied` when the executor may not know: the agent works all the same, and
   * asks again later. After any other error it takes no events until it knows.
   */
  place(signal: AbortSignal): Promise<string | undefined>;
  /** After a restart: finds work that was begun; `"lost"` makes the event `interrupted`. Not asked for standing work. */
  recover(
    payload: Payload,
    context: ExecutorContext,
  ): Promise<Recovery<Result>>;
  /**
   * Told that the control plane has the end of an attempt for good: what was
   * kept in case the agent needs it once more may go, of this attempt and of
   * those before it. Never before that, and at least once, maybe by a later
   * process of the agent; an error is logged, and it is not told again. Never
   * told under a control plane of version 1, which acknowledges nothing, so
   * that what is kept needs an end of its own. Absent: it keeps nothing.
   */
  acknowledged?(context: AcknowledgedContext): Promise<void>;
}

/**
 * The pure part of an executor, which the control plane's intake and the
 * command line use although they run no executor: it needs no cluster and no
 * configuration.
 */
export interface EventKind {
  /** The event type. */
  readonly type: string;
  /**
   * Refuses a payload that can never succeed.
   *
   * @throws {TransporterError} of class `invalid` or `unsupported`, naming what is wrong and where.
   */
  check(payload: unknown): Promise<void>;
  /** Whether a payload that passed `check` may be run again after a crash in the middle. */
  repeatable(payload: unknown): boolean;
}

/**
 * What a plugin module exports: a name, a config schema, and how to open it.
 *
 * @typeParam Config What the operator may configure.
 */
export interface Plugin<Config = unknown> {
  /** The version of this interface that it is written for; who passes a plugin in code may leave it out. */
  readonly api?: number;
  /** Its version, semver; who passes a plugin in code may leave it out. */
  readonly version?: string;
  /** The event type, equal to the `info.type` of the executor it opens. */
  readonly type: string;
  /** The shape of the operator's config. Unknown keys are refused. */
  readonly config: Schema<Config>;
  /** The pure part, for intake. */
  readonly kind: EventKind;
  /** Acquires what the executor needs. Importing a plugin has no effect; this may. */
  open(config: Config, context: PluginContext): Promise<Executor>;
}

/** What a plugin gets when it is opened. */
export interface PluginContext {
  /** Aborts when opening must be given up. */
  readonly signal: AbortSignal;
  /** For facts that the operator of the agent needs. */
  readonly log: Logger;
  /**
   * The value of a secret that the operator lends to a plugin, by its name;
   * absent: none is lent.
   *
   * @throws {TransporterError} `denied` for one that is not lent; `usage` for one that cannot be read now.
   */
  readonly secret?: (name: string) => Promise<string>;
}

/** What {@linkcode defineExecutor} needs: the interface, with what has a safe default left out. */
export interface ExecutorDefinition<Payload, Plan, Result> {
  /** The event type it serves. */
  readonly type: string;
  /** The version of the executor, semver. */
  readonly version: string;
  /** The shape of the payload. */
  readonly schema: Schema<Payload>;
  /** See {@linkcode Executor.validate}. */
  validate(payload: Payload, context: ExecutorContext): Promise<Plan>;
  /** See {@linkcode Executor.apply}. */
  apply(plan: Plan, context: ExecutorContext): Promise<Result>;
  /** See {@linkcode Executor.verify}. */
  verify(
    plan: Plan,
    result: Result,
    context: ExecutorContext,
  ): Promise<Result | void>;
  /** See {@linkcode Executor.keys}; by default `["*"]`: one event of this type at a time. */
  keys?(payload: Payload): readonly string[];
  /** See {@linkcode Executor.repeatable}; by default false: never run twice. */
  repeatable?(payload: Payload): boolean;
  /** See {@linkcode Executor.standing}; by default false: all work comes to its end. */
  standing?(payload: Payload): boolean;
  /** See {@linkcode Executor.place}; by default it makes no difference where. */
  place?(signal: AbortSignal): Promise<string>;
  /** See {@linkcode Executor.recover}; by default work that was begun is lost. */
  recover?(
    payload: Payload,
    context: ExecutorContext,
  ): Promise<Recovery<Result>>;
  /** See {@linkcode Executor.acknowledged}; by default it is not told. */
  acknowledged?(context: AcknowledgedContext): Promise<void>;
  /** Releases what the executor holds. */
  close?(): Promise<void>;
}

/**
 * Makes an executor, with safe defaults for what a small one does not need.
 *
 * @param definition The phases, and what differs from the defaults.
 * @returns The executor.
 */
export function defineExecutor<Payload, Plan, Result>(
  definition: ExecutorDefinition<Payload, Plan, Result>,
): Executor<Payload, Plan, Result> {
  const { acknowledged } = definition;
  return {
    info: { type: definition.type, version: definition.version },
    schema: definition.schema,
    validate: (payload, context) => definition.validate(payload, context),
    apply: (plan, context) => definition.apply(plan, context),
    verify: (plan, result, context) => definition.verify(plan, result, context),
    keys: (payload) => definition.keys?.(payload) ?? ["*"],
    repeatable: (payload) => definition.repeatable?.(payload) ?? false,
    standing: (payload) => definition.standing?.(payload) ?? false,
    place: (signal) => definition.place?.(signal) ?? Promise.resolve(undefined),
    recover: (payload, context) =>
      definition.recover?.(payload, context) ??
        Promise.resolve({ kind: "lost" }),
    // Who is not there need not be told.
    ...(acknowledged &&
      { acknowledged: (context) => acknowledged.call(definition, context) }),
    [Symbol.asyncDispose]: () => definition.close?.() ?? Promise.resolve(),
  };
}
