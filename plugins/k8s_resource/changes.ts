import type { Clock } from "@transporter/sdk";
import type { Unfinished } from "./unfinished.ts";

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
 * waits for what is there, and what was cut off begins in its old place, as it
 * is among the unfinished events, which are on disk.
 */
export class Changes {
  readonly #clock: Clock;
  /** In the order of the times. */
  readonly #changes = new Map<string, Change>();
  /** The place of each event in the order in which they began. */
  readonly #begun = new Map<string, number>();
  #places = 0;
  readonly #listeners = new Set<(object: string) => void>();
  readonly #unfinished: Unfinished | undefined;

  /** Makes one that remembers nothing yet, but for events that an earlier process did not finish. */
  constructor(clock: Clock, unfinished?: Unfinished) {
    this.#clock = clock;
    this.#unfinished = unfinished;
    for (const id of unfinished?.ids ?? []) this.begin(id);
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
    const place = this.#begun.get(event) ?? 0;
    this.#unfinished?.see(
      object,
      event,
      (id) => (this.#begun.get(id) ?? 0) < place,
    );
  }

  /** An event has not done all that it was to do with its objects, and may be tried again. */
  leave(event: string, objects: readonly string[]): void {
    this.#unfinished?.add(event, objects);
  }

  /** An event has done all that it was to do. */
  finish(event: string): void {
    this.#unfinished?.delete(event);
  }

  /** Resolves when what has to outlive this process does. */
  async save(): Promise<void> {
    await this.#unfinished?.save();
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
    ) ?? this.#unfinished?.later(object, event);
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
