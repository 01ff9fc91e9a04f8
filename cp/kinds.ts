import type { EventKind, EventSpec } from "@transporter/sdk";

/** What is known about event types, by type. */
export class Kinds {
  readonly #kinds: ReadonlyMap<string, EventKind>;

  /** Takes a list with at most one kind of each type. */
  constructor(kinds: readonly EventKind[]) {
    this.#kinds = new Map(kinds.map((kind) => [kind.type, kind]));
  }

  /** Finds what is known of a type. */
  get(type: string): EventKind | undefined {
    return this.#kinds.get(type);
  }

  /** Whether an event may be run twice; what is not known may not. */
  repeatable({ type, payload }: EventSpec): boolean {
    try {
      return this.#kinds.get(type)?.repeatable(payload) ?? false;
    } catch {
      // The kind does not take this payload any more: then it cannot vouch for a second run.
      return false;
    }
  }
}
