import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { type CommandContext, examples } from "./command.ts";
import { addGlobals, LOCAL_GLOBALS } from "./globals.ts";
import type { Invocation } from "./invocation.ts";
import { collect, milliseconds } from "./options.ts";
import type { CheckResult } from "./plugin_desk.ts";
import {
  addPluginCommand,
  readEventFile,
  requestOf,
} from "./plugin_options.ts";
import { safe } from "./text.ts";

/** How long one thing may take that is tried, unless told otherwise, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** A key that no payload has. */
const UNKNOWN = "transporter_check_unknown_key";

function show({ title, error }: CheckResult, invocation: Invocation): void {
  const { paint } = invocation;
  invocation.print(
    error === undefined
      ? `${paint("ok", "good")}      ${safe(title)}\n`
      : `${paint("FAILED", "bad")}  ${safe(title)}: ${
        safe(error.split("\n")[0] ?? "")
      }\n`,
  );
}

/** Adds `plugin check`. */
export function addPluginCheck(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addPluginCommand(
    parent,
    "check",
    "an event that completes: file, http(s) address, or - for standard input",
  )
    .summary("try what every executor must do with a plugin")
    .description(
      "Try what every executor must do with a plugin: phases in order, an abort in each of them, the same event twice " +
        "where it says that it may be repeated, two at the same time, payloads that do not fit. " +
        "The event runs about ten times, for real.",
    )
    .option(
      "--bad <SOURCE>",
      "an event that the plugin must refuse; repeatable",
      collect,
    )
    .option(
      "--timeout <DURATION>",
      "how long one of these may take; 1m unless it is given",
      milliseconds("--timeout"),
    )
    .action(async (spec, flags, self) => {
      const invocation = context.open(self);
      const { host } = invocation;
      const request = await requestOf(spec, flags, host);
      const { payload: good } = await readEventFile(flags.file, host);
      const bad = { "an unknown key": { ...good, [UNKNOWN]: true } };
      for (const file of flags.bad ?? []) {
        const { payload } = await readEventFile(file, host);
        Object.assign(bad, { [`"${file}"`]: payload });
      }
      const results: CheckResult[] = [];
      const options = { good, bad, timeoutMs: flags.timeout ?? TIMEOUT_MS };
      for await (const result of host.plugins.check(request, options)) {
        results.push(result);
        if (!invocation.isValue) show(result, invocation);
      }
      const failed = results.filter(({ error }) => error !== undefined).length;
      const { plugins } = host;
      const [view] = await plugins.list({ specs: [spec], file: undefined });
      if (invocation.isValue) {
        invocation.printValue({ plugin: view, results, failed });
      } else {
        const { type = "", version = "", integrity = "" } = view ?? {};
        invocation.print(
          `${results.length - failed} of ${results.length} are well: ` +
            `${safe(`${type} ${version} ${integrity}`)}\n`,
        );
      }
      context.finish(failed === 0 ? 0 : 1);
    });
  addGlobals(command, [...LOCAL_GLOBALS, "output"], [
    "table",
    "json",
    "yaml",
  ]);
  examples(command, [
    [
      "Whether a plugin does what every executor must",
      "transporter plugin check greet/mod.ts -f event.yaml",
    ],
    [
      "And whether it refuses what it should",
      "transporter plugin check greet/mod.ts -f event.yaml --bad bad.yaml",
    ],
  ]);
}
