import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { TransporterError } from "@transporter/sdk";
import { type Format, FORMATS, type Globals } from "./invocation.ts";

/** The name of a shared option. */
export type GlobalKey = keyof Globals;

/** What commands take that talk to a control plane. */
export const CLIENT_GLOBALS: readonly GlobalKey[] = [
  "cpUrl",
  "context",
  "output",
  "color",
  "quiet",
  "verbose",
];

/** What commands take that do not. */
export const LOCAL_GLOBALS: readonly GlobalKey[] = ["color", "verbose"];

const HEADING = "Global options:";

function optionOf(key: GlobalKey, formats: readonly Format[]): Option {
  switch (key) {
    case "cpUrl":
      return new Option(
        "--cp-url <URL>",
        "the control plane (env: TP_URL, default: http://127.0.0.1:8080)",
      );
    case "context":
      return new Option(
        "--context <NAME>",
        "a control plane named in ~/.config/transporter/config.yaml",
      );
    case "output":
      return new Option("-o, --output <FORMAT>", "how results are written")
        .choices(formats);
    case "color":
      return new Option("--no-color", "no colour (env: NO_COLOR)");
    case "quiet":
      return new Option("-q, --quiet", "no progress and no notes");
    case "verbose":
      return new Option("-v, --verbose", "show what is behind an error");
  }
}

/**
 * Adds shared options to a command; they are taken before and after its name.
 *
 * @param command Which.
 * @param keys Which options it knows what to do with.
 * @param formats Which formats it can write.
 */
export function addGlobals(
  command: CommandUnknownOpts,
  keys: readonly GlobalKey[],
  formats: readonly Format[] = FORMATS,
): void {
  for (const key of keys) {
    command.addOption(optionOf(key, formats).helpGroup(HEADING));
  }
}

/** Adds the shared options to a command that only has others below it; their help is enough. */
export function addGroupGlobals(command: CommandUnknownOpts): void {
  for (const key of CLIENT_GLOBALS) {
    command.addOption(optionOf(key, FORMATS).helpGroup(HEADING).hideHelp());
  }
}

/** The option that shows help. */
export function helpOption(): Option {
  return new Option("-h, --help", "show help").helpGroup(HEADING);
}

function globalOptions(command: CommandUnknownOpts): readonly Option[] {
  return command.options.filter(({ helpGroupHeading }) =>
    helpGroupHeading === HEADING
  );
}

/**
 * The shared options of a command, wherever on the command line they stand.
 *
 * @param command The one that was named.
 * @throws {TransporterError} `usage` for one that stands before its name and that it does not know.
 */
export function globalsOf(command: CommandUnknownOpts): Globals {
  const known = new Map(
    globalOptions(command).map((option) => [option.attributeName(), option]),
  );
  const found: Record<string, unknown> = {};
  for (
    let each: CommandUnknownOpts | null = command;
    each !== null;
    each = each.parent
  ) {
    for (const option of globalOptions(each)) {
      const key = option.attributeName();
      if (each.getOptionValueSource(key) !== "cli") continue;
      const value: unknown = each.getOptionValue(key);
      const choices = known.get(key)?.argChoices;
      const takes = known.has(key) &&
        (choices === undefined || choices.includes(String(value)));
      if (!takes) {
        const typed = option.argChoices === undefined ? "" : ` ${value}`;
        throw new TransporterError(
          "usage",
          `Cannot use ${option.long}${typed} with "${pathOf(command)}": ` +
            `"${pathOf(command)} --help" shows what it takes`,
        );
      }
      found[key] ??= value;
    }
  }
  return found;
}

/** A command with those above it: `transporter send k8s`. */
export function pathOf(command: CommandUnknownOpts): string {
  return command.parent === null
    ? command.name()
    : `${pathOf(command.parent)} ${command.name()}`;
}
