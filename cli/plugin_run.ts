import { type EventStatus, TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { took } from "./ages.ts";
import { type CommandContext, examples } from "./command.ts";
import { encode } from "./encode.ts";
import { addGlobals, LOCAL_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import { styleOf } from "./paint.ts";
import {
  addPluginCommand,
  readEventFile,
  requestOf,
} from "./plugin_options.ts";
import { pad, safe } from "./text.ts";

/** What the agent adds to each result. */
const AGENTS: readonly string[] = ["completed_at", "error_message"];

/** Room for any phase, so that messages stand below each other. */
const WORD_COLUMNS = "interrupted".length + 2;

function step(word: string, text: string, invocation: Invocation): void {
  const { paintError } = invocation;
  const shown = paintError(safe(word), styleOf(word));
  invocation.note(
    `  ${shown}${pad("", WORD_COLUMNS - word.length)}${safe(text)}`,
  );
}

/** Shows how it ended; the exit code. */
function show(last: EventStatus, invocation: Invocation): number {
  const { phase = "failed", result, error } = last;
  if (invocation.isValue) {
    invocation.printValue(last);
  } else {
    const { success, duration = 0, ...rest } = result ?? {};
    const own = Object.entries(rest).filter(([name]) => !AGENTS.includes(name));
    const word = invocation.paint(safe(phase), styleOf(phase));
    invocation.print(`${word} in ${took(duration)}\n`);
    if (success && own.length > 0) {
      invocation.print(encode(Object.fromEntries(own), "yaml"));
    }
  }
  if (error === undefined) return 0;
  invocation.fail(TransporterError.fromBody(error));
  return 1;
}

/** Adds `plugin run`. */
export function addPluginRun(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addPluginCommand(
    parent,
    "run",
    "an event: file, http(s) address, or - for standard input",
  )
    .summary("run an event with a plugin, without a control plane")
    .description(
      "Run one event with a plugin, on this machine and without a control plane. Its phases and what it writes are " +
        "shown as they come. The file is an event as send event takes it, of which payload is enough.",
    )
    .action(async (spec, flags, self) => {
      const invocation = context.open(self);
      const { host } = invocation;
      const request = await requestOf(spec, flags, host);
      const event = await readEventFile(flags.file, host);
      const last = await host.plugins.run(request, event, {
        status: ({ phase, state, message }) =>
          step(phase ?? state, message, invocation),
        output: (stream, text) =>
          text.replace(/\n$/, "").split("\n")
            .forEach((line) => step(stream, line, invocation)),
      });
      context.finish(show(last, invocation));
    });
  addGlobals(command, [...LOCAL_GLOBALS, "output", "quiet"], [
    "table",
    "json",
    "yaml",
  ]);
  examples(command, [
    [
      "Run an event with a plugin in a process of its own",
      "transporter plugin run greet/mod.ts -f event.yaml",
    ],
    [
      "With a permission, and what its config says",
      "transporter plugin run greet/mod.ts -f event.yaml --allow net=example.com:443 --plugin-config greet.yaml",
    ],
  ]);
}
