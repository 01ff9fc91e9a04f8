import { type EventView, isTerminal, TransporterError } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { showValues, waitAll, worst } from "./await_ends.ts";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import {
  agentId,
  eventId,
  ids,
  milliseconds,
  once,
  selectors,
  text,
} from "./options.ts";
import { summaryLine } from "./outcome.ts";
import { safe } from "./text.ts";

/** States of events that can be cancelled. */
const OPEN = ["created", "queued", "assigned", "in_progress"] as const;

interface CancelFlags {
  readonly agent?: string | undefined;
  readonly label?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  readonly wait?: true | undefined;
  readonly timeout?: number | undefined;
}

function usage(message: string): never {
  throw new TransporterError("usage", message);
}

function check(ids: readonly string[], flags: CancelFlags): void {
  const { agent, label, wait, timeout } = flags;
  const selects = agent !== undefined || label !== undefined;
  if (ids.length > 0 && selects) {
    usage("Cannot use ids together with --agent or -l: one of them says which");
  }
  if (ids.length === 0 && !selects) {
    usage(
      'Cannot cancel without knowing what: name ids, or use -l or --agent; "transporter get events" lists them',
    );
  }
  if (wait === undefined && timeout !== undefined) {
    usage("Cannot use --timeout without --wait: there is nothing to wait for");
  }
}

/** The ids of open events that a filter lets through. */
async function openIds(
  client: Client,
  { agent, label }: CancelFlags,
): Promise<readonly string[]> {
  const { items } = await client.events(
    { agent, label, state: OPEN },
    Infinity,
  );
  return items.map(({ spec }) => spec.id);
}

function line(invocation: Invocation, { spec, state }: EventView): string {
  const id = `event/${safe(spec.id)}`;
  if (invocation.format === "name") return `${id}\n`;
  const agent = `(agent ${safe(spec.target_agent)})`;
  return isTerminal(state)
    ? `${id} ${safe(state)} ${agent}\n`
    : `${id} is to be cancelled: its agent has it, and is told ${agent}\n`;
}

/** Asks for each; of those that nobody named, what has ended meanwhile is no failure. */
async function cancelAll(
  invocation: Invocation,
  client: Client,
  options: {
    readonly ids: readonly string[];
    readonly reason: string;
    readonly named: boolean;
  },
): Promise<{ views: EventView[]; codes: number[] }> {
  const views: EventView[] = [];
  const codes: number[] = [];
  for (const id of options.ids) {
    try {
      const view = await client.cancel(id, options.reason);
      views.push(view);
      if (!invocation.isValue) invocation.print(line(invocation, view));
    } catch (reason) {
      const error = TransporterError.from(reason);
      if (error.code === "too_late" && !options.named) {
        invocation.note(error.message);
      } else codes.push(invocation.fail(error));
      if (error.class === "unavailable" || error.code === "cancelled") break;
    }
  }
  return { views, codes };
}

async function run(
  invocation: Invocation,
  ids: readonly string[],
  flags: CancelFlags,
): Promise<number> {
  check(ids, flags);
  const { reason = "", wait, timeout } = flags;
  const client = await invocation.client();
  const named = ids.length > 0;
  const wanted = named ? ids : await openIds(client, flags);
  if (wanted.length === 0) invocation.note("There are no such open events");
  const { views, codes } = await cancelAll(invocation, client, {
    ids: wanted,
    reason,
    named,
  });
  if (wait === undefined) {
    if (invocation.isValue) showValues(invocation, views);
    return worst(codes);
  }
  const events = views.map(({ spec, revision }) => ({
    id: spec.id,
    agent: spec.target_agent,
    after: revision - 1, // what came before the request is not what is waited for
  }));
  const ends = await waitAll(invocation, events, {
    client,
    goal: "completed",
    timeoutMs: timeout,
  });
  codes.push(...ends.codes);
  if (invocation.isValue) {
    showValues(invocation, ends.seen.map(({ view }) => view));
  }
  for (const seen of ends.seen) {
    const { state, spec } = seen.view;
    if (state !== "cancelled") {
      codes.push(invocation.fail(
        new TransporterError(
          "failed",
          `Event "${spec.id}" was not cancelled: it is "${state}"`,
        ),
      ));
    } else if (invocation.isTable) {
      invocation.print(summaryLine(invocation, seen));
    }
  }
  return worst(codes);
}

/** Adds `cancel`. */
export function addCancel(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("cancel")
    .summary("cancel events")
    .description(
      "Cancel events: at once what waits; what an agent has as soon as the agent says so, which it does " +
        "unless it has gone too far.",
    )
    .addArgument(
      new Argument("[ID...]", "their ids").argParser(ids(eventId)),
    )
    .option(
      "--agent <ID>",
      "all open events for this agent",
      once("--agent", agentId),
    )
    .option(
      "-l, --label <KEY=VALUE>",
      "all open events with this label; repeatable: all of them",
      selectors,
    )
    .option(
      "--reason <TEXT>",
      "why; their histories show it",
      once("--reason", text),
    )
    .option("--wait", "until they have ended")
    .option(
      "--timeout <DURATION>",
      "wait no longer than that; exit code 5 when it is not over",
      once("--timeout", milliseconds("--timeout")),
    )
    .action(async (ids, flags, self) => {
      const invocation = context.open(self);
      context.finish(await run(invocation, ids ?? [], flags));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Cancel an event, and see it end",
      "transporter cancel 01JD3V6C4ZT3K8QX9M2N5P7R1S --wait",
    ],
    [
      "Cancel all that is open of a team, and say why",
      'transporter cancel -l team=platform --reason "change freeze"',
    ],
  ]);
}
