import fastStringTruncatedWidth from "fast-string-truncated-width";

/**
 * What may do something to a terminal, or make a line read as another: C0 and
 * C1 controls, DEL, line and paragraph separators, and whatever reorders text
 * or hides in it.
 *
 * @see {@link https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing}
 */
const UNSAFE_REGEXP =
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

function escapeOne(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes text from outside safe for a terminal: what could move the cursor,
 * change colours or reorder a line is shown as `\n` or `\u001b`.
 *
 * @param text From an agent, a server, a file or a command line.
 * @returns One line.
 */
export function safe(text: string): string {
  return text.toWellFormed().replace(UNSAFE_REGEXP, escapeOne);
}

/** The same for text of several lines: line breaks stay, the rest is escaped. */
export function safeLines(text: string): string[] {
  return text.split(/\r?\n/).map(safe);
}

/** Whether {@linkcode safe} would change a text in a way that JSON's own escapes do not cover. */
export function isUnsafe(text: string): boolean {
  return text.search(UNSAFE_REGEXP) !== -1;
}

/** Escapes within JSON text, or within double quotes in YAML, where `\u001b` means the character. */
export function safeQuoted(text: string): string {
  return text.replace(
    UNSAFE_REGEXP,
    (character) => character === "\n" ? "\n" : escapeOne(character),
  );
}

/** How many columns of a terminal a text takes; colours take none. */
export function widthOf(text: string): number {
  return fastStringTruncatedWidth(text).width;
}

/** Cuts plain text to a number of columns, with `…` where something is missing. */
export function cut(text: string, columns: number): string {
  const { index, ellipsed } = fastStringTruncatedWidth(text, {
    limit: columns,
    ellipsis: "…",
    ellipsisWidth: 1,
  });
  if (!ellipsed) return text.slice(0, index);
  const characters = [...text.slice(0, index)];
  // The library leaves too much of a text that has an ellipsis itself.
  while (widthOf(characters.join("")) >= Math.max(1, columns)) characters.pop();
  return `${characters.join("")}…`;
}

/** Fills plain text up to a number of columns. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - widthOf(text)));
}

/** A size, in the largest unit of which it has at least one, such as `1.5 GiB`. */
export function showBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;
  let size = bytes;
  let at = 0;
  while (size >= 1024 && at < units.length - 1) {
    size /= 1024;
    at++;
  }
  return `${Math.round(size * 10) / 10} ${units[at]}`;
}
