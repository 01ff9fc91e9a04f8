import { Redactor, utf8Length } from "@transporter/sdk";
import type { ProcessEnd } from "../process.ts";

import { LogText, type Place } from "./log_text.ts";

/** Characters of the end of the output that a sentence about a failure is made of. */
const LAST_CHARS_MAX = 4096;

/** What the result of a script says whose log had a gap. */
const MISSING =
  "The log of the Pod broke off and could not be read on from there: output may be missing where a line on stderr says so";

/** What is said where a log does not have any more what was read of it last, as its node rotates logs. */
export const GAP =
  "Output may be missing here: the log of the Pod broke off, and what was read last was not found in it again";

/** Options of {@linkcode Log}. */
export interface LogOptions {
  /** Up to where an earlier agent passed it on. */
  readonly place?: Place | undefined;
  /** What must not be seen. */
  readonly secrets: readonly string[];
  /** Takes what is new. */
  readonly output: (text: string) => void;
  /** Takes a line about it, which is not the script's. */
  readonly note: (line: string) => void;
}

/** The output of a script, as the log of its Pod has it: both streams are one there. */
export class Log {
  readonly #text: LogText;
  readonly #redactor: Redactor;
  readonly #options: LogOptions;
  #bytes = 0;
  #last = "";
  #hasGap = false;

  /** Makes one that has read nothing. */
  constructor(options: LogOptions) {
    this.#options = options;
    this.#text = new LogText(options.place);
    this.#redactor = new Redactor(options.secrets);
  }

  /** The time of the last line; `undefined` when none was read. */
  get since(): string | undefined {
    return this.#text.since;
  }

  /** Up to where it was passed on. */
  get place(): Place {
    return this.#text.place;
  }

  /** The log is opened once more. */
  reopen(): void {
    this.#text.reopen();
  }

  /** Takes a piece of the log. */
  push(piece: string): void {
    const text = this.#text.push(piece);
    // What could be the beginning of a secret stays held back: its end may follow.
    if (this.#text.takeGap()) this.#noteGap();
    this.#bytes += utf8Length(text);
    this.#write(this.#redactor.push(text));
  }

  /** What is known of the output at its end. */
  end(): Pick<ProcessEnd, "bytes" | "lastLine" | "warnings"> {
    this.#write(this.#redactor.end());
    if (this.#text.isSought) this.#noteGap();
    return {
      bytes: { stdout: this.#bytes, stderr: 0 },
      lastLine: this.#last.trimEnd().split("\n").at(-1)?.trim() ?? "",
      warnings: this.#hasGap ? [MISSING] : [],
    };
  }

  #noteGap(): void {
    this.#hasGap = true;
    this.#options.note(`${GAP}\n`);
  }

  #write(text: string): void {
    if (text === "") return;
    this.#last = (this.#last + text).slice(-LAST_CHARS_MAX);
    this.#options.output(text);
  }
}
