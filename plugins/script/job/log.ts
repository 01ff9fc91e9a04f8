import { Redactor, utf8Length } from "@transporter/sdk";
import type { ProcessEnd } from "../process.ts";

import { LogText, type Place } from "./log_text.ts";

/** Characters of the end of the output that a sentence about a failure is made of. */
const LAST_CHARS_MAX = 4096;

/** Options of {@linkcode Log}. */
export interface LogOptions {
  /** Up to where an earlier agent passed it on. */
  readonly place?: Place | undefined;
  /** What must not be seen. */
  readonly secrets: readonly string[];
  /** Takes what is new. */
  readonly output: (text: string) => void;
}

/** The output of a script, as the log of its Pod has it: both streams are one there. */
export class Log {
  readonly #text: LogText;
  readonly #redactor: Redactor;
  readonly #options: LogOptions;
  #bytes = 0;
  #last = "";

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
    this.#bytes += utf8Length(text);
    this.#write(this.#redactor.push(text));
  }

  /** What is known of the output at its end. */
  end(): Pick<ProcessEnd, "bytes" | "lastLine"> {
    this.#write(this.#redactor.end());
    return {
      bytes: { stdout: this.#bytes, stderr: 0 },
      lastLine: this.#last.trimEnd().split("\n").at(-1)?.trim() ?? "",
    };
  }

  #write(text: string): void {
    if (text === "") return;
    this.#last = (this.#last + text).slice(-LAST_CHARS_MAX);
    this.#options.output(text);
  }
}
