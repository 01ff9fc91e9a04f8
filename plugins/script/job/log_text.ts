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
 * log that is opened once more begins with what was read before, at the second
 * of the line read last, unless its node has put that away (it rotates logs).
 */
export class LogText {
  /** Up to where all was passed on. */
  #done: Place;
  /** Where the reading is. */
  #at: Place = START;
  /** The beginning of a line, as long as its time is not whole. */
  #head: string | undefined = "";
  /** Whether that place is still to come in the log that was opened. */
  #isSought: boolean;
  #hasGap = false;

  /** Made for a log of which nothing was passed on, or all up to a place. */
  constructor(done: Place = START) {
    this.#done = done;
    this.#isSought = done.time !== "";
  }

  /** Up to where all was passed on. */
  get place(): Place {
    return this.#done;
  }

  /** The time of the last line; `undefined` when none was read. */
  get since(): string | undefined {
    return this.#done.time === "" ? undefined : this.#done.time;
  }

  /** Whether the place up to which all was passed on has not come yet: what comes after it may never. */
  get isSought(): boolean {
    return this.#isSought;
  }

  /** Whether lines may be missing before what was returned last, as the line before them is not there any more; true once. */
  takeGap(): boolean {
    const hasGap = this.#hasGap;
    this.#hasGap = false;
    return hasGap;
  }

  /** The log is opened once more. */
  reopen(): void {
    this.#at = START;
    this.#head = "";
    this.#isSought = this.#done.time !== "";
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
    const { time: before, index: last } = this.#at;
    const index = time === before ? last + 1 : 0;
    this.#at = { time, index, chars: 0 };
    this.#head = undefined;
    const done = this.#done;
    const isBeyond = time > done.time ||
      (time === done.time && index > done.index);
    if (!this.#isSought || !isBeyond) return;
    this.#isSought = false;
    this.#hasGap = true;
  }

  /** A part of a line: what of it has not been passed on. */
  #take(text: string): string {
    const { time, index, chars } = this.#at;
    this.#at = { time, index, chars: chars + text.length };
    if (!this.#isSought) {
      this.#done = this.#at;
      return text;
    }
    const done = this.#done;
    if (time !== done.time || index !== done.index) return "";
    const known = done.chars - chars;
    if (text.length < known) return "";
    this.#isSought = false;
    this.#done = this.#at;
    return text.slice(known);
  }
}
