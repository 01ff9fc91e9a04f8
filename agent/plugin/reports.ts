import { REPORTS_AHEAD } from "./protocol.ts";

/** Reports of a plugin that are on their way: it goes on at once while they are few. */
export class Reports {
  #said = 0;
  #recorded = 0;
  readonly #waiting: (() => void)[] = [];

  /** Says one: `send` gets its number. Resolves when another one may follow. */
  say(send: (n: number) => void): Promise<void> {
    send(++this.#said);
    if (this.#said - this.#recorded < REPORTS_AHEAD) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** All up to this one are recorded. */
  recorded(n: number): void {
    this.#recorded = n;
    if (this.#said - n >= REPORTS_AHEAD) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
