import type { EventRecord } from "./store/store.ts";

/** Hears of every change of an event, after it was written. Must not throw. */
export type RecordListener = (record: EventRecord) => void;

/** Hears of a tenant's writes that failed and may have been done all the same. Must not throw. */
export type DoubtListener = (tenant: string) => void;

/** Those who hear what the recorder writes. */
export class Audience {
  readonly #listeners = new Set<RecordListener>();
  readonly #doubters = new Set<DoubtListener>();

  /** Adds somebody who hears of changes. */
  listen(listener: RecordListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Adds somebody who hears of doubtful writes; of what they changed nobody was told. */
  listenDoubts(listener: DoubtListener): Disposable {
    this.#doubters.add(listener);
    return { [Symbol.dispose]: () => void this.#doubters.delete(listener) };
  }

  /** Tells a change. */
  tell(record: EventRecord): void {
    for (const listener of this.#listeners) listener(record);
  }

  /** Tells that something of a tenant may have changed. */
  doubt(tenant: string): void {
    for (const listener of this.#doubters) listener(tenant);
  }
}
