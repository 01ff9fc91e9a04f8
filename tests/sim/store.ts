import { TransporterError } from "@transporter/sdk";
import type { Store } from "../../cp/store/store.ts";
import type { Process } from "./machine.ts";
import type { Operation, StoreDisk } from "./store_disk.ts";

/** How the store is doing. */
export interface StoreState {
  /** Milliseconds that a commit takes, on average. */
  commitMs: number;
  /** Milliseconds that a read takes, on average. */
  readMs: number;
  /** Nothing can be read or written. */
  down: boolean;
  /** How likely it is that a commit fails, and nothing of it is written. */
  failing: number;
  /** How likely it is that a commit is written and its answer is lost. */
  ambiguous: number;
  /** There is no room for events and output; there is some, set aside, for all else. */
  full: boolean;
}

/** What a store is like that has no trouble. */
export const WELL: Readonly<StoreState> = {
  commitMs: 2,
  readMs: 0.2,
  down: false,
  failing: 0,
  ambiguous: 0,
  full: false,
};

/** What is refused when there is no room. */
export const NEW: ReadonlySet<string> = new Set(["addLogs", "createEvent"]);

/** What each method of a store does. */
export const ACCESS: Readonly<
  Record<
    Exclude<keyof Store, symbol | "because" | "durability" | "replicated">,
    "reads" | "writes"
  >
> = {
  addLogs: "writes",
  changeEvent: "writes",
  changeRange: "reads",
  countOpen: "reads",
  createEvent: "writes",
  deleteAgent: "writes",
  getAgent: "reads",
  getEvent: "reads",
  getMark: "reads",
  getSpec: "reads",
  listAgents: "reads",
  listChanges: "reads",
  listDue: "reads",
  listEvents: "reads",
  listHistory: "reads",
  listLogs: "reads",
  listOpen: "reads",
  listReleased: "reads",
  nextReadyAt: "reads",
  openSession: "writes",
  probe: "writes",
  releaseEvents: "writes",
  restartStream: "writes",
  setMark: "writes",
  setPaused: "writes",
  sweep: "writes",
  touchAgent: "writes",
};

/** How the methods of a store are done. */
export interface Methods {
  /** One that reads. */
  reads(name: string, args: readonly unknown[]): Promise<unknown>;
  /** One that writes. */
  writes(name: string, args: readonly unknown[]): Promise<unknown>;
}

/** A store whose methods are done by others. */
export function portOf(
  { durability, replicated }: Store,
  methods: Methods,
): Store {
  const port = Object.entries(ACCESS).map(([name, access]) => [
    name,
    (...args: readonly unknown[]) => methods[access](name, args),
  ]);
  return { durability, replicated, ...Object.fromEntries(port) };
}

interface Waiting {
  readonly operation: Omit<Operation, "at">;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The store of one process of the control plane: what comes while a commit is
 * on its way is committed with the next one, and nothing is seen before it is
 * on the platter. The rules of the records are the reference store's.
 */
export class SimulatedStore {
  readonly #disk: StoreDisk;
  readonly #process: Process;
  readonly #state: StoreState;
  #waiting: Waiting[] = [];
  #committing = false;

  /** Opens the store; what an earlier process left in the cache is made safe first. */
  constructor(disk: StoreDisk, process: Process, state: StoreState) {
    this.#disk = disk;
    this.#process = process;
    this.#state = state;
    disk.open();
  }

  /** It, as the control plane has it. */
  port(): Store {
    return portOf(this.#disk.store, {
      reads: (name, args) => this.#read(name, args),
      writes: (name, args) => this.#write({ name, args }),
    });
  }

  async #read(name: string, args: readonly unknown[]): Promise<unknown> {
    const { random } = this.#process;
    await this.#wait(random.exponential(this.#state.readMs));
    if (this.#state.down) throw unavailable("read from");
    const { store } = this.#disk;
    const value = await Reflect.get(store, name).apply(store, args);
    // The answer is on its way, and what it says may change meanwhile.
    if (random.chance(0.3)) await this.#wait(random.exponential(1));
    return value;
  }

  #write(operation: Omit<Operation, "at">): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ operation, resolve, reject });
    this.#commit();
    return promise;
  }

  async #commit(): Promise<void> {
    if (this.#committing) return;
    this.#committing = true;
    while (this.#waiting.length > 0) {
      await this.#commitGroup();
    }
    this.#committing = false;
  }

  async #commitGroup(): Promise<void> {
    const { random, clock } = this.#process;
    const state = this.#state;
    await this.#wait(0.1 + random.exponential(state.commitMs) / 2);
    const group = this.#takeGroup();
    const refuse = () => {
      for (const { reject } of group) reject(unavailable("write to"));
    };
    if (state.down || random.chance(state.failing)) return refuse();
    const at = clock.now();
    this.#disk.write(group.map(({ operation }) => ({ ...operation, at })));
    await this.#wait(random.exponential(state.commitMs) / 2);
    const outcomes = this.#disk.sync();
    if (random.chance(state.ambiguous)) return refuse();
    for (const [i, { resolve }] of group.entries()) resolve(outcomes[i]);
  }

  /** What comes together is committed together. */
  #takeGroup(): readonly Waiting[] {
    const group = this.#waiting.splice(0);
    if (!this.#state.full) return group;
    return group.filter(({ operation, reject }) => {
      const fits = !NEW.has(operation.name);
      if (!fits) reject(noRoom());
      return fits;
    });
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) =>
      this.#process.after(ms, "store", resolve)
    );
  }
}

/** The error of a store that does not answer. */
export function unavailable(verb: string): TransporterError {
  return new TransporterError(
    "store_unavailable",
    `Cannot ${verb} the store now`,
  );
}

/** The error of a store without room. */
export function noRoom(): TransporterError {
  return new TransporterError(
    "disk_full",
    "Cannot write to the store as there is no space left",
  );
}
