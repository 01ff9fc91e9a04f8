import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Host } from "./host.ts";
import type { Invocation } from "./invocation.ts";

/** What commands get from the program around them. */
export interface CommandContext {
  /** Everything outside. */
  readonly host: Host;
  /** Starts a run of a command, with the shared options it was given. */
  open(command: CommandUnknownOpts): Invocation;
  /** Says with which exit code the command ends. */
  finish(code: number): void;
}

/** Something to type, and what for; several lines belong together. */
export type Example = readonly [what: string, ...lines: string[]];

/** Shows examples below a command's help. */
export function examples(
  command: CommandUnknownOpts,
  list: readonly Example[],
): void {
  const shown = list.map(([what, ...lines]) =>
    [`# ${what}`, ...lines].map((line) => `  ${line}\n`).join("")
  );
  command.addHelpText("after", `\nExamples:\n${shown.join("\n").trimEnd()}`);
}
