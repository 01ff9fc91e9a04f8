import { type Executor, TransporterError } from "@transporter/sdk";

/**
 * Writes down what a plugin gave.
 *
 * @throws {TransporterError} `internal` for what is no JSON, such as a circle.
 */
export function toJson(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  try {
    return JSON.stringify(value, replacer);
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause)
      .split("\n");
    throw new TransporterError(
      "internal",
      `Cannot pass on what the plugin gave as it is no JSON: ${why}`,
    );
  }
}

/**
 * Fails the events of a plugin in this process that lead to what is no JSON:
 * an agent that cannot write down how an event ended would end itself.
 *
 * @param executor The plugin's.
 * @returns An executor like it.
 */
export function jsonOnly(executor: Executor): Executor {
  const phase = async <Value>(run: () => Promise<Value>): Promise<Value> => {
    let value: Value;
    try {
      value = await run();
    } catch (reason) {
      toJson(TransporterError.from(reason).toJSON());
      throw reason;
    }
    toJson(value);
    return value;
  };
  const { acknowledged } = executor;
  return {
    info: executor.info,
    schema: executor.schema,
    // Its plan stays here.
    validate: (payload, context) => executor.validate(payload, context),
    apply: (plan, context) => phase(() => executor.apply(plan, context)),
    verify: (plan, result, context) =>
      phase(() => executor.verify(plan, result, context)),
    recover: (payload, context) =>
      phase(() => executor.recover(payload, context)),
    keys: (payload) => executor.keys(payload),
    repeatable: (payload) => executor.repeatable(payload),
    standing: (payload) => executor.standing(payload),
    place: (signal) => executor.place(signal),
    ...(acknowledged && {
      acknowledged: (context) => acknowledged.call(executor, context),
    }),
    [Symbol.asyncDispose]: () => executor[Symbol.asyncDispose](),
  };
}
