import type { Meter } from "./meter.ts";
import type { Type } from "./type.ts";

/** What an expression runs on: a value for each of its variables, and the meter. */
export interface Frame {
  readonly values: unknown[];
  readonly meter: Meter;
}

/** A part of an expression, ready to run. */
export interface Step {
  readonly type: Type;
  run(frame: Frame): unknown;
  /** Its value, if it is the same every time. */
  readonly constant?: { readonly value: unknown };
  /** What reads a variable or a field of one: its last step costs nothing in a branch of `? :`. */
  readonly isAttribute?: boolean;
}

/** The variables that a part of an expression sees. */
export class Scope {
  readonly #slots: ReadonlyMap<string, { slot: number; type: Type }>;
  readonly #next: number;
  /** The variables that were looked for and found, in all parts. */
  readonly used: Set<string>;

  constructor(
    slots: ReadonlyMap<string, { slot: number; type: Type }>,
    { next = slots.size, used = new Set<string>() } = {},
  ) {
    this.#slots = slots;
    this.#next = next;
    this.used = used;
  }

  /** Where the value of a variable is, and its type. */
  find(name: string): { slot: number; type: Type } | undefined {
    const found = this.#slots.get(name);
    if (found !== undefined) this.used.add(name);
    return found;
  }

  /** The same with a variable more. */
  with(name: string, type: Type): { scope: Scope; slot: number } {
    const slot = this.#next;
    const slots = new Map(this.#slots).set(name, { slot, type });
    const { used } = this;
    return { scope: new Scope(slots, { next: slot + 1, used }), slot };
  }
}
