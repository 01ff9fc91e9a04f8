import { type AgentView, TransporterError } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { showOpen, showStatus } from "./agent_columns.ts";
import { showValues, worst } from "./await_ends.ts";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { confirm } from "./confirm.ts";
import { addGlobals, addGroupGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Format, Invocation } from "./invocation.ts";
import { agentId, ids } from "./options.ts";
import { safe } from "./text.ts";

const FORMATS: readonly Format[] = ["table", "json", "yaml", "name"];

/** A verb for agents: `pause agent ID`. */
interface Verb {
  readonly name: string;
  /** What was done, for people. */
  readonly done: string;
  readonly summary: string;
  readonly description: string;
  readonly example: readonly [what: string, command: string];
  readonly formats: readonly Format[];
  /** Whether a person is asked first. */
  readonly asks: boolean;
  readonly act: (client: Client, id: string) => Promise<AgentView | undefined>;
}

const VERBS: readonly Verb[] = [
  {
    name: "pause",
    done: "paused",
    summary: "release nothing to agents any more",
    description:
      "Release nothing to agents any more: events for them are accepted and wait, and what they have they finish. " +
      'They stay paused until "transporter resume agent", also over restarts.',
    example: [
      "Hold everything back during maintenance",
      "transporter pause agent edge-7",
    ],
    formats: FORMATS,
    asks: false,
    act: (client, id) => client.setPaused(id, true),
  },
  {
    name: "resume",
    done: "resumed",
    summary: "let paused agents go on",
    description: "Let paused agents go on: what waits is released at once.",
    example: ["Maintenance is over", "transporter resume agent edge-7"],
    formats: FORMATS,
    asks: false,
    act: (client, id) => client.setPaused(id, false),
  },
  {
    name: "delete",
    done: "deleted",
    summary: "forget agents, and end what is open for them",
    description:
      "Forget agents: their sessions end, what waits for them is cancelled, and what they have ends as failed, code " +
      "interrupted, since nobody will say how it ended. An agent of the same id that registers later is another one, " +
      "so stop one that still runs first.",
    example: ["A cluster is gone for good", "transporter delete agent edge-7"],
    formats: ["table", "name"],
    asks: true,
    async act(client, id) {
      await client.deleteAgent(id);
      return undefined;
    },
  },
];

/** What would be lost, before a person says yes to it. */
async function question(
  client: Client,
  wanted: readonly string[],
): Promise<string> {
  const agents = await Promise.all(wanted.map((id) => client.agent(id)));
  const parts = agents.map((agent) => {
    const open = showOpen(agent.open_events);
    const ends = open === "" ? "no open events" : `ends ${open}`;
    return `agent "${safe(agent.id)}" (${showStatus(agent)}, ${safe(ends)})`;
  });
  return `Delete ${parts.join(", ")}`;
}

async function run(
  invocation: Invocation,
  { act, done, asks }: Verb,
  { wanted, yes }: {
    readonly wanted: readonly string[];
    readonly yes: boolean;
  },
): Promise<number> {
  const client = await invocation.client();
  if (
    asks && !yes && !await confirm(invocation, () => question(client, wanted))
  ) {
    throw new TransporterError("denied", "Nothing is deleted, as you said");
  }
  const views: AgentView[] = [];
  const codes: number[] = [];
  for (const id of wanted) {
    try {
      const view = await act(client, id);
      if (view !== undefined) views.push(view);
      const name = `agent/${safe(id)}`;
      if (invocation.format === "name") invocation.print(`${name}\n`);
      else if (invocation.isTable) invocation.print(`${name} ${done}\n`);
    } catch (reason) {
      const error = TransporterError.from(reason);
      codes.push(invocation.fail(error));
      if (error.class === "unavailable" || error.code === "cancelled") break;
    }
  }
  if (invocation.isValue) showValues(invocation, views);
  return worst(codes);
}

/** Adds `pause agent`, `resume agent` and `delete agent`. */
export function addAgentCommands(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  for (const verb of VERBS) {
    const { name, summary, description, example, formats, asks } = verb;
    const group = program.command(name).summary(summary).description(
      description,
    );
    addGroupGlobals(group);
    const command = group.command("agent")
      .summary(summary)
      .description(description)
      .addArgument(
        new Argument("<ID...>", "their ids").argParser(ids(agentId)),
      );
    if (asks) {
      command.option("-y, --yes", "do not ask whether that is really wanted");
    }
    command.action(async (wanted, _, self) => {
      const yes = self.getOptionValue("yes") === true;
      const invocation = context.open(self);
      context.finish(await run(invocation, verb, { wanted, yes }));
    });
    addGlobals(command, CLIENT_GLOBALS, formats);
    examples(command, [example]);
    examples(group, [example]);
  }
}
