import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** Options whose value is a path say so in their help: `--config <FILE>`. */
const PATH_REGEXP = /<(FILE|FOLDER|DIR|SOURCE)>$/;

function* optionsOf(command: CommandUnknownOpts): Generator<Option> {
  yield* command.options;
  for (const each of command.commands) yield* optionsOf(each);
}

/**
 * Whether the last word is a path: `-f PATH` or `--config=PATH`. Shells know
 * best how to complete one, with `~`, spaces and all.
 *
 * @param words The words after the program's name; the last one is being typed.
 */
export function isPath(
  words: readonly string[],
  program: CommandUnknownOpts,
): boolean {
  const [before = "", typed = ""] = words.length < 2
    ? ["", ...words]
    : words.slice(-2);
  const [flag = ""] = typed.startsWith("--") && typed.includes("=")
    ? typed.split("=")
    : [before];
  return [...optionsOf(program)].some(({ short, long, flags }) =>
    (short === flag || long === flag) && PATH_REGEXP.test(flags)
  );
}
