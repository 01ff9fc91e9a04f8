import type { Clock } from "@transporter/sdk";

/** How long it is remembered who changed an object, in milliseconds: far longer than an event takes from its last change to its wait. */
const KEEP_MS = 600_000;

/** Of how many events the order is remembered in which they began. */
const BEGUN_MAX = 10_000;

/** Who changed an object last, and who has applied it since without changing anything. */
interface Change {
  readonly event: string | undefined;
  readonly same: ReadonlySet<string>;
  readonly at: number;
}

/**
 * Remembers for a while which event changed an object last, so that one that
 * waits for it learns that a later one has changed it, and one that is tried
 * again does not undo that. After a restart it begins anew: what waits then
 * waits for what is there, and what was cut off begins in its old place.
 */
export class Changes {
  readonly #clock: Clock;
  /** In the order of the times. */
  readonly #changes = new Map<string, Change>();
  /** The place of each event in the order in which they began. */
  readonly #begun = new Map<string, number>();
  #places = 0;
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

  /** An event has its turn, for the first time: what it touches is its own until it was applied, or cut off. */
  begin(event: string): void {
    if (this.#begun.has(event)) return;
    this.#begun.set(event, ++this.#places);
    const oldest = this.#begun.keys().next().value;
    if (this.#begun.size > BEGUN_MAX && oldest !== undefined) {
      this.#begun.delete(oldest);
    }
  }

  /** An event that began later than this one and has done its work on an object, whatever that changed. */
  later(object: string, event: string): string | undefined {
    const last = this.#changes.get(object);
    const own = this.#begun.get(event) ?? Infinity;
    return [last?.event, ...last?.same ?? []].find((other) =>
      other !== undefined && (this.#begun.get(other) ?? 0) > own
    );
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
