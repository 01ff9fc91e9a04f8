import { type OutputStream, Redactor, utf8Length } from "@transporter/sdk";
import type { ProcessEnd } from "../process.ts";
import type { Read } from "./found.ts";
import { readFrame, type Usage } from "./frames.ts";
import { LogText } from "./log_text.ts";

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
  /** How far an earlier agent passed it on. */
  readonly read?: Read | undefined;
  /** What must not be seen. */
  readonly secrets: readonly string[];
  /** Whether its lines are those of the shim, which tells streams apart; else all of it is standard output. */
  readonly isFramed?: boolean;
  /** Takes what is new, and lines about it, which are not the script's: those are on standard error. */
  readonly output: (stream: OutputStream, text: string) => void;
}

/** One of the two things that a script writes to. */
class Stream {
  readonly #redactor: Redactor;
  readonly #output: (text: string) => void;
  bytes: number;
  last = "";

  constructor(
    { secrets, bytes, output }: {
      readonly secrets: readonly string[];
      readonly bytes: number;
      readonly output: (text: string) => void;
    },
  ) {
    this.#redactor = new Redactor(secrets);
    this.bytes = bytes;
    this.#output = output;
  }

  push(text: string): void {
    this.bytes += utf8Length(text);
    this.#write(this.#redactor.push(text));
  }

  end(): void {
    this.#write(this.#redactor.end());
  }

  #write(text: string): void {
    if (text === "") return;
    this.last = (this.last + text).slice(-LAST_CHARS_MAX);
    this.#output(text);
  }
}

/** The output of a script, as the log of its Pod has it. */
export class Log {
  readonly #text: LogText;
  readonly #options: LogOptions;
  readonly #streams: Readonly<Record<OutputStream, Stream>>;
  /** The beginning of a line of the shim: so far as it was read, a place is always the end of one. */
  #line = "";
  #usage: Usage | undefined;
  #hasGap = false;

  /** Makes one that has read nothing. */
  constructor(options: LogOptions) {
    this.#options = options;
    const { secrets, output, read } = options;
    this.#text = new LogText(read?.place);
    const open = (stream: OutputStream) =>
      new Stream({
        secrets,
        bytes: read?.bytes[stream] ?? 0,
        output: (text) => output(stream, text),
      });
    this.#streams = { stdout: open("stdout"), stderr: open("stderr") };
  }

  /** The time of the last line; `undefined` when none was read. */
  get since(): string | undefined {
    return this.#text.since;
  }

  /** How far it was passed on. */
  get read(): Read {
    return { place: this.#text.place, bytes: this.#bytes };
  }

  /** The log is opened once more. */
  reopen(): void {
    this.#line = "";
    this.#text.reopen();
  }

  /** Takes a piece of the log. */
  push(piece: string): void {
    if (this.#options.isFramed !== true) {
      const text = this.#text.push(piece);
      // What could be the beginning of a secret stays held back: its end may follow.
      if (this.#text.takeGap()) this.#noteGap();
      this.#streams.stdout.push(text);
      return;
    }
    const lines = this.#line + piece;
    const end = lines.lastIndexOf("\n") + 1;
    this.#line = lines.slice(end);
    const text = this.#text.push(lines.slice(0, end));
    if (this.#text.takeGap()) this.#noteGap();
    for (const line of text.split("\n")) {
      if (line !== "") this.#take(line);
    }
  }

  #take(line: string): void {
    const frame = readFrame(line);
    if ("usage" in frame) this.#usage = frame.usage;
    else this.#streams[frame.stream].push(frame.text);
  }

  /** What is known of the output at its end. */
  end(): Pick<ProcessEnd, "bytes" | "lastLine" | "warnings" | "usage"> {
    const { stdout, stderr } = this.#streams;
    stdout.end();
    stderr.end();
    if (this.#text.isSought) this.#noteGap();
    const said = this.#options.isFramed === true ? stderr : stdout;
    return {
      bytes: this.#bytes,
      lastLine: said.last.trimEnd().split("\n").at(-1)?.trim() ?? "",
      warnings: this.#hasGap ? [MISSING] : [],
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
    };
  }

  get #bytes(): Read["bytes"] {
    const { stdout, stderr } = this.#streams;
    return { stdout: stdout.bytes, stderr: stderr.bytes };
  }

  #noteGap(): void {
    this.#hasGap = true;
    this.#options.output("stderr", `${GAP}\n`);
  }
}
