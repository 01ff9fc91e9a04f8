import { formatDuration, TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import { type CommandContext, examples } from "./command.ts";
import { deliver } from "./deliver.ts";
import type { Host } from "./host.ts";
import type { Invocation } from "./invocation.ts";
import * as read from "./options.ts";
import {
  addSendCommand,
  checkDraft,
  deliverOptions,
  draftsOf,
  type SendFlags,
} from "./send_options.ts";
import { readSources } from "./sources.ts";
import { safe } from "./text.ts";

/** What `send script` takes besides. */
interface ScriptFlags extends SendFlags {
  readonly file: string;
  readonly interpreter?: string | undefined;
  readonly runner?: string | undefined;
  readonly image?: string | undefined;
  readonly permission?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly secret?: readonly string[] | undefined;
  readonly stdin?: string | undefined;
  readonly scriptTimeout?: number | undefined;
  readonly logs?: true | undefined;
}

function usage(message: string): never {
  throw new TransporterError("usage", message);
}

/** Collects variables, `NAME=VALUE`; what may be a name the check of the payload decides. */
function variables(
  value: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = value.indexOf("=");
  if (at < 1) read.refuse("--env", value, 'like "STAGE=production"');
  const name = value.slice(0, at);
  if (Object.hasOwn(previous, name)) {
    usage(`Cannot use --env "${safe(name)}" twice`);
  }
  return { ...previous, [name]: value.slice(at + 1) };
}

/** The variables of the script; secrets come from our own environment, so that no list of processes shows them. */
function envOf(
  { env = {}, secret = [] }: ScriptFlags,
  host: Host,
): Readonly<Record<string, unknown>> {
  const secrets = secret.map((name) => {
    const value = host.env[name];
    if (value === undefined) {
      usage(
        `Cannot use --secret "${
          safe(name)
        }": there is no such variable in the environment`,
      );
    }
    if (Object.hasOwn(env, name)) {
      usage(`Cannot use both --env and --secret for "${safe(name)}"`);
    }
    return [name, { secret: value }] as const;
  });
  return { ...env, ...Object.fromEntries(secrets) };
}

/** The program that the first line of a script names: `#!/bin/bash`, `#!/usr/bin/env python3`. */
function shebang(text: string): string | undefined {
  const [, program, first] =
    /^#!\s*(?:\S*\/)?([^\s/]+)(?:[ \t]+(\S+))?/.exec(text) ?? [];
  return program === "env" ? first : program;
}

/** Reads one text; a folder of them is none. */
async function readOne(
  flag: string,
  name: string,
  host: Host,
): Promise<string> {
  if (await host.files.kindOf(name).catch(() => undefined) === "folder") {
    usage(
      `Cannot use ${flag} "${
        safe(name)
      }": it is a folder, and one file is needed`,
    );
  }
  const [source] = await readSources([name], host);
  if (source === undefined) throw new RangeError("A file is one source");
  return source.text;
}

async function payloadOf(
  flags: ScriptFlags,
  args: readonly string[],
  host: Host,
): Promise<Readonly<Record<string, unknown>>> {
  if (flags.file === "-" && flags.stdin === "-") {
    usage(
      "Cannot use both -f - and --stdin -: standard input can be read once",
    );
  }
  const script = await readOne("-f", flags.file, host);
  const stdin = flags.stdin === undefined
    ? undefined
    : await readOne("--stdin", flags.stdin, host);
  const interpreter = flags.interpreter ?? shebang(script);
  const env = envOf(flags, host);
  return {
    script,
    ...(args.length === 0 ? {} : { args }),
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(stdin === undefined ? {} : { stdin }),
    ...(flags.scriptTimeout === undefined
      ? {}
      : { timeout: formatDuration(flags.scriptTimeout) }),
    ...(flags.runner === undefined ? {} : { runner: flags.runner }),
    ...(flags.image === undefined ? {} : { image: flags.image }),
    ...(flags.permission === undefined
      ? {}
      : { permissions: flags.permission }),
  };
}

async function run(
  flags: ScriptFlags,
  args: readonly string[],
  invocation: Invocation,
): Promise<number> {
  const { logs } = flags;
  const { host } = invocation;
  if (logs && (flags.agent?.length ?? 0) > 1) {
    usage(
      'Cannot use --logs with several agents: send it without, and "transporter logs ID -f" follows one',
    );
  }
  if (logs && !invocation.isTable) {
    usage(
      'Cannot use --logs with -o: "transporter logs ID -o json" gives output to programs',
    );
  }
  const options = deliverOptions({ ...flags, wait: logs ? true : flags.wait });
  const base = { type: "script", payload: {} };
  draftsOf(base, flags, host); // wrong flags show before anything is read
  const payload = await payloadOf(flags, args, host);
  const drafts = draftsOf({ ...base, payload }, flags, host);
  for (const draft of drafts.slice(0, 1)) await checkDraft(draft, host);
  return await deliver(invocation, drafts, { ...options, logs: logs ?? false });
}

/** Adds `send script`. */
export function addSendScript(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addSendCommand(parent, "script")
    .summary("run a script beside an agent")
    .description(
      "Run a script beside an agent that has scripts enabled, confined.\n\n" +
        "What comes after -- are its arguments; nothing of them is interpreted.",
    )
    .argument("[ARG...]", "arguments of the script, after --")
    .requiredOption(
      "-f, --file <SOURCE>",
      "file, http(s) address, or - for standard input",
      read.once("-f", read.text),
    )
    .option(
      "--interpreter <NAME>",
      "what runs it, by the name that the agent has for it (default: what its first line says after #!, else sh)",
      read.once("--interpreter", read.text),
    )
    .option(
      "--env <NAME=VALUE>",
      "a variable in its environment; repeatable",
      variables,
    )
    .option(
      "--secret <NAME>",
      "a variable that it gets from your environment, and that is taken out of what it writes; repeatable",
      read.collect,
    )
    .option(
      "--stdin <SOURCE>",
      "file, http(s) address, or - for what it finds in its standard input",
      read.once("--stdin", read.text),
    )
    .option(
      "--script-timeout <DURATION>",
      "how long it may run (default: as long as the agent allows)",
      read.once("--script-timeout", read.nanoseconds("--script-timeout")),
    )
    .option(
      "--permission <PERMISSION>",
      "with the interpreter deno: what it may do, such as net=api.example:443; repeatable",
      read.collect,
    )
    .option(
      "--runner <process|job>",
      "confined beside the agent, or in a Pod of its cluster (default: as the agent does)",
      read.once("--runner", read.text),
    )
    .option(
      "--image <IMAGE>",
      "with --runner job: one of the images that the agent allows (default: its first one)",
      read.once("--image", read.text),
    )
    .option("--logs", "show what it writes while it runs, and wait for its end")
    .action(async (args, flags, self) => {
      context.finish(await run(flags, args, context.open(self)));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Run a script, and see what it writes",
      "transporter send script -f check.sh --agent edge-7 --logs",
    ],
    [
      "With arguments, a variable, and a minute at most",
      "transporter send script -f check.sh --agent edge-7 --env STAGE=test --script-timeout 1m --wait -- --all 'two words'",
    ],
    [
      "With a secret that does not show in its output",
      "transporter send script -f check.sh --agent edge-7 --secret TOKEN --logs",
    ],
    [
      "In a Pod of the agent's cluster",
      "transporter send script -f check.sh --agent edge-7 --runner job --logs",
    ],
    [
      "Its exit code, for a program",
      "transporter send script -f check.sh --agent edge-7 --wait -o json | jq .result.exit_code",
    ],
  ]);
}
