import type { Page } from "@transporter/sdk";
import { encodeNext } from "./encode.ts";
import type { Invocation } from "./invocation.ts";
import { type Column, Table } from "./table.ts";
import { safe } from "./text.ts";

/** How a kind of thing is listed. */
export interface ListingOptions<T> {
  /** What `-o name` puts before the id: `event` or `agent`. */
  readonly noun: string;
  /** The id of one. */
  readonly idOf: (item: T) => string;
  /** The columns of its table. */
  readonly columns: readonly Column<T>[];
}

/**
 * Writes things in the format that was asked for: a list at first, and one at
 * a time afterwards.
 *
 * @typeParam T What is listed.
 */
export class Listing<T> {
  readonly #invocation: Invocation;
  readonly #options: ListingOptions<T>;
  readonly #table: Table<T>;

  /** Writes nothing yet. */
  constructor(invocation: Invocation, options: ListingOptions<T>) {
    this.#invocation = invocation;
    this.#options = options;
    this.#table = new Table(options.columns, invocation.tableOptions);
  }

  /** Writes a whole list, once. */
  page(page: Page<T>): void {
    const { format, isTable } = this.#invocation;
    if (format === "name") this.#names(page.items);
    else if (!isTable) this.#invocation.printValue(page);
    else if (page.items.length === 0) {
      this.#invocation.note(`There are no ${this.#options.noun}s`);
    } else this.#invocation.print(this.#table.head(page.items));
  }

  /** Writes one thing by itself. */
  one(item: T): void {
    const { format, isTable } = this.#invocation;
    if (format === "name") this.#names([item]);
    else if (!isTable) this.#invocation.printValue(item);
    else this.#invocation.print(this.#table.head([item]));
  }

  /** Writes what there is when a watch begins; {@linkcode Listing.next} writes what comes then. */
  first(items: readonly T[]): void {
    const { isTable } = this.#invocation;
    if (isTable) {
      this.#invocation.print(this.#table.head(items, { goesOn: true }));
    } else for (const item of items) this.next(item);
  }

  /** Writes one more, as a watch sees it. */
  next(item: T): void {
    const { format, isTable } = this.#invocation;
    if (format === "name") this.#names([item]);
    else if (isTable) this.#invocation.print(this.#table.row(item));
    else {
      this.#invocation.print(
        encodeNext(item, format === "yaml" ? "yaml" : "json"),
      );
    }
  }

  #names(items: readonly T[]): void {
    const { noun, idOf } = this.#options;
    this.#invocation.print(
      items.map((item) => `${noun}/${safe(idOf(item))}\n`).join(""),
    );
  }
}
