import {
  clearImmediate,
  clearTimeout,
  setImmediate,
  setTimeout,
} from "node:timers";

/** Milliseconds that work of one kind may take before others have their turn. */
const TURN_MS = 4;

/**
 * Runs something once the runtime has looked for input; returns how to call it
 * off. Deno 2.9 looks when nothing is left to do, or after 61 rounds of its
 * event loop, and an immediate begins another round, as does whatever is
 * written. A timer that begins in the round of another one, as after a long
 * piece of work, may go off without a look; one that begins after the
 * immediates does not.
 */
export function afterInput(run: () => void, ms: number = 0): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const immediate = setImmediate(() => timer = setTimeout(run, ms));
  return () => {
    clearImmediate(immediate);
    clearTimeout(timer);
  };
}

/**
 * Does, a little a turn of the event loop, what would otherwise be done in one
 * go since it waits for nothing. While the events of many requests are looked
 * at, who comes is told at once that it is too much, agents are heard, and
 * what was looked at is stored.
 */
export class Turns implements Disposable {
  readonly #waiting: (() => void)[] = [];
  #until = 0;
  #began = false;
  #endTurn: (() => void) | undefined;

  /** Begins a piece of work in this turn or a later one, after those that came before; its outcome. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.push(() => resolve(work()));
    if (!this.#began) this.#begin();
    else if (this.#waiting.length === 1) this.#goOn();
    return promise;
  }

  /** Begins all that waits; from now on everything begins at once. */
  [Symbol.dispose](): void {
    this.#endTurn?.();
    this.#began = true;
    this.#until = Infinity;
    this.#goOn();
  }

  #begin(): void {
    this.#began = true;
    this.#until = performance.now() + TURN_MS;
    this.#endTurn = afterInput(() => {
      this.#began = false;
      if (this.#waiting.length > 0) this.#begin();
    });
    this.#goOn();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && performance.now() < this.#until) {
      this.#waiting.shift()?.();
    }
  }
}
