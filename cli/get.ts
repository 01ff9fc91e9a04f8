import {
  type AgentView,
  type EventView,
  formatTime,
  STATES,
} from "@transporter/sdk";
import {
  Argument,
  type CommandUnknownOpts,
  Option,
} from "@commander-js/extra-typings";
import { agentColumns } from "./agent_columns.ts";
import { type CommandContext, examples } from "./command.ts";
import { eventColumns } from "./event_columns.ts";
import { addGlobals, addGroupGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import { Listing } from "./listing.ts";
import {
  agentId,
  eventId,
  integer,
  milliseconds,
  once,
  selectors,
  states,
  text,
} from "./options.ts";
import { hasLabels, watchAgents, watchEvent, watchEvents } from "./watch.ts";

/** How many events are shown when nobody says how many. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 100_000;

function listingOfEvents(invocation: Invocation): Listing<EventView> {
  const { clock } = invocation.host;
  return new Listing<EventView>(invocation, {
    noun: "event",
    idOf: ({ spec }) => spec.id,
    columns: eventColumns(() => clock.now(), invocation.format === "wide"),
  });
}

function listingOfAgents(invocation: Invocation): Listing<AgentView> {
  const { clock } = invocation.host;
  return new Listing<AgentView>(invocation, {
    noun: "agent",
    idOf: ({ id }) => id,
    columns: agentColumns(() => clock.now(), invocation.format === "wide"),
  });
}

/** Watches until the person has seen enough, which is no failure. */
async function watched(
  invocation: Invocation,
  watch: () => Promise<never>,
): Promise<number> {
  try {
    return await watch();
  } catch (error) {
    if (!invocation.host.signal.aborted) throw error;
    return 0;
  }
}

function addGetEvents(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const state = new Option(
    "--state <STATE>",
    "those in this state; repeatable: in one of them",
  ).argParser(states);
  state.argChoices = [...STATES]; // for help and completion; the parser checks them
  const command = parent.command("events")
    .summary("list events, the newest first")
    .description("List events, the newest first.")
    .option("--agent <ID>", "those for this agent", once("--agent", agentId))
    .addOption(state)
    .option("--type <TYPE>", "those of this type", once("--type", text))
    .option(
      "-l, --label <KEY=VALUE>",
      "those with this label; repeatable: all of them",
      selectors,
    )
    .option(
      "--since <DURATION>",
      "those accepted within this time, such as 1h",
      once("--since", milliseconds("--since")),
    )
    .option(
      "--limit <COUNT>",
      `how many at most (default: ${LIMIT_DEFAULT})`,
      once("--limit", integer("--limit", { min: 1, max: LIMIT_MAX })),
    )
    .option("--watch", "go on with every change, until Ctrl-C")
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const { agent, state, type, label, since, limit = LIMIT_DEFAULT } = flags;
      const filter = {
        agent,
        state,
        type,
        label,
        since: since === undefined
          ? undefined
          : formatTime(invocation.host.clock.now() - since),
      };
      const client = await invocation.client();
      const listing = listingOfEvents(invocation);
      if (flags.watch === true) {
        const watch = () =>
          watchEvents(client, { filter, limit }, {
            first: (items) => listing.first(items),
            next: (item) => listing.next(item),
          });
        return context.finish(await watched(invocation, watch));
      }
      const page = await client.events(filter, limit);
      listing.page(page);
      if (page.next_cursor !== undefined && flags.limit === undefined) {
        invocation.note(
          `These are the newest ${limit}; --limit shows more`,
        );
      }
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    ["What happened in the last hour", "transporter get events --since 1h"],
    [
      "What failed on one agent",
      "transporter get events --agent edge-7 --state failed",
    ],
    [
      "The ids of all events of a team",
      "transporter get events -l team=platform -o name --limit 1000",
    ],
    ["See events go by", "transporter get events --watch"],
  ]);
}

function addGetAgents(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = parent.command("agents")
    .summary("list agents, by id")
    .description("List agents, by id.")
    .option(
      "-l, --label <KEY=VALUE>",
      "those with this label; repeatable: all of them",
      selectors,
    )
    .option(
      "--limit <COUNT>",
      "how many at most (default: all of them)",
      once("--limit", integer("--limit", { min: 1, max: LIMIT_MAX })),
    )
    .option("--watch", "go on with every change, until Ctrl-C")
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const client = await invocation.client();
      const listing = listingOfAgents(invocation);
      const { label, limit } = flags;
      if (flags.watch !== true) {
        return listing.page(await client.agents({ label, limit }));
      }
      const isWanted = ({ labels }: AgentView) =>
        hasLabels(labels, label ?? []);
      const watch = () =>
        watchAgents(client, isWanted, {
          first: (items) => listing.first(items.slice(0, limit)),
          next: (item) => listing.next(item),
        });
      context.finish(await watched(invocation, watch));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    ["Every agent, and whether it is connected", "transporter get agents"],
    ["Which clusters they run in", "transporter get agents -o wide"],
    [
      "The ids of the agents of a team, as they were given with --label",
      "transporter get agents -l team=platform -o name",
    ],
    ["No more than ten of them", "transporter get agents --limit 10"],
    ["See agents come and go", "transporter get agents --watch"],
  ]);
}

function addGetEvent(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = parent.command("event")
    .summary("show an event")
    .description("Show an event.")
    .addArgument(new Argument("<ID>", "its id").argParser(eventId))
    .option("--watch", "go on with every change, until Ctrl-C")
    .action(async (id, flags, self) => {
      const invocation = context.open(self);
      const client = await invocation.client();
      const listing = listingOfEvents(invocation);
      if (flags.watch !== true) return listing.one(await client.event(id));
      const watch = () =>
        watchEvent(client, id, {
          first: (items) => listing.first(items),
          next: (item) => listing.next(item),
        });
      context.finish(await watched(invocation, watch));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Where an event is in its life",
      "transporter get event 01JD3V6C4ZT3K8QX9M2N5P7R1S",
    ],
    [
      "Everything the control plane has of it",
      "transporter get event 01JD3V6C4ZT3K8QX9M2N5P7R1S -o yaml",
    ],
    [
      "See it change",
      "transporter get event 01JD3V6C4ZT3K8QX9M2N5P7R1S --watch",
    ],
  ]);
}

function addGetAgent(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = parent.command("agent")
    .summary("show an agent")
    .description("Show an agent.")
    .addArgument(new Argument("<ID>", "its id").argParser(agentId))
    .option("--watch", "go on with every change, until Ctrl-C")
    .action(async (id, flags, self) => {
      const invocation = context.open(self);
      const client = await invocation.client();
      const listing = listingOfAgents(invocation);
      const agent = await client.agent(id);
      if (flags.watch !== true) return listing.one(agent);
      const watch = () =>
        watchAgents(client, (each) => each.id === id, {
          first: (items) => listing.first(items),
          next: (item) => listing.next(item),
        });
      context.finish(await watched(invocation, watch));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    ["Whether an agent is connected", "transporter get agent edge-7"],
    [
      "Everything the control plane knows of it",
      "transporter get agent edge-7 -o yaml",
    ],
  ]);
}

/** Adds `get` and what is below it. */
export function addGet(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const group = program.command("get")
    .summary("list events and agents, or show one")
    .description("List events and agents, or show one.");
  addGroupGlobals(group);
  addGetEvents(group, context);
  addGetAgents(group, context);
  addGetEvent(group, context);
  addGetAgent(group, context);
  examples(group, [
    ["What happened in the last hour", "transporter get events --since 1h"],
    [
      "Whether an agent is connected",
      "transporter get agent edge-7",
    ],
  ]);
}
