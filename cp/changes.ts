import type { Store } from "./store/store.ts";

/** Options of {@linkcode Changes}. */
export interface ChangesOptions {
  /** Where the changes are read from. */
  readonly store: Pick<Store, "changeRange">;
}

/**
 * Wakes those who follow what happens to events. It carries no data: they read
 * from the store, so that nothing is missed and nothing is seen too early.
 */
export class Changes {
  readonly #store: Pick<Store, "changeRange">;
  readonly #listeners = new Set<() => void>();
  #break = new AbortController();

  /** Makes a hub that nobody listens to. */
  constructor({ store }: ChangesOptions) {
    this.#store = store;
  }

  /** How many listen, or wait. */
  get waiting(): number {
    return this.#listeners.size;
  }

  /** Aborts when some of what was told is gone from the store: who follows has to begin anew. */
  get unbroken(): AbortSignal {
    return this.#break.signal;
  }

  /** Says that some of what was told is gone. */
  break(): void {
    this.#break.abort();
    this.#break = new AbortController();
  }

  /** Says that the store has something new; for whoever wrote it, after the write. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls back whenever something may be new: for those who follow for long. Must not throw. */
  listen(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Resolves when a change newer than `after` may exist: at once if the store
   * has one already. It may be another tenant's.
   *
   * @param after The last change that the caller has seen.
   * @param options `signal`: gives up; rejects with its reason.
   * @throws {TransporterError} `store_unavailable`.
   */
  async wait(
    after: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    // First the ear, then the look: a change in between wakes.
    using _listening = this.listen(resolve);
    try {
      // The look may fail while nobody listens to the promise yet.
      promise.catch(() => {});
      if ((await this.#store.changeRange()).newest > after) return;
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
