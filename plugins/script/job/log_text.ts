/** How far a log was read: what has been passed on need not be again. */
export interface Place {
  /** The time of the last line. */
  readonly time: string;
  /** Which of the lines of that time it was. */
  readonly index: number;
  /** Characters of it that were passed on. */
  readonly chars: number;
}

const START: Place = { time: "", index: -1, chars: 0 };

/**
 * Takes the times off the lines of a Pod's log, and passes on what is new: a
 * log that is opened once more begins with what was read before.
 */
export class LogText {
  /** Up to where all was passed on. */
  #done: Place;
  /** Where the reading is. */
  #at: Place = START;
  /** The beginning of a line, as long as its time is not whole. */
  #head: string | undefined = "";

  /** Made for a log of which nothing was passed on, or all up to a place. */
  constructor(done: Place = START) {
    this.#done = done;
  }

  /** Up to where all was passed on. */
  get place(): Place {
    return this.#done;
  }

  /** The time of the last line; `undefined` when none was read. */
  get since(): string | undefined {
    return this.#done.time === "" ? undefined : this.#done.time;
  }

  /** The log is opened once more. */
  reopen(): void {
    this.#at = START;
    this.#head = "";
  }

  /** Takes a piece of any length, and returns what is new of it. */
  push(text: string): string {
    let out = "";
    for (let at = 0; at < text.length;) {
      if (this.#head !== undefined) {
        const space = text.indexOf(" ", at);
        const end = space < 0 ? text.length : space;
        this.#head += text.slice(at, end);
        at = space < 0 ? end : space + 1;
        if (space >= 0) this.#begin(this.#head);
        continue;
      }
      const line = text.indexOf("\n", at);
      const end = line < 0 ? text.length : line + 1;
      out += this.#take(text.slice(at, end));
      at = end;
      if (line >= 0) this.#head = "";
    }
    return out;
  }

  #begin(time: string): void {
    const { time: before, index } = this.#at;
    this.#at = { time, index: time === before ? index + 1 : 0, chars: 0 };
    this.#head = undefined;
  }

  /** A part of a line: what of it has not been passed on. */
  #take(text: string): string {
    const { time, index, chars } = this.#at;
    this.#at = { time, index, chars: chars + text.length };
    const done = this.#done;
    if (time < done.time) return "";
    if (time === done.time && index < done.index) return "";
    const same = time === done.time && index === done.index;
    const known = same
      ? Math.min(Math.max(done.chars - chars, 0), text.length)
      : 0;
    if (known === text.length && same) return "";
    this.#done = this.#at;
    return text.slice(known);
  }
}
