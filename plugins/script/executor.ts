import {
  type Clock,
  deadline,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  formatDuration,
  type Logger,
  parseDuration,
  TransporterError,
} from "@transporter/sdk";
import type { Config } from "./config.ts";
import {
  type Confinement,
  findConfinement,
  prlimitOf,
  userOf,
} from "./confinement.ts";
import { type Limits, PATH, SCRIPT_PATH } from "./inside.ts";
import { Digests, readInterpreters } from "./interpreters.ts";
import {
  EVENT_TYPE,
  INTERPRETER_DEFAULT,
  type Payload,
  payloadSchema,
  valueOf,
} from "./payload.ts";
import { checkAllowed, DENO, denoOptions } from "./permissions.ts";
import { type ProcessEnd, runProcess } from "./process.ts";
import { resultOf, type ScriptResult } from "./result.ts";
import { Scratch } from "./scratch.ts";
import { seccompFilter } from "./seccomp.ts";

/** Follows semver; what a payload may hold and what a result says are its interface. */
export const VERSION = "0.1.0";

/** How long the confinement may take to run a script that does nothing, in milliseconds. */
const PROBE_MS_MAX = 30_000;

/** What is known once a payload was looked at. */
interface Plan {
  readonly payload: Payload;
  /** The interpreter and its arguments. */
  readonly command: readonly string[];
  /** How long the script may run, in milliseconds. */
  readonly timeoutMs: number;
}

/** What the executor needs of the outside. */
export interface Surroundings {
  /** Where time comes from. */
  readonly clock: Clock;
  /** For facts that the operator needs. */
  readonly log: Logger;
  /** Aborts when opening must be given up. */
  readonly signal: AbortSignal;
}

/** Commands of a shell that set variables; whatever a value is, it stays one. */
function variables(env: Readonly<Record<string, string>>): string {
  return Object.entries(env).map(([name, value]) =>
    `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`
  ).join("");
}

/** What every script has in its environment, unless it says otherwise. */
const USUAL = { PATH, HOME: "/tmp", LANG: "C.UTF-8" };

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
  const { clock, log, signal } = surroundings;
  const interpreters = await readInterpreters(config.interpreters);
  checkAllowed(config.deno_permissions);
  const digests = new Digests();
  const scratch = new Scratch(config.dir);
  const filter = seccompFilter(Deno.build.arch);
  const isRoot = Deno.uid() === 0;
  const limits: Omit<Limits, "root"> = {
    ...userOf(config.user),
    isRoot,
    network: config.network,
    tmpBytes: config.tmp_mib * 1024 * 1024,
    extras: [...interpreters.values()].filter(({ path, inside }) =>
      path !== inside
    ).map(({ path, inside }) => [path, inside]),
    prlimit: prlimitOf(config),
    seccomp: filter.length > 0,
  };

  async function run(
    confinement: Confinement,
    job: Pick<Payload, "script" | "stdin" | "env"> & {
      readonly command: readonly string[];
    },
    options: Pick<ExecutorContext, "signal" | "output">,
  ): Promise<ProcessEnd> {
    await using room = await scratch.open();
    const { script, stdin, env = {}, command } = job;
    const values = Object.entries(env).map(([name, value]) =>
      [name, valueOf(value)] as const
    );
    const files = await room.write({
      filter,
      script,
      env: variables({ ...USUAL, ...Object.fromEntries(values) }),
    });
    return await runProcess({
      ...options,
      args: confinement.args(command, { ...limits, root: room.root }),
      files,
      stdin,
      secrets: Object.values(env)
        .flatMap((value) => typeof value === "string" ? [] : value.secret),
      clock,
      graceMs: config.grace_ms,
    });
  }

  async function probe(confinement: Confinement): Promise<string | undefined> {
    using limit = deadline(clock, PROBE_MS_MAX, {
      signal,
      reason: new TransporterError("timeout", "It does not come to its end"),
    });
    const { begun, code, lastLine } = await run(confinement, {
      script: "exit 7\n",
      command: ["/bin/sh", SCRIPT_PATH],
    }, { signal: limit.signal, output() {} });
    limit.signal.throwIfAborted();
    return begun && code === 7 ? undefined : lastLine || `exit code ${code}`;
  }

  const confinement = await findConfinement(config, isRoot, probe);
  log.info("Scripts are enabled", {
    confinement: confinement.name,
    interpreters: [...interpreters.keys()],
    network: config.network,
  });

  return defineExecutor<Payload, Plan, ScriptResult>({
    type: EVENT_TYPE,
    version: VERSION,
    schema: payloadSchema,
    async validate(payload) {
      const { interpreter: name = INTERPRETER_DEFAULT, timeout } = payload;
      const interpreter = interpreters.get(name);
      if (interpreter === undefined) {
        throw new TransporterError(
          "denied",
          `Cannot run a script with "${name}": this agent has ${
            [...interpreters.keys()].map((each) => `"${each}"`).join(", ")
          }`,
        );
      }
      await digests.check(interpreter);
      const options = name === DENO
        ? denoOptions(payload.permissions ?? [], config.deno_permissions)
        : [];
      return {
        payload,
        command: [
          interpreter.inside,
          ...options,
          SCRIPT_PATH,
          ...payload.args ?? [],
        ],
        timeoutMs: timeoutOf(timeout, config),
      };
    },
    async apply({ payload, command, timeoutMs }, context) {
      using limit = deadline(clock, timeoutMs, {
        signal: context.signal,
        reason: new TransporterError(
          "timeout",
          `The script did not end within ${
            formatDuration(timeoutMs * 1e6)
          }, and was stopped`,
        ),
      });
      const end = await run(confinement, {
        ...payload,
        command,
      }, {
        signal: limit.signal,
        output: (stream, text) => context.output(stream, text),
      });
      return resultOf(end, limit.signal);
    },
    verify: () => Promise.resolve(), // nothing of it is left that could be looked at
    keys: () => [], // nobody knows what it touches; who does names a concurrency_key
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
