import {
  deadline,
  isAgentId,
  isEventId,
  isTerminal,
  STATES,
  TransporterError,
} from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { RootCommand } from "@bomb.sh/tab";
import { showConnection } from "./agent_columns.ts";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { bashScript } from "./completion_bash.ts";
import { isPath } from "./completion_paths.ts";
import { addGlobals, LOCAL_GLOBALS } from "./globals.ts";
import type { Host } from "./host.ts";
import { Invocation } from "./invocation.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** A person who pressed Tab waits no longer, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** Ids that are offered. */
const EVENTS_MAX = 50;

/** What the scripts take for: nothing to offer, complete a path. */
const LEFT_TO_SHELL = ":0\n";

/** Something to choose from. */
interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Runs something that writes with `console.log`, as the completion library does, and takes what it wrote. */
function captured(write: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  // deno-lint-ignore no-console -- given back below; nothing else runs in between
  console.log = (line: unknown) => lines.push(`${line}\n`);
  try {
    write();
  } finally {
    // deno-lint-ignore no-console -- as it was
    console.log = log;
  }
  return lines.join("");
}

/** The library's picture of a command tree. */
async function completionsOf(
  program: CommandUnknownOpts,
): Promise<RootCommand> {
  const { default: tab } = await import("@bomb.sh/tab/commander");
  // The typed commands are the plain ones at run time.
  return tab(program as unknown as Parameters<typeof tab>[0], {
    completionCommandName: "completion",
  });
}

/** The library's script for zsh takes what stands behind a colon in an id for a description. */
function mended(script: string): string {
  return script.replace(
    String.raw`comp=${"$"}{comp//:/\:}`,
    String.raw`comp=${"$"}{comp//:/\\:}`,
  );
}

/** What is offered: agents, events, or those events with which something can be done. */
type Wanted = "agent" | "event" | "open event" | "ended event";

/** Where ids are typed; `many`: one after the other. */
const PLACES: readonly {
  readonly path: readonly string[];
  readonly wanted: Wanted;
  readonly many?: boolean;
}[] = [
  { path: ["get", "agent"], wanted: "agent" },
  { path: ["get", "event"], wanted: "event" },
  { path: ["describe", "agent"], wanted: "agent" },
  { path: ["describe", "event"], wanted: "event" },
  { path: ["pause", "agent"], wanted: "agent", many: true },
  { path: ["resume", "agent"], wanted: "agent", many: true },
  { path: ["delete", "agent"], wanted: "agent", many: true },
  { path: ["logs"], wanted: "event" },
  { path: ["cancel"], wanted: "open event", many: true },
  { path: ["retry"], wanted: "ended event", many: true },
];

/** What a word on the command line stands for, if it is an id. */
function wantedOf(words: readonly string[]): Wanted | undefined {
  if (words.at(-2) === "--agent") return "agent";
  if (words.at(-2) === "--supersedes") return "open event";
  const before = words.slice(0, -1).filter((word) => !word.startsWith("-"));
  const place = PLACES.find(({ path, many = false }) =>
    path.every((word, i) => before[i] === word) &&
    (many || before.length === path.length)
  );
  return place?.wanted;
}

async function list(
  client: Client,
  wanted: Wanted,
): Promise<Candidate[]> {
  if (wanted === "agent") {
    const { items } = await client.agents();
    return items.map((agent) => ({
      value: agent.id,
      description: showConnection(agent),
    }));
  }
  const state = wanted === "event"
    ? undefined
    : STATES.filter((each) => isTerminal(each) === (wanted === "ended event"));
  const { items } = await client.events({ state }, EVENTS_MAX);
  return items.map(({ spec, state }) => ({
    value: spec.id,
    description: state,
  }));
}

function valueOf(words: readonly string[], flag: string): string | undefined {
  const at = words.indexOf(flag);
  return at === -1 ? undefined : words[at + 1];
}

/** Asks for the ids; whatever goes wrong, there are none, since nobody reads errors while completing. */
async function candidates(
  words: readonly string[],
  host: Host,
): Promise<Candidate[]> {
  const wanted = wantedOf(words);
  if (wanted === undefined) return [];
  const [cpUrl, context] = [
    valueOf(words, "--cp-url"),
    valueOf(words, "--context"),
  ];
  const invocation = new Invocation(host, {
    quiet: true,
    ...(cpUrl === undefined ? {} : { cpUrl }),
    ...(context === undefined ? {} : { context }),
  });
  using limit = deadline(host.clock, TIMEOUT_MS, {
    signal: host.signal,
    reason: new TransporterError("timeout", "Waited long enough"),
  });
  try {
    const client = (await invocation.client()).with({ signal: limit.signal });
    const typed = new Set(words.slice(0, -1));
    const found = (await list(client, wanted))
      .filter(({ value }) => !typed.has(value));
    // Scripts of shells expand what they are given: nothing but ids may reach them.
    const fits = wanted === "agent" ? isAgentId : isEventId;
    return found.filter(({ value }) => fits(value));
  } catch (error) {
    if (error instanceof TransporterError) return [];
    throw error;
  }
}

/** The commands that send one event to one agent. */
const SENDS = ["send k8s", "send script", "send policy", "send event"];

/**
 * Answers the script of a shell: what can stand where the cursor is.
 *
 * @param words The words after the program's name; the last one is being typed.
 * @param program The command tree, without `completion`.
 * @param host Where ids are asked for, and where the answer goes.
 */
export async function complete(
  words: readonly string[],
  program: CommandUnknownOpts,
  host: Host,
): Promise<number> {
  if (isPath(words, program)) {
    host.stdout.write(LEFT_TO_SHELL);
    return 0;
  }
  const root = await completionsOf(program);
  const found = await candidates(words, host);
  function offer(add: (value: string, description: string) => void): void {
    for (const { value, description } of found) add(value, description);
  }
  for (const { path, many = false } of PLACES) {
    root.commands.get(path.join(" "))?.argument("ID", offer, many);
  }
  for (const path of ["get events", "cancel", ...SENDS]) {
    root.commands.get(path)?.option("agent", "an agent", offer);
  }
  for (const path of SENDS) {
    root.commands.get(path)?.option("supersedes", "an event", offer);
  }
  host.stdout.write(captured(() => root.parse([...words])));
  return 0;
}

/** Adds `completion`; `tree` makes the command tree without it. */
export function addCompletion(
  program: CommandUnknownOpts,
  context: CommandContext,
  tree: () => CommandUnknownOpts,
): void {
  const command = program.command("completion")
    .summary("write a script that completes commands with Tab")
    .description(
      "Write a script that completes commands, options and ids with Tab. Those for bash, zsh and fish are tested; the one for PowerShell is not.",
    )
    .addArgument(new Argument("<SHELL>", "whose script").choices(SHELLS))
    .action(async (shell, _, self) => {
      context.open(self);
      const root = await completionsOf(tree());
      const name = program.name();
      const script = () => captured(() => root.setup(name, name, shell));
      context.host.stdout.write(
        shell === "bash" ? bashScript(name) : mended(script()),
      );
    });
  addGlobals(command, LOCAL_GLOBALS);
  examples(command, [
    ["For this session of bash", "source <(transporter completion bash)"],
    [
      "For every session of fish",
      "transporter completion fish > ~/.config/fish/completions/transporter.fish",
    ],
    [
      "For zsh, in a folder of $fpath",
      'transporter completion zsh > "${fpath[1]}/_transporter"',
    ],
    [
      "For PowerShell, in your profile",
      "transporter completion powershell >> $PROFILE",
    ],
  ]);
}
