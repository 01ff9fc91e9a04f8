import { deadline, TransporterError } from "@transporter/sdk";
import type { Config } from "./config.ts";
import {
  type Confinement,
  findConfinement,
  prlimitOf,
  userOf,
} from "./confinement.ts";
import { type Limits, PATH, SCRIPT_PATH } from "./inside.ts";
import { Digests, findPrograms, type Interpreter } from "./interpreters.ts";
import { type Payload, secretsOf, valueOf } from "./payload.ts";
import { type ProcessEnd, runProcess } from "./process.ts";
import { outOfTime } from "./result.ts";
import type { Runner, Surroundings, TaskContext } from "./runner.ts";
import { Scratch } from "./scratch.ts";
import { seccompFilter } from "./seccomp.ts";

/** How long the confinement may take to run a script that does nothing, in milliseconds. */
const PROBE_MS_MAX = 30_000;

/** What every script has in its environment, unless it says otherwise. */
const USUAL = { PATH, HOME: "/tmp", LANG: "C.UTF-8" };

/** Commands of a shell that set variables; whatever a value is, it stays one. */
function variables(env: Readonly<Record<string, string>>): string {
  return Object.entries(env).map(([name, value]) =>
    `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`
  ).join("");
}

/** What a script is, without its bounds in time. */
interface Job extends Pick<Payload, "script" | "stdin" | "env"> {
  readonly command: readonly string[];
}

/**
 * Opens what runs scripts as confined processes beside the agent.
 *
 * @param config What the operator allows.
 * @param interpreters What may run them.
 * @param surroundings Time, and where to tell.
 * @throws {TransporterError} `unavailable` when nothing can confine scripts here; `usage` for an
 * interpreter that is not there.
 */
export async function openProcessRunner(
  config: Config,
  interpreters: readonly Interpreter[],
  { clock, log, signal }: Surroundings,
): Promise<Runner> {
  const programs = await findPrograms(interpreters);
  const digests = new Digests();
  const scratch = new Scratch(config.dir);
  const filter = seccompFilter(Deno.build.arch);
  const isRoot = Deno.uid() === 0;
  const limits: Omit<Limits, "root"> = {
    ...userOf(config.user),
    isRoot,
    network: config.network,
    tmpBytes: config.tmp_mib * 1024 * 1024,
    extras: [...programs.values()]
      .filter(({ path, inside }) => path !== inside)
      .map(({ path, inside }) => [path, inside]),
    prlimit: prlimitOf(config),
    seccomp: filter.length > 0,
  };

  async function run(
    confinement: Confinement,
    job: Job,
    options: Pick<TaskContext, "signal" | "output">,
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
      signal: options.signal,
      output: (stream, text) => options.output(stream, text),
      args: confinement.args(command, { ...limits, root: room.root }),
      files,
      stdin,
      secrets: secretsOf(env),
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
  log.info("Scripts run beside the agent", {
    confinement: confinement.name,
    network: config.network,
  });
  return {
    async accept(_, { name }) {
      const program = programs.get(name);
      if (program === undefined) throw new TypeError("It was looked for");
      await digests.check(program);
      return program.inside;
    },
    async run({ payload, command, timeoutMs }, context) {
      const { signal } = context;
      const reason = outOfTime(timeoutMs);
      using limit = deadline(clock, timeoutMs, { signal, reason });
      const end = await run(confinement, { ...payload, command }, {
        signal: limit.signal,
        output: (stream, text) => context.output(stream, text),
      });
      if (!limit.signal.aborted) return end;
      return { ...end, stopped: limit.signal.reason };
    },
    recover: () => Promise.resolve(undefined), // it ended with the agent that began it
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
