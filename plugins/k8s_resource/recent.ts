import type { Clock } from "@transporter/sdk";

/** How long what was found counts, in milliseconds from when it was asked for. */
const RECENT_MS = 1_000;

/**
 * What was found within the last second, so that a bundle asks for it once and
 * not with each object, and whatever changes meanwhile is seen a moment later.
 */
export class Recent<Value> {
  readonly #clock: Pick<Clock, "monotonic">;
  #known = new Map<string, { readonly value: Value; readonly at: number }>();

  /** Makes one that knows nothing yet. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** What is known by a key, or else what `look` finds, which is kept unless it throws. */
  async find(key: string, look: () => Promise<Value>): Promise<Value> {
    const known = this.#known; // another one once it is cleared
    const now = this.#clock.monotonic();
    for (const [each, { at }] of known) {
      if (now - at >= RECENT_MS) known.delete(each);
    }
    const found = known.get(key);
    if (found !== undefined) return found.value;
    const value = await look();
    known.set(key, { value, at: now });
    return value;
  }

  /** Forgets all, also what is being looked for, as it may be about to change. */
  clear(): void {
    this.#known = new Map();
  }
}
