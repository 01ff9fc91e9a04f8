import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Recovery,
} from "@transporter/sdk";

/** What {@linkcode witness} does beside writing down what is asked of it. */
export interface WitnessOptions {
  /** Done by `apply`. */
  readonly apply?: (
    payload: Record<string, unknown>,
    context: ExecutorContext,
  ) => Promise<unknown>;
  /** Done by `verify`; nothing by default. */
  readonly verify?: (context: ExecutorContext) => Promise<void>;
  /** What a payload touches; nothing by default. */
  readonly keys?: (payload: Record<string, unknown>) => readonly string[];
  /** Whether it may be repeated; yes by default. */
  readonly repeatable?: boolean;
  /** Whether it goes on until its time is over; no by default. */
  readonly standing?: boolean;
  /** What became of what was begun; lost by default. */
  readonly recover?: (
    payload: Record<string, unknown>,
    context: ExecutorContext,
  ) => Promise<Recovery<unknown>>;
}

/** An executor of type `witness` that tells each start of an attempt, as `id attempt`. */
export function witness(
  started: (attempt: string) => void,
  options: WitnessOptions = {},
): Executor {
  return defineExecutor<
    Record<string, unknown>,
    Record<string, unknown>,
    unknown
  >({
    type: "witness",
    version: "1.0.0",
    schema: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => ({ value: value as Record<string, unknown> }),
      },
    },
    validate: (payload) => Promise.resolve(payload),
    async apply(payload, context) {
      started(`${context.idempotencyKey} ${context.attempt}`);
      return await options.apply?.(payload, context) ?? { done: true };
    },
    verify: (_plan, _result, context) =>
      options.verify?.(context) ?? Promise.resolve(),
    keys: options.keys ?? (() => []),
    repeatable: () => options.repeatable ?? true,
    standing: () => options.standing ?? false,
    ...(options.recover === undefined ? {} : { recover: options.recover }),
  });
}
