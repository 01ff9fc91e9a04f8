/** Milliseconds between lines where there is no terminal. */
const LINE_MS = 10_000;

/** Milliseconds between changes of the line on a terminal. */
const REDRAW_MS = 100;

/** Says on stderr how far something is: one line that changes, or one every ten seconds. */
export class Progress implements Disposable {
  readonly #total: number;
  readonly #startedAt = performance.now();
  readonly #terminal = Deno.stderr.isTerminal();
  #shownAt: number = this.#startedAt;

  /** Makes one for so many steps. */
  constructor(total: number) {
    this.#total = total;
  }

  /** So many steps are done. */
  show(done: number, more: string): void {
    const now = performance.now();
    if (now - this.#shownAt < (this.#terminal ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = now;
    const perSecond = (done / (now - this.#startedAt) * 1000).toFixed(0);
    const line = `${done} of ${this.#total}, ${perSecond}/s, ${more}`;
    this.#write(this.#terminal ? `\r\x1b[K${line}` : `${line}\n`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#terminal) this.#write("\r\x1b[K");
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
