import {
  defineExecutor,
  type Executor,
  type ExecutorContext,
  formatDuration,
  parseDuration,
  TransporterError,
} from "@transporter/sdk";
import type { Config } from "./config.ts";
import { SCRIPT_PATH } from "./inside.ts";
import { type Interpreter, readInterpreters } from "./interpreters.ts";
import {
  EVENT_TYPE,
  INTERPRETER_DEFAULT,
  type Payload,
  payloadSchema,
  type RunnerName,
} from "./payload.ts";
import { checkAllowed, DENO, denoOptions } from "./permissions.ts";
import { resultOf, type ScriptResult } from "./result.ts";
import type { Runner, Surroundings, Task } from "./runner.ts";

/** Follows semver; what a payload may hold and what a result says are its interface. */
export const VERSION = "0.1.0";

/** What is known once a payload was looked at. */
interface Plan {
  readonly runner: Runner;
  readonly task: Task;
}

/** Opens a way of running scripts; each is loaded where it is wanted. */
async function openRunner(
  name: RunnerName,
  config: Config,
  options: Surroundings & { readonly interpreters: readonly Interpreter[] },
): Promise<Runner> {
  if (name === "job") {
    const { openJobRunner } = await import("./job/open.ts");
    return await openJobRunner(config, options);
  }
  const { openProcessRunner } = await import("./process_runner.ts");
  return await openProcessRunner(config, options.interpreters, options);
}

/** One of several that an event names; what is not there is not allowed. */
function choose<T>(
  map: ReadonlyMap<string, T>,
  name: string,
  what: string,
): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  throw new TransporterError(
    "denied",
    `Cannot run a script with ${what}"${name}": this agent has ${
      [...map.keys()].map((each) => `"${each}"`).join(", ")
    }`,
  );
}

/**
 * Opens the executor.
 *
 * @param config What the operator allows.
 * @param surroundings Time, and where to tell.
 * @throws {TransporterError} `unavailable` when nothing can confine scripts here; `usage` for an
 * interpreter that is not there.
 */
export async function openExecutor(
  config: Config,
  surroundings: Surroundings,
): Promise<Executor<Payload, Plan, ScriptResult>> {
  const interpreters = readInterpreters(config.interpreters);
  checkAllowed(config.deno_permissions);
  await using stack = new AsyncDisposableStack();
  const options = { ...surroundings, interpreters: [...interpreters.values()] };
  const runners = new Map<string, Runner>();
  for (const name of new Set(config.runners)) {
    runners.set(name, stack.use(await openRunner(name, config, options)));
  }
  const opened = stack.move();

  async function plan(
    payload: Payload,
    { signal }: Pick<ExecutorContext, "signal">,
  ): Promise<Plan> {
    const { interpreter: name = INTERPRETER_DEFAULT, timeout } = payload;
    const { runner: how = config.runners[0] ?? "process" } = payload;
    const runner = choose(runners, how, "the runner ");
    const interpreter = choose(interpreters, name, "");
    const permissions = name === DENO
      ? denoOptions(payload.permissions ?? [], config.deno_permissions)
      : [];
    const program = await runner.accept(payload, interpreter, signal);
    const args = payload.args ?? [];
    return {
      runner,
      task: {
        payload,
        command: [program, ...permissions, SCRIPT_PATH, ...args],
        timeoutMs: timeoutOf(timeout, config),
      },
    };
  }

  // A process leaves nothing behind.
  const keeping = [...runners.values()].filter(({ acknowledged }) =>
    acknowledged !== undefined
  );

  return defineExecutor<Payload, Plan, ScriptResult>({
    type: EVENT_TYPE,
    version: VERSION,
    schema: payloadSchema,
    validate: plan,
    async apply({ runner, task }, context) {
      return resultOf(await runner.run(task, context));
    },
    verify: () => Promise.resolve(), // nothing of it is left that could be looked at
    keys: () => [], // nobody knows what it touches; who does names a concurrency_key
    async recover(payload, context) {
      const { runner, task } = await plan(payload, context);
      const end = await runner.recover(task, context);
      if (end === undefined) return { kind: "lost" };
      try {
        return { kind: "done", result: resultOf(end) };
      } catch (reason) {
        const error = TransporterError.from(reason);
        const { details: { result, ...rest } = {}, ...body } = error.toJSON();
        return {
          kind: "failed",
          error: { ...body, details: rest },
          result: result as ScriptResult,
        };
      }
    },
    ...(keeping.length > 0 && {
      async acknowledged(context) {
        for (const runner of keeping) await runner.acknowledged?.(context);
      },
    }),
    close: () => opened.disposeAsync(),
  });
}

/** How long a script may run, in milliseconds. */
function timeoutOf(timeout: string | undefined, config: Config): number {
  const { timeout_max_ms: most } = config;
  if (timeout === undefined) return most;
  const ms = parseDuration(timeout) / 1e6;
  if (ms <= most) return Math.max(1, ms);
  throw new TransporterError(
    "denied",
    `Cannot let a script run for ${timeout}: this agent lets it run for ${
      formatDuration(most * 1e6)
    } at most`,
  );
}
