import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { Files } from "./host.ts";

/** Options whose value is a path say so in their help: `--config <FILE>`. */
const PATH_REGEXP = /<(FILE|FOLDER|DIR|SOURCE)>$/;

/** Scripts of shells expand what they are given, so other names are not offered. */
const NAME_REGEXP = /^[\p{L}\p{N}._@+,=-]+$/u;

/** What the scripts understand: do not offer files of your own; do not add a space. @see {@link https://github.com/bombshell-dev/tab} */
const NO_FILES = 4;
const NO_SPACE = 2;

function* optionsOf(command: CommandUnknownOpts): Generator<Option> {
  yield* command.options;
  for (const each of command.commands) yield* optionsOf(each);
}

function takesPath(flag: string, program: CommandUnknownOpts): boolean {
  return [...optionsOf(program)].some((option) =>
    (option.short === flag || option.long === flag) &&
    PATH_REGEXP.test(option.flags)
  );
}

/**
 * Completes paths, which the library leaves to the shells and the scripts for
 * bash then do not do.
 *
 * @param words The words after the program's name; the last one is being typed.
 * @returns What the scripts expect; `undefined` when the last word is no path.
 */
export async function completePath(
  words: readonly string[],
  program: CommandUnknownOpts,
  files: Files,
): Promise<string | undefined> {
  const [flag = "", typed = ""] = words.slice(-2);
  if (words.length < 2 || !takesPath(flag, program)) return undefined;
  const folder = typed.slice(0, typed.lastIndexOf("/") + 1);
  const start = typed.slice(folder.length);
  const entries = await files.kindOf(folder || ".") === "folder"
    ? await files.list(folder || ".")
    : [];
  const found = entries
    .filter(({ name }) => name.startsWith(start) && NAME_REGEXP.test(name))
    .filter(({ name }) => start.startsWith(".") || !name.startsWith("."))
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
  const lines = found.map(({ name, isFolder }) =>
    `${folder}${name}${isFolder ? "/" : ""}\t\n`
  );
  const goesOn = found.some(({ isFolder }) => isFolder);
  return `${lines.join("")}:${goesOn ? NO_FILES | NO_SPACE : NO_FILES}\n`;
}
