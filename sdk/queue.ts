import { TransporterError } from "./error.ts";

/**
 * A bounded queue between many who push and one who iterates.
 *
 * @typeParam T What is queued.
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #itemsMax: number;
  #wake: (() => void) | undefined;
  #closed = false;
  #error: unknown;

  /** Makes a queue that holds at most `itemsMax` items. */
  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  /** How many items wait. */
  get length(): number {
    return this.#items.length;
  }

  /**
   * Adds an item; does nothing once closed.
   *
   * @throws {TransporterError} `exhausted` when it is full.
   */
  push(item: T): void {
    if (this.#closed) return;
    if (this.#items.length >= this.#itemsMax) {
      throw new TransporterError(
        "exhausted",
        `Cannot queue another item: "${this.#itemsMax}" are waiting already`,
      );
    }
    this.#items.push(item);
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
      const item = this.#items.shift();
      if (item !== undefined) {
        yield item;
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
