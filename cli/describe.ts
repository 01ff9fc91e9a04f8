import { type AgentView, TransporterError } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { describeAgent } from "./describe_agent.ts";
import { describeEvent, type DescribeOptions } from "./describe_event.ts";
import { addGlobals, addGroupGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Format, Invocation } from "./invocation.ts";
import { agentId, eventId } from "./options.ts";

const FORMATS: readonly Format[] = ["table", "json", "yaml"];

/** How many of an agent's events its description shows. */
const EVENTS_MAX = 10;

function show<T>(
  invocation: Invocation,
  value: T,
  text: (value: T, options: DescribeOptions) => string,
): void {
  if (!invocation.isTable) return invocation.printValue(value);
  const options = {
    columns: undefined,
    paint: invocation.paint,
    now: invocation.host.clock.now(),
  };
  invocation.print(text(value, options));
}

/** An agent; `undefined` when there is none of that id. */
async function known(
  client: Client,
  id: string,
): Promise<AgentView | undefined> {
  try {
    return await client.agent(id);
  } catch (error) {
    if (TransporterError.from(error).code === "unknown_agent") return undefined;
    throw error;
  }
}

/** Adds `describe` and what is below it. */
export function addDescribe(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const group = program.command("describe")
    .summary("show everything about an event or an agent")
    .description("Show everything about an event or an agent.");
  addGroupGlobals(group);

  const event = group.command("event")
    .summary("show an event, what it led to and its history")
    .description(
      "Show an event, what it led to, and its history as a time line.",
    )
    .addArgument(new Argument("<ID>", "its id").argParser(eventId))
    .action(async (id, _, self) => {
      const invocation = context.open(self);
      const client = await invocation.client();
      const view = await client.event(id);
      const history = await client.history(id);
      const objects = view.state === "in_progress"
        ? await client.objects(id)
        : undefined;
      const agent = invocation.isTable && view.state === "queued"
        ? await known(client, view.spec.target_agent)
        : undefined;
      show(
        invocation,
        {
          event: view,
          history,
          ...(objects?.total ? { objects } : {}),
        },
        (value, options) => describeEvent({ ...value, agent }, options),
      );
    });
  addGlobals(event, CLIENT_GLOBALS, FORMATS);
  examples(event, [
    [
      "Why an event failed",
      "transporter describe event 01JD3V6C4ZT3K8QX9M2N5P7R1S",
    ],
    [
      "Its history, for a program",
      "transporter describe event 01JD3V6C4ZT3K8QX9M2N5P7R1S -o json | jq .history",
    ],
  ]);

  const agent = group.command("agent")
    .summary("show an agent and its newest events")
    .description("Show an agent and its newest events.")
    .addArgument(new Argument("<ID>", "its id").argParser(agentId))
    .action(async (id, _, self) => {
      const invocation = context.open(self);
      const client = await invocation.client();
      const view = await client.agent(id);
      const events = await client.events({ agent: id }, EVENTS_MAX);
      show(invocation, { agent: view, events: events.items }, describeAgent);
    });
  addGlobals(agent, CLIENT_GLOBALS, FORMATS);
  examples(agent, [
    [
      "What an agent is, and what it does now",
      "transporter describe agent edge-7",
    ],
  ]);

  examples(group, [
    [
      "Why an event failed",
      "transporter describe event 01JD3V6C4ZT3K8QX9M2N5P7R1S",
    ],
    [
      "What an agent is, and what it does now",
      "transporter describe agent edge-7",
    ],
  ]);
}
