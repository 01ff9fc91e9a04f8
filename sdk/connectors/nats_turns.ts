/** Does so much at a time, and the rest in the order in which it was asked for. */
export class Turns {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /** Makes one where nothing is done. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** How much is being done, or waits. */
  get size(): number {
    return this.#busy + this.#waiting.length;
  }

  /** Does something when its turn comes. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#atOnce) this.#busy++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy--;
      else next(); // it takes this one's place
    }
  }
}
