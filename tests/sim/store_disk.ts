import { isRecord } from "@transporter/sdk";
import { openMemoryStore } from "../../cp/store/memory.ts";
import type { Store } from "../../cp/store/store.ts";
import type { Random } from "./random.ts";

/** A write, as it stands in the log. */
export interface Operation {
  /** The method of the store. */
  readonly name: string;
  /** What it was called with. */
  readonly args: readonly unknown[];
  /** The time of day at the control plane, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * The disk under the control plane's store: a log of writes, of which the
 * newest may be in the cache only, and what they add up to, kept by the
 * reference store.
 */
export class StoreDisk {
  /** Called when something was written into the cache. */
  written: (() => void) | undefined;
  /** Where chance comes from. */
  protected readonly random: Random;
  /** What is on the platter, in order. */
  #log: Operation[] = [];
  /** Groups that are in the cache only. */
  #cached: (readonly Operation[])[] = [];
  #now = 0;
  #store: Store;

  /** Makes an empty one. */
  constructor(random: Random) {
    this.random = random;
    this.#store = this.#empty();
  }

  /** What is on the platter, as a store. */
  get store(): Store {
    return this.#store;
  }

  /** How many writes are on the platter. */
  get length(): number {
    return this.#log.length;
  }

  /** Whether there is something in the cache only. */
  get dirty(): boolean {
    return this.#cached.length > 0;
  }

  /** A process opens it: what an earlier one left in the cache is made safe first. */
  open(): void {
    this.sync();
  }

  /** Writes a group into the cache. */
  write(group: readonly Operation[]): void {
    this.#cached.push(group);
    this.written?.();
  }

  /** Brings what is in the cache to the platter; returns what each write came to. */
  sync(): Promise<unknown>[] {
    const operations = this.#cached.flat();
    this.#cached = [];
    return operations.map((operation) => this.#apply(operation));
  }

  /** Loses what is in the cache only, but for some beginning of it. */
  losePower(): void {
    this.#cached.length = this.random.int(0, this.#cached.length);
    this.sync();
  }

  /** Puts back what it was after so many writes. */
  restore(length: number): void {
    this.replay(this.#log.slice(0, length));
  }

  /** Becomes what these writes lead to. */
  replay(log: readonly Operation[]): void {
    this.#log = [];
    this.#cached = [];
    this.#store = this.#empty();
    for (const operation of log) this.#apply(operation);
  }

  /** What is on the platter and in the cache, in order. */
  protected all(): readonly Operation[] {
    return [...this.#log, ...this.#cached.flat()];
  }

  #empty(): Store {
    const now = () => this.#now;
    const clock = {
      now,
      monotonic: now,
      sleep: () => Promise.reject(new TypeError("A disk does not sleep")),
    };
    return openMemoryStore({ clock });
  }

  #apply({ name, args: given, at }: Operation): Promise<unknown> {
    const [args, kept] = recorded(given);
    this.#log.push({ name, args: kept, at });
    this.#now = at;
    const method: unknown = Reflect.get(this.#store, name);
    if (typeof method !== "function") {
      throw new TypeError(`There is no method "${name}" in the store`);
    }
    const outcome: Promise<unknown> = method.apply(this.#store, args);
    // What it throws, such as "superseded", is for whoever wrote it.
    outcome.catch(() => {});
    return outcome;
  }
}

/**
 * What to call a method with, and what to keep of that: a function decides by
 * what its process knows then, so it is what it decided that is kept.
 */
function recorded(
  args: readonly unknown[],
): readonly [args: readonly unknown[], kept: readonly unknown[]] {
  const pairs = args.map(recordedArg);
  return [pairs.map(([arg]) => arg), pairs.map(([, kept]) => kept)];
}

function recordedArg(arg: unknown): readonly [arg: unknown, kept: unknown] {
  if (isRecord(arg) && typeof arg["decide"] === "function") {
    const [decide, kept] = recordedArg(arg["decide"]);
    return [{ ...arg, decide }, { ...arg, decide: kept }];
  }
  if (typeof arg !== "function") return [arg, arg];
  const decisions: unknown[] = [];
  const decide = (...facts: readonly unknown[]) => {
    const decision: unknown = arg(...facts);
    decisions.push(decision);
    return decision;
  };
  let next = 0; // what is done again makes as many decisions each time
  return [decide, () => decisions[next++ % decisions.length]];
}
