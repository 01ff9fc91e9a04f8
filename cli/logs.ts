import { isTerminal, type LogEntry } from "@transporter/sdk";
import { Argument, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Client } from "./client.ts";
import { type CommandContext, examples } from "./command.ts";
import { encodeNext } from "./encode.ts";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import { eventId } from "./options.ts";
import { retry } from "./retry.ts";
import { safeLines } from "./text.ts";

/** How often is looked for more while there is some, in milliseconds. */
const FOLLOW_MS = 60;

/** How often once nothing has come for a while; a line has to be seen within 200 ms then, too. */
const QUIET_MS = 120;

/** How long is a while, in milliseconds. */
const WHILE_MS = 10_000;

/** How often is asked then whether the event has ended. */
const STATE_MS = 500;

/** Yields what an event put out; with `follow` until the event has ended and nothing more is there. */
async function* outputOf(
  client: Client,
  id: string,
  follow: boolean,
): AsyncGenerator<LogEntry> {
  const { options } = client.http;
  // Who follows waits for a control plane that restarts.
  const tries = { ...options, triesMax: follow ? Infinity : 1 };
  const { clock, signal } = options;
  let cursor: string | undefined;
  let newestAt = clock.monotonic();
  let askedAt = -Infinity;
  let isOver = !follow;
  for (;;) {
    const page = await retry(() => client.logs(id, cursor), tries);
    yield* page.items;
    cursor = page.next_cursor;
    const isEmpty = page.items.length === 0;
    if (isEmpty && isOver) return;
    const now = clock.monotonic();
    if (!isEmpty) newestAt = now;
    const isQuiet = now - newestAt >= WHILE_MS;
    if (isEmpty && (!isQuiet || now - askedAt >= STATE_MS)) {
      askedAt = now;
      // Asked before the next look: what comes after the end was there before it.
      const { state } = await retry(() => client.event(id), tries);
      isOver = isTerminal(state);
    }
    if (isOver) continue;
    await clock.sleep(isQuiet ? QUIET_MS : FOLLOW_MS, { signal });
  }
}

/** Writes output for people as it is, but for what could do something to a terminal. */
function print(invocation: Invocation, entry: LogEntry): void {
  const { attempt, stream, data, truncated } = entry;
  if (truncated) {
    invocation.note(
      `Output of attempt ${attempt} on ${stream} is missing here`,
    );
  }
  const columns = data.split("\t").map((text) => safeLines(text).join("\n"));
  invocation.print(columns.join("\t"));
}

/** Shows what an event puts out while it runs, until it has ended. */
export async function printOutput(
  invocation: Invocation,
  client: Client,
  id: string,
): Promise<void> {
  for await (const entry of outputOf(client, id, true)) {
    print(invocation, entry);
  }
}

async function run(
  invocation: Invocation,
  id: string,
  follow: boolean,
): Promise<void> {
  const client = await invocation.client();
  const format = invocation.format === "yaml" ? "yaml" : "json";
  const items: LogEntry[] = [];
  for await (const entry of outputOf(client, id, follow)) {
    if (invocation.isTable) print(invocation, entry);
    else if (follow) invocation.print(encodeNext(entry, format));
    else items.push(entry);
  }
  if (!follow && invocation.isValue) invocation.printValue({ items });
}

/** Adds `logs`. */
export function addLogs(
  program: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = program.command("logs")
    .summary("show what an event puts out")
    .description(
      "Show what an event puts out while it runs, of all its attempts, in the order it came.",
    )
    .addArgument(new Argument("<ID>", "its id").argParser(eventId))
    .option("-f, --follow", "go on until the event has ended, or until Ctrl-C")
    .action(async (id, { follow = false }, self) => {
      const invocation = context.open(self);
      try {
        await run(invocation, id, follow);
      } catch (error) {
        // Who follows has seen enough.
        if (!follow || !invocation.host.signal.aborted) throw error;
      }
    });
  addGlobals(command, CLIENT_GLOBALS, ["table", "json", "yaml"]);
  examples(command, [
    [
      "What a script puts out, as it runs",
      "transporter logs 01JD3V6C4ZT3K8QX9M2N5P7R1S -f",
    ],
    [
      "What went to standard error, for a program",
      `transporter logs 01JD3V6C4ZT3K8QX9M2N5P7R1S -o json | jq -r '.items[] | select(.stream == "stderr").data'`,
    ],
  ]);
}
