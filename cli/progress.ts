import type { HistoryEntry } from "@transporter/sdk";
import type { Invocation } from "./invocation.ts";
import { styleOf } from "./paint.ts";
import { cut, pad, safe } from "./text.ts";

/** Room for any phase, so that messages stand below each other. */
const WORD_COLUMNS = "interrupted".length + 2;

const CLEAR = "\r\u001b[2K";

/**
 * Shows what happens to events while somebody waits: a line that changes on a
 * terminal, a line for each step elsewhere. All of it goes to standard error.
 */
export class Progress {
  readonly #invocation: Invocation;
  readonly #total: number;
  #over = 0;
  #live = "";

  /** For a number of events. */
  constructor(invocation: Invocation, total: number) {
    this.#invocation = invocation;
    this.#total = total;
  }

  /** Something happened to an event; `name` tells it from the others. */
  step(entry: HistoryEntry, name: string): void {
    const { host, paintError } = this.#invocation;
    const word = safe(entry.phase ?? entry.state);
    const who = this.#total > 1 ? `${safe(name)}  ` : "";
    const rest = `${pad("", WORD_COLUMNS - word.length)}${safe(entry.message)}`;
    if (!host.stderr.isTerminal) {
      return this.#invocation.note(`  ${who}${word}${rest}`);
    }
    const many = this.#total > 1
      ? `${this.#over} of ${this.#total} over  `
      : "";
    const start = `  ${many}${who}`;
    const line = cut(start + word + rest, (host.stderr.columns ?? 80) - 1);
    // Colour comes after the cut, which counts columns.
    const isWhole = line.startsWith(start + word);
    this.#draw(
      isWhole
        ? start + paintError(word, styleOf(word)) +
          line.slice(start.length + word.length)
        : line,
    );
  }

  /** An event needs to be waited for no more. */
  done(): void {
    this.#over++;
  }

  /** A line that stays. */
  note(line: string): void {
    const live = this.#live;
    this.clear();
    this.#invocation.note(line);
    this.#draw(live);
  }

  /** Takes the line that changes away, so that something else can be written. */
  clear(): void {
    this.#draw("");
  }

  #draw(line: string): void {
    const { host, quiet } = this.#invocation;
    if (quiet || line === this.#live) return;
    host.stderr.write(CLEAR + line);
    this.#live = line;
  }
}
