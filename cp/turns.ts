import { setTimeout } from "node:timers";

/** Milliseconds that work on events may take before others have their turn. */
const TURN_MS = 8;

/**
 * Does, a little a turn of the event loop, what would otherwise be done in one
 * go since it waits for nothing. While the events of many requests are looked
 * at, who comes is told at once that it is too much, agents are heard, and
 * what was looked at is stored. Only a timer gives the others their turn:
 * `setImmediate` does not.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #until = 0;
  #turn: ReturnType<typeof setTimeout> | undefined;

  /** Begins a piece of work in this turn or a later one, after those that came before; its outcome. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.push(() => resolve(work()));
    if (this.#turn === undefined) this.#begin();
    else if (this.#waiting.length === 1) this.#goOn();
    return promise;
  }

  #begin(): void {
    this.#until = performance.now() + TURN_MS;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      if (this.#waiting.length > 0) this.#begin();
    }, 0);
    this.#goOn();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && performance.now() < this.#until) {
      this.#waiting.shift()?.();
    }
  }
}
