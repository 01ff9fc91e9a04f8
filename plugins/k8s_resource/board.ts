import { describeObject } from "./manifest.ts";
import type { PlannedObject } from "./plan.ts";
import type { Readiness } from "./ready.ts";

/** An object, and what is known of it. */
export interface Seen {
  /** The object. */
  readonly object: PlannedObject;
  /** What was seen last. */
  readonly state: Readiness;
  /** What is known besides of why it is not ready; empty when nothing is. */
  readonly why: string;
}

/** Characters of a reason with what is known besides. */
const CHARS_MAX = 800;

/** Why an object is not ready, for people: continues a sentence. */
export function reasonOf({ state, why }: Seen): string {
  const text = why === "" ? state.reason : `${state.reason}: ${why}`;
  return text.length <= CHARS_MAX ? text : `${text.slice(0, CHARS_MAX)}…`;
}

/**
 * What is known of the objects that an event waits for: of each only its
 * readiness, so that many of them take little memory. One that was ready once
 * is done; what becomes of it later is not the event's business.
 */
export class Board {
  /** In the order of the manifests; `undefined`: not looked at yet. */
  readonly #waiting: Map<PlannedObject, Readiness | undefined>;
  readonly #unchecked = new Map<PlannedObject, Readiness>();
  readonly #objects: readonly PlannedObject[];
  readonly #whys = new Map<PlannedObject, string>();
  readonly #warnings = new Set<string>();
  readonly #listener: (seen: Seen) => void;
  #lost: PlannedObject | undefined;
  #changed: PromiseWithResolvers<void> | undefined;

  /** Makes one on which nothing is known yet; `listener` is told whatever is noted. */
  constructor(
    objects: readonly PlannedObject[],
    listener: (seen: Seen) => void,
  ) {
    this.#objects = objects;
    this.#listener = listener;
    this.#waiting = new Map(objects.map((object) => [object, undefined]));
  }

  /** How many objects are not done. */
  get left(): number {
    return this.#waiting.size;
  }

  /** One that cannot become ready any more. */
  get lost(): Seen | undefined {
    const state = this.#lost && this.#waiting.get(this.#lost);
    return this.#lost && state && this.#seen(this.#lost, state);
  }

  /** Those that were looked at and are not ready, in the order of the manifests. */
  *waiting(): Generator<Seen> {
    for (const [object, state] of this.#waiting) {
      if (state !== undefined) yield this.#seen(object, state);
    }
  }

  /** Those that nobody has looked at, in the order of the manifests. */
  *unseen(): Generator<Seen> {
    const reason = "the API server has not said how it is";
    for (const [object, state] of this.#waiting) {
      if (state === undefined) {
        yield { object, state: { ready: false, reason }, why: "" };
      }
    }
  }

  #seen(object: PlannedObject, state: Readiness): Seen {
    return { object, state, why: this.#whys.get(object) ?? "" };
  }

  /** Whether an object is not done. */
  has(object: PlannedObject): boolean {
    return this.#waiting.has(object);
  }

  /** Notes what was seen. */
  set(object: PlannedObject, state: Readiness): void {
    if (!this.#waiting.has(object) || object === this.#lost) return;
    if (state.ready) this.#waiting.delete(object);
    else this.#waiting.set(object, state);
    if (state.unchecked) this.#unchecked.set(object, state);
    if (state.failed) this.#lost ??= object;
    this.#listener(this.#seen(object, state));
    this.#tell();
  }

  /** Notes what is known besides of why an object is not ready. */
  explain(object: PlannedObject, why: string): void {
    this.#whys.set(object, why);
    const state = this.#waiting.get(object);
    if (state !== undefined) this.#listener(this.#seen(object, state));
    this.#tell();
  }

  /** Notes a warning, for {@linkcode Board.warnings}. */
  warn(warning: string): void {
    this.#warnings.add(warning);
  }

  #tell(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  /** Resolves when something was noted after this was called. */
  async changed(): Promise<void> {
    this.#changed ??= Promise.withResolvers();
    await this.#changed.promise;
  }

  /** Warnings: what was noted, and the objects that are only taken for ready. Those of a kind share one. */
  warnings(): readonly string[] {
    const seen = this.#objects.flatMap((object): Seen[] => {
      const state = this.#unchecked.get(object);
      return state === undefined ? [] : [this.#seen(object, state)];
    });
    const groups = Map.groupBy(
      seen,
      ({ object: { apiVersion, kind }, state: { reason } }) =>
        `${apiVersion} ${kind} ${reason}`,
    );
    const unchecked = [...groups.values()].flatMap(([first, ...more]) => {
      if (first === undefined) return [];
      const others = more.length === 0
        ? ": its readiness is"
        : ` and ${more.length} more: their readiness is`;
      return [
        `${
          describeObject(first.object)
        }${others} unchecked: ${first.state.reason}`,
      ];
    });
    return [...this.#warnings, ...unchecked];
  }
}
