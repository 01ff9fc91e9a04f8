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
  #wake: (() => void) | undefined;
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

  /**
   * Adds an item; does nothing once closed.
   *
   * @param item What is added.
   * @param weight What it counts towards `weightMax`.
   * @throws {TransporterError} `exhausted` when it is full.
   */
  push(item: T, weight = 0): void {
    if (this.#closed) return;
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
    this.#wake?.();
  }

  /** Ends the iteration after the items that wait, with an error if there is one. Idempotent. */
  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#wake?.();
  }

  /** Yields items in the order they came. One consumer. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    while (true) {
      const next = this.#items.shift();
      if (next !== undefined) {
        this.#weight -= next.weight;
        yield next.item;
        continue;
      }
      if (this.#closed) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
