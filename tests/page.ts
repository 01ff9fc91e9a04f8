/**
 * Pages of the documentation that tests hold to what they say: their blocks,
 * the files they show, and command lines with what these print.
 *
 * @module
 */

/** A command line, and what a page says of it. */
export interface PageCommand {
  /** The command, without its prompt. */
  readonly command: string;
  /** The last lines that it prints; `…` stands for anything within a line. */
  readonly output: string;
}

const BLOCK_REGEXP = /^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm;

/** A fenced block. */
export interface Block {
  /** The line of the page on which it begins. */
  readonly line: number;
  /** What it is written in. */
  readonly language: string;
  /** What stands beside the language; empty when nothing does. */
  readonly title: string;
  /** What is in it. */
  readonly text: string;
}

/** The fenced blocks of a page. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK_REGEXP)].map(
    ({ index, 1: language = "", 2: title = "", 3: text = "" }) => ({
      line: page.slice(0, index).split("\n").length,
      language,
      title,
      text,
    }),
  );
}

/** The files that a page shows: blocks that have a name beside their language. */
export function filesIn(page: string): ReadonlyMap<string, string> {
  return new Map(
    blocksOf(page).filter(({ title }) => title !== "")
      .map(({ title, text }) => [title, text]),
  );
}

/** The command lines of a page: `$ COMMAND` in a block `console`, and below it what it prints last. */
export function commandsIn(page: string): PageCommand[] {
  return blocksOf(page).filter(({ language }) => language === "console")
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map((each) => {
      const end = each.indexOf("\n");
      return { command: each.slice(0, end), output: each.slice(end + 1) };
    });
}

/** The words of a command line, as a shell takes them apart. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(
    ([word, quoted]) => quoted ?? word,
  );
}

/** What an outcome has to look like, from how the page writes it. */
export function outcomePattern(outcome: string): RegExp {
  const parts = outcome.split("…").map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join("[^\\n]*")}$`);
}
