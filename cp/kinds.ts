import type { EventKind, EventSpec, StatusUpdateFrame } from "@transporter/sdk";

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

  /** Whether an event whose attempt failed may be run again: its agent knows best; if that does not say, its kind decides. */
  async repeats(
    { phase, details }: StatusUpdateFrame,
    specOf: () => Promise<EventSpec | undefined>,
  ): Promise<boolean> {
    const word = details?.["repeatable"];
    if (phase === "interrupted" && typeof word === "boolean") return word;
    const spec = await specOf();
    return spec !== undefined && this.repeatable(spec);
  }
}
