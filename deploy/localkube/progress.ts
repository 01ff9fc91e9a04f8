/**
 * One line that says what takes so long.
 *
 * @module
 */

/** Where progress is written; `Deno.stderr` is one. */
export interface ProgressOutput {
  /** Whether a person looks at it, and the line may be written anew. */
  isTerminal(): boolean;
  /** Writes bytes at once. */
  writeSync(bytes: Uint8Array): number;
}

/** Between two plain lines, in milliseconds: short enough for CI systems that end a silent job. */
const PLAIN_INTERVAL_MS = 30_000;

/**
 * Says what is being done and for how many seconds, until disposed: one line
 * that counts on a terminal, elsewhere a line now and then.
 */
export class Progress implements Disposable {
  readonly #text: string;
  readonly #output: ProgressOutput;
  readonly #terminal: boolean;
  readonly #startedAt = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  /** Writes the first line. */
  constructor(text: string, output: ProgressOutput) {
    this.#text = text;
    this.#output = output;
    this.#terminal = output.isTerminal();
    this.#write("");
    this.#timer = setInterval(
      () => this.#write(` ${this.#seconds()} s`),
      this.#terminal ? 1_000 : PLAIN_INTERVAL_MS,
    );
  }

  /** Ends the line. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#write(` ended after ${this.#seconds()} s`);
    if (this.#terminal) this.#output.writeSync(new TextEncoder().encode("\n"));
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 1_000);
  }

  #write(rest: string): void {
    const line = this.#terminal
      ? `\r\x1b[2K${this.#text}${rest}`
      : `${this.#text}${rest}\n`;
    this.#output.writeSync(new TextEncoder().encode(line));
  }
}
