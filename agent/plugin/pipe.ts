import { type Clock, IN_TIME, TransporterError } from "@transporter/sdk";
import { Lines } from "./lines.ts";
import { MESSAGE_CHARS_MAX } from "./protocol.ts";

/** What {@linkcode Pipe} needs. */
export interface PipeOptions {
  /** The command line. */
  readonly command: readonly [command: string, ...args: string[]];
  /** Its environment, whole. */
  readonly env: Readonly<Record<string, string>>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Takes each line that it writes. */
  readonly line: (stream: "stdout" | "stderr", line: string) => void;
  /** It said more than anybody can read; nothing is taken any more. */
  readonly flooded: () => void;
}

/** Bytes that a process may say at once, and for each second of its life. */
const FLOOD_BYTES = 64 * 1024 * 1024;
const FLOOD_BYTES_PER_SECOND = 1024 * 1024;

/** Characters of standard error that are kept for the message when the process ends. */
const TAIL_CHARS = 4000;

/** Milliseconds from the end of a process to the end of what it said. */
const LAST_WORDS_MS = 1000;

const encoder = new TextEncoder();

/** A process, what is written to it, and what it writes: bounded. */
export class Pipe {
  readonly #options: PipeOptions;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #startedAt: number;
  #bytes = 0;
  #tail = "";
  #deaf = false;
  #over = false;
  /** How it ended, for a sentence. */
  readonly ended: Promise<string>;

  /**
   * Starts a process.
   *
   * @throws {TransporterError} `plugin_failed`.
   */
  constructor(options: PipeOptions) {
    const { command: [program, ...args], env, clock } = options;
    this.#options = options;
    this.#startedAt = clock.monotonic();
    try {
      this.#child = new Deno.Command(program, {
        args,
        clearEnv: true,
        env,
        detached: true, // a group of its own, for what it starts
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      throw new TransporterError(
        "plugin_failed",
        `Cannot start "${program}" for a plugin: ${
          cause instanceof Error ? cause.message : cause
        }`,
        { cause },
      );
    }
    this.#writer = this.#child.stdin.getWriter();
    this.ended = this.#run();
  }

  async #run(): Promise<string> {
    const readers = (["stdout", "stderr"] as const).map((stream) => ({
      stream,
      reader: this.#child[stream].getReader(),
    }));
    const read = Promise.all(readers.map((each) => this.#read(each)));
    const status = await this.#child.status;
    this.kill(); // what it started and left behind
    this.#over = true;
    this.#writer.close().catch(() => {});
    // Somebody who left its group may hold its streams open for ever.
    const { clock } = this.#options;
    const done = new AbortController();
    clock.sleep(LAST_WORDS_MS, { signal: done.signal }).then(
      () => Promise.all(readers.map(({ reader }) => reader.cancel())),
      () => {},
    );
    await read;
    done.abort(IN_TIME);
    return this.#ending(status);
  }

  async #read(
    { stream, reader }: {
      readonly stream: "stdout" | "stderr";
      readonly reader: ReadableStreamDefaultReader<Uint8Array>;
    },
  ): Promise<void> {
    const { clock, flooded, line } = this.#options;
    const lines = new Lines(MESSAGE_CHARS_MAX + 64, (text) => {
      if (stream === "stderr") {
        this.#tail = `${this.#tail}${text}\n`.slice(-TAIL_CHARS);
      }
      line(stream, text);
    });
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      this.#bytes += value.length;
      const seconds = (clock.monotonic() - this.#startedAt) / 1000;
      const max = FLOOD_BYTES + seconds * FLOOD_BYTES_PER_SECOND;
      if (!this.#deaf && this.#bytes > max) {
        this.#deaf = true;
        flooded();
      }
      if (!this.#deaf) lines.push(value);
    }
    if (!this.#deaf) lines.end();
  }

  #ending({ code, signal }: Deno.CommandStatus): string {
    if (/heap limit|out of memory/i.test(this.#tail)) {
      return "ran out of memory";
    }
    if (signal !== null) return `was ended by ${signal}`;
    const why = this.#tail.split("\n").find((line) => /^error/i.test(line));
    return `ended with code ${code}${why === undefined ? "" : `: ${why}`}`;
  }

  /** Writes a line to it; one that has ended does not read it. */
  send(line: string): void {
    this.#writer.write(encoder.encode(`${line}\n`)).catch(() => {});
  }

  /** Ends it and all that it started. */
  kill(): void {
    if (this.#over) return;
    try {
      if (Deno.build.os === "windows") this.#child.kill(); // which has no groups
      else Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
