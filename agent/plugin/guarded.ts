import type {
  Executor,
  ExecutorContext,
  OutputStream,
  Redactor,
} from "@transporter/sdk";
import type { PluginSecrets } from "./secrets.ts";

const STREAMS: readonly OutputStream[] = ["stdout", "stderr"];

/**
 * Takes the secrets of a plugin out of all that it says of an event: reports,
 * output, log, result and error.
 *
 * @param executor The plugin's.
 * @param secrets What it must not say.
 * @returns An executor like it; the same where there are no secrets.
 */
export function guarded(executor: Executor, secrets: PluginSecrets): Executor {
  if (!secrets.any) return executor;
  const { acknowledged } = executor;
  const { "~standard": standard } = executor.schema;
  return {
    info: executor.info,
    schema: {
      "~standard": {
        ...standard,
        async validate(value) {
          const found = await standard.validate(value);
          // A payload stays the object it is: what is known of it hangs on that.
          return found.issues === undefined ? found : secrets.redact(found);
        },
      },
    },
    validate: (payload, context) =>
      phase(context, secrets, (lent) => executor.validate(payload, lent)),
    apply: async (plan, context) =>
      secrets.redact(
        await phase(context, secrets, (lent) => executor.apply(plan, lent)),
      ),
    verify: async (plan, result, context) =>
      secrets.redact(
        await phase(
          context,
          secrets,
          (lent) => executor.verify(plan, result, lent),
        ),
      ),
    recover: async (payload, context) =>
      secrets.redact(
        await phase(
          context,
          secrets,
          (lent) => executor.recover(payload, lent),
        ),
      ),
    keys: (payload) => executor.keys(payload),
    repeatable: (payload) => executor.repeatable(payload),
    standing: (payload) => executor.standing(payload),
    place: (signal) => executor.place(signal),
    ...(acknowledged && {
      async acknowledged(context) {
        const log = secrets.logger(context.log);
        try {
          await acknowledged.call(executor, { ...context, log });
        } catch (reason) {
          throw secrets.error(reason);
        }
      },
    }),
    [Symbol.asyncDispose]: () => executor[Symbol.asyncDispose](),
  };
}

async function phase<Value>(
  context: ExecutorContext,
  secrets: PluginSecrets,
  run: (lent: ExecutorContext) => Promise<Value>,
): Promise<Value> {
  const output = new SafeOutput(secrets, context);
  try {
    return await run({
      ...context,
      log: secrets.logger(context.log),
      report: (message, details) =>
        context.report(secrets.redact(message), secrets.redact(details)),
      output: (stream, text) => output.push(stream, text),
    });
  } catch (reason) {
    throw secrets.error(reason);
  } finally {
    output.end();
  }
}

/** The output of a phase, also where a secret comes in pieces. */
class SafeOutput {
  readonly #secrets: PluginSecrets;
  readonly #context: ExecutorContext;
  readonly #redactors = new Map<OutputStream, Redactor>();
  #version = -1;

  constructor(secrets: PluginSecrets, context: ExecutorContext) {
    this.#secrets = secrets;
    this.#context = context;
  }

  push(stream: OutputStream, text: string): void {
    if (this.#secrets.version !== this.#version) this.end(); // one came since
    this.#version = this.#secrets.version;
    const redactor = this.#redactors.get(stream) ?? this.#secrets.redactor();
    this.#redactors.set(stream, redactor);
    this.#pass(stream, redactor.push(text));
  }

  /** Passes on what was held back. */
  end(): void {
    for (const stream of STREAMS) {
      this.#pass(stream, this.#redactors.get(stream)?.end() ?? "");
    }
    this.#redactors.clear();
  }

  #pass(stream: OutputStream, text: string): void {
    if (text !== "") this.#context.output(stream, text);
  }
}
