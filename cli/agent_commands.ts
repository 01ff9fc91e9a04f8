import type { AgentView } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { addGlobals, addGroupGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Format, Invocation } from "./invocation.ts";
import { agentId } from "./options.ts";
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
  readonly act: (client: Client, id: string) => Promise<AgentView | undefined>;
}

const VERBS: readonly Verb[] = [
  {
    name: "pause",
    done: "paused",
    summary: "release nothing to an agent any more",
    description:
      "Release nothing to an agent any more: events for it are accepted and wait, and what it has it finishes. " +
      'It stays paused until "transporter resume agent", also over restarts.',
    example: [
      "Hold everything back during maintenance",
      "transporter pause agent edge-7",
    ],
    formats: FORMATS,
    act: (client, id) => client.setPaused(id, true),
  },
  {
    name: "resume",
    done: "resumed",
    summary: "let a paused agent go on",
    description: "Let a paused agent go on: what waits is released at once.",
    example: ["Maintenance is over", "transporter resume agent edge-7"],
    formats: FORMATS,
    act: (client, id) => client.setPaused(id, false),
  },
  {
    name: "delete",
    done: "deleted",
    summary: "forget an agent, and end what is open for it",
    description:
      "Forget an agent: its session ends, what waits for it is cancelled, and what it has ends as failed, code " +
      "interrupted, since nobody will say how it ended. An agent of this id that registers later is another one.",
    example: ["A cluster is gone for good", "transporter delete agent edge-7"],
    formats: ["table", "name"],
    async act(client, id) {
      await client.deleteAgent(id);
      return undefined;
    },
  },
];

async function run(
  invocation: Invocation,
  { act, done }: Verb,
  id: string,
): Promise<void> {
  const agent = await act(await invocation.client(), id);
  const name = `agent/${safe(id)}`;
  if (invocation.format === "name") invocation.print(`${name}\n`);
  else if (invocation.isTable) invocation.print(`${name} ${done}\n`);
  else invocation.printValue(agent);
}

/** Adds `pause agent`, `resume agent` and `delete agent`. */
export function addAgentCommands(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  for (const verb of VERBS) {
    const { name, summary, description, example, formats } = verb;
    const group = program.command(name).summary(summary).description(
      description,
    );
    addGroupGlobals(group);
    const command = group.command("agent")
      .summary(summary)
      .description(description)
      .addArgument(new Argument("<ID>", "its id").argParser(agentId))
      .action(async (id, _, self) => {
        await run(context.open(self), verb, id);
      });
    addGlobals(command, CLIENT_GLOBALS, formats);
    examples(command, [example]);
    examples(group, [example]);
  }
}
