import { type EventView, TransporterError } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { showEnds, showValues, waitAll, worst } from "./await_ends.ts";
import { type CommandContext, examples } from "./command.ts";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import { goal, GOALS } from "./goals.ts";
import { eventId, ids, milliseconds, once } from "./options.ts";
import { deliverOptions, type WaitFlags } from "./send_options.ts";
import { safe } from "./text.ts";

async function run(
  invocation: Invocation,
  ids: readonly string[],
  flags: WaitFlags,
): Promise<number> {
  const { goal, timeoutMs } = deliverOptions(flags);
  const client = await invocation.client();
  const views: EventView[] = [];
  const codes: number[] = [];
  for (const id of ids) {
    try {
      const view = await client.retry(id);
      views.push(view);
      const agent = safe(view.spec.target_agent);
      if (invocation.format === "name") {
        invocation.print(`event/${safe(id)}\n`);
      } else if (invocation.isTable) {
        invocation.print(`event/${safe(id)} queued again (agent ${agent})\n`);
      }
    } catch (reason) {
      const error = TransporterError.from(reason);
      codes.push(invocation.fail(error));
      if (error.class === "unavailable" || error.code === "cancelled") break;
    }
  }
  if (goal === undefined) {
    if (invocation.isValue) showValues(invocation, views);
    return worst(codes);
  }
  const events = views.map(({ spec, revision }) => ({
    id: spec.id,
    agent: spec.target_agent,
    after: revision, // its first end is not the one that is waited for
  }));
  const ends = await waitAll(invocation, events, { client, goal, timeoutMs });
  return worst([
    ...codes,
    ...ends.codes,
    ...showEnds(invocation, ends.seen),
  ]);
}

/** Adds `retry`. */
export function addRetry(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("retry")
    .summary("run events that have ended once more")
    .description(
      "Run events that have ended once more: each as a new attempt, with its whole time. Their histories go on.",
    )
    .addArgument(new Argument("<ID...>", "their ids").argParser(ids(eventId)))
    .option(
      "--wait [GOAL]",
      `follow it until it ends, or until GOAL: ${GOALS.join(", ")}`,
      goal,
    )
    .option(
      "--timeout <DURATION>",
      "wait no longer than that; exit code 5 when it is not over",
      once("--timeout", milliseconds("--timeout")),
    )
    .action(async (ids, flags, self) => {
      const invocation = context.open(self);
      context.finish(await run(invocation, ids, flags));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Try again what failed, and see how it ends",
      "transporter retry 01JD3V6C4ZT3K8QX9M2N5P7R1S --wait",
    ],
  ]);
}
