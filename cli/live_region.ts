import type { Output } from "./host.ts";
import { widthOf } from "./text.ts";

const CLEAR_LINE = "\r\u001b[2K";
const CLEAR_BELOW = "\u001b[J";

/**
 * Lines at the end of a terminal that change in place. Each has to be shorter
 * than a line of the terminal, and there have to be fewer than the terminal
 * has.
 */
export class LiveRegion {
  readonly #output: Output;
  #lines: readonly string[] = [];
  #columns: number | undefined;

  /** Has nothing yet. */
  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows lines in the place of those before, in one write. */
  draw(lines: readonly string[]): void {
    const { columns } = this.#output;
    const same = lines.length === this.#lines.length &&
      lines.every((line, index) => line === this.#lines[index]);
    if (same && columns === this.#columns) return;
    const up = this.#height(columns) - 1;
    const text = (up > 0 ? `\u001b[${up}A` : "") +
      (lines.length === 0
        ? CLEAR_LINE
        : lines.map((line) => CLEAR_LINE + line).join("\n")) +
      (up + 1 > lines.length && up > 0 ? CLEAR_BELOW : "");
    this.#output.write(text);
    this.#lines = lines;
    this.#columns = columns;
  }

  /** Takes the lines away. */
  clear(): void {
    this.draw([]);
  }

  /** Lets the lines stay; what comes next stands below them. */
  leave(): void {
    if (this.#lines.length > 0) this.#output.write("\n");
    this.#lines = [];
  }

  /** How many lines of the terminal the lines take now: one that has become narrower wraps them. */
  #height(columns: number | undefined): number {
    return this.#lines.reduce((sum, line) => {
      const rows = columns === undefined
        ? 1
        : Math.ceil(widthOf(line) / columns);
      return sum + Math.max(1, rows);
    }, 0);
  }
}
