import { TransporterError } from "./error.ts";

/**
 * A bounded queue between many who push and one who iterates.
 *
 * @typeParam T What is queued.
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: { readonly item: T; readonly weight: number }[] = [];
  readonly #itemsMax: number;
  readonly #weightMax: number;
  #weight = 0;
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;
  #closed = false;
  #error: unknown;

  /**
   * Makes a queue that holds at most `itemsMax` items, of at most `weightMax`
   * together; one that is alone may weigh more.
   */
  constructor(itemsMax: number, weightMax = Infinity) {
    this.#itemsMax = itemsMax;
    this.#weightMax = weightMax;
  }

  /** How many items wait. */
  get length(): number {
    return this.#items.length;
  }

  /** How much they weigh together. */
  get weight(): number {
    return this.#weight;
  }

  /**
   * Adds an item; does nothing once closed.
   *
   * @param item What is added.
   * @param weight What it counts towards `weightMax`.
   * @throws {TransporterError} `exhausted` when it is full.
   */
  push(item: T, weight = 0): void {
    if (this.#closed) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      return waiting.resolve({ done: false, value: item });
    }
    const { length } = this.#items;
    const heavy = length > 0 && this.#weight + weight > this.#weightMax;
    if (length >= this.#itemsMax || heavy) {
      throw new TransporterError(
        "exhausted",
        `Cannot queue another item: ${length} of weight ${this.#weight} are waiting already`,
      );
    }
    this.#items.push({ item, weight });
    this.#weight += weight;
  }

  /** Ends the iteration after the items that wait, with an error if there is one. Idempotent. */
  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#waiting?.resolve(this.#end());
    this.#waiting = undefined;
  }

  /** Yields items in the order they came. One consumer. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    // By hand: a generator takes several times the memory, and each item another turn.
    return { next: () => this.#next() };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#items.shift();
    if (next !== undefined) {
      this.#weight -= next.weight;
      return Promise.resolve({ done: false, value: next.item });
    }
    if (this.#closed) return this.#end();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** The end, and the error with it once. */
  #end(): Promise<IteratorResult<T, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }
}
