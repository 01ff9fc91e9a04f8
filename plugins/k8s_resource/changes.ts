import type { Clock } from "@transporter/sdk";

/** How long it is remembered who changed an object, in milliseconds: far longer than an event takes from its last change to its wait. */
const KEEP_MS = 600_000;

/** Who changed an object last, and who has applied it since without changing anything. */
interface Change {
  readonly event: string | undefined;
  readonly same: ReadonlySet<string>;
  readonly at: number;
}

/**
 * Remembers for a while which event changed an object last, so that one that
 * waits for it learns that a later one has changed it. No event's outcome
 * rests on it but that one's: after a restart it waits for what is there then.
 */
export class Changes {
  readonly #clock: Clock;
  /** In the order of the times. */
  readonly #changes = new Map<string, Change>();
  readonly #listeners = new Set<(object: string) => void>();

  /** Makes one that remembers nothing yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An event has done its work on an object; `changed`: and has made it another one. */
  note(
    object: string,
    { event, changed }: { readonly event: string; readonly changed: boolean },
  ): void {
    const at = this.#clock.monotonic();
    for (const [key, change] of this.#changes) {
      if (at - change.at < KEEP_MS) break;
      this.#changes.delete(key);
    }
    const last = this.#changes.get(object);
    this.#changes.delete(object);
    this.#changes.set(
      object,
      changed
        ? { event, same: new Set(), at }
        : { event: last?.event, same: new Set(last?.same).add(event), at },
    );
    if (changed) { for (const tell of this.#listeners) tell(object); }
  }

  /** The event that has changed an object since this one did its work on it. */
  since(object: string, event: string): string | undefined {
    const last = this.#changes.get(object);
    return last === undefined || last.event === event || last.same.has(event)
      ? undefined
      : last.event;
  }

  /** Has a function called after each change, with the object's key. */
  listen(tell: (object: string) => void): Disposable {
    this.#listeners.add(tell);
    return { [Symbol.dispose]: () => void this.#listeners.delete(tell) };
  }
}
