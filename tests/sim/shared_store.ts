import { TransporterError } from "@transporter/sdk";
import { agentOf, MemoryHub } from "../../cp/peers/memory.ts";
import type { Peers, Replica } from "../../cp/peers/port.ts";
import type { Store } from "../../cp/store/store.ts";
import type { Loop } from "./loop.ts";
import type { Process } from "./machine.ts";
import type { Random } from "./random.ts";
import {
  NEW,
  noRoom,
  portOf,
  type StoreState,
  unavailable,
  WELL,
} from "./store.ts";
import { StoreDisk } from "./store_disk.ts";

/** What a {@linkcode SharedStore} is made of. */
export interface SharedStoreOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** The disk under it, if it is another one than usual. */
  readonly disk?: StoreDisk | undefined;
}

/** How a replica reaches the store. */
export interface Way {
  /** The process at this end. */
  readonly process: Process;
  /** Whether it does not, now. */
  readonly cut: () => boolean;
}

/**
 * A store on a machine of its own, which any number of control planes use: what
 * they send arrives in order, is done one after the other, and is on the platter
 * before it is answered. It tells all of them what was written, now and then
 * late or not at all.
 */
export class SharedStore {
  /** Where everything is kept. */
  readonly disk: StoreDisk;
  /** How it is doing. */
  readonly state: StoreState = { ...WELL };
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #hub: MemoryHub;
  /** The process of each replica. */
  readonly #processes = new Map<string, Process>();
  /** How likely it is that a replica is not told of something. */
  readonly #lost: number;
  /** How long it takes until it is, on average, in milliseconds. */
  readonly #lateMs: number;

  /** Makes an empty one. */
  constructor({ loop, random, disk }: SharedStoreOptions) {
    this.#loop = loop;
    this.#random = random;
    const it = this.disk = disk ?? new StoreDisk(random);
    this.#lost = random.pick([0, 0.02, 0.3, 1]);
    this.#lateMs = random.pick([1, 50, 2000]);
    this.#hub = new MemoryHub({
      get store() {
        return it.store;
      },
      clock: { monotonic: () => loop.now },
      carry: ({ id }, deliver) => {
        if (random.chance(this.#lost)) return;
        const ms = random.exponential(this.#lateMs);
        this.#processes.get(id)?.after(ms, "news", deliver);
      },
    });
  }

  /** It, as a process of a control plane has it. */
  open(self: Replica, way: Way): { store: Store; peers: Peers } {
    this.#processes.set(self.id, way.process);
    const { peers } = this.#hub.join(self);
    const client = new Client(way, {
      random: this.#random,
      state: this.state,
      loop: this.#loop,
      apply: async (name, args) => {
        const { clock } = way.process;
        this.disk.write([{ name, args, at: clock.now() }]);
        const [outcome] = this.disk.sync();
        await this.#hub.commit(self, agentOf(name, args));
        return outcome;
      },
      read: async (name, args) => {
        const { store } = this.disk;
        return await Reflect.get(store, name).apply(store, args);
      },
    });
    const slow = <T>(call: () => Promise<T>) => client.call(call);
    return {
      store: client.port(this.disk.store),
      peers: {
        ...peers,
        beat: (seating) => slow(() => peers.beat(seating)),
        replicas: () => slow(() => peers.replicas()),
        seats: (tenant) => slow(() => peers.seats(tenant)),
      },
    };
  }
}

interface Server {
  readonly random: Random;
  readonly state: StoreState;
  readonly loop: Loop;
  apply(name: string, args: readonly unknown[]): Promise<unknown>;
  read(name: string, args: readonly unknown[]): Promise<unknown>;
}

/** One connection to the store. */
class Client {
  readonly #way: Way;
  readonly #server: Server;
  #lastAt = 0;

  constructor(way: Way, server: Server) {
    this.#way = way;
    this.#server = server;
  }

  port(kind: Store): Store {
    return portOf(kind, {
      reads: (name, args) => this.call(() => this.#server.read(name, args)),
      writes: (name, args) => this.#write(name, args),
    });
  }

  async #write(name: string, args: readonly unknown[]): Promise<unknown> {
    const { random, state } = this.#server;
    return await this.call(() => {
      if (state.full && NEW.has(name)) throw noRoom();
      if (random.chance(state.failing)) throw unavailable("write to");
      return this.#server.apply(name, args);
    }, random.chance(state.ambiguous));
  }

  /** Does something at the store, and waits for the answer, which may be lost. */
  call<T>(work: () => Promise<T>, lost = false): Promise<T> {
    const { process, cut } = this.#way;
    const { random, state, loop } = this.#server;
    const delay = () => random.exponential(state.commitMs) / 2;
    return new Promise((resolve, reject) => {
      const refuse = (error: TransporterError) =>
        process.after(delay(), "store", () => reject(error));
      // What was sent arrives in order, whatever becomes of who sent it.
      this.#lastAt = Math.max(this.#lastAt, loop.now + 0.1 + delay());
      loop.after(this.#lastAt - loop.now, "at the store", async () => {
        if (state.down || cut()) return refuse(unavailable("reach"));
        try {
          const value = await work();
          if (lost || cut()) return refuse(unavailable("reach"));
          process.after(delay(), "store", () => resolve(value));
        } catch (error) {
          refuse(TransporterError.from(error));
        }
      });
    });
  }
}
