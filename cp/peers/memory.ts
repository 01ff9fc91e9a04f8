import { type Clock, isRecord, TransporterError } from "@transporter/sdk";
import type { Store } from "../store/store.ts";
import {
  ALIVE_MS,
  type News,
  type NewsListener,
  type OwnedSeat,
  type Peers,
  type Replica,
  type Seating,
} from "./port.ts";

/** Which writes are told of, and what they are about. */
const TOLD: Readonly<Record<string, "events" | "agent">> = {
  createEvent: "events",
  changeEvent: "events",
  releaseEvents: "events",
  openSession: "agent",
  setPaused: "agent",
  deleteAgent: "agent",
};

/**
 * The agent that a write is about.
 *
 * @param name The method of the store.
 * @param args What it was called with.
 */
export function agentOf(
  name: string,
  args: readonly unknown[],
): { readonly tenant: string; readonly agent: string } | undefined {
  const [tenant, what] = args;
  if (TOLD[name] !== "agent") return undefined;
  const registration = isRecord(what) ? what["registration"] : undefined;
  const agent = isRecord(registration) ? registration["id"] : what;
  return { tenant: String(tenant), agent: String(agent) };
}

/** Options of {@linkcode MemoryHub}. */
export interface MemoryHubOptions {
  /** What the replicas share. */
  readonly store: Store;
  /** When somebody was last heard of is counted by it. */
  readonly clock: Pick<Clock, "monotonic">;
  /** Brings news to a replica: by default at once; may be late, or never. */
  readonly carry?: (to: Replica, deliver: () => void) => void;
}

/** A replica of a {@linkcode MemoryHub}. */
export interface MemoryReplica {
  /** What it knows of the others. */
  readonly peers: Peers;
  /** The store, whose commits are told. */
  readonly store: Store;
}

/** Replicas in one process, or in a simulation of several: the reference of {@linkcode Peers}. */
export class MemoryHub {
  readonly #options: MemoryHubOptions;
  readonly #listeners = new Map<NewsListener, Replica>();
  readonly #seats = new Map<string, OwnedSeat>();
  readonly #alive = new Map<
    string,
    { readonly replica: Replica; readonly at: number }
  >();
  #told = 0;
  #writing: Promise<unknown> = Promise.resolve();

  /** Makes one without replicas. */
  constructor(options: MemoryHubOptions) {
    this.#options = options;
  }

  /**
   * Adds a replica.
   *
   * @param self What it is called.
   * @param options `store`: another way to the same store; `reachable`: whether it reaches the others now.
   */
  join(
    self: Replica,
    { store = this.#options.store, reachable = () => true }: {
      readonly store?: Store;
      readonly reachable?: () => boolean;
    } = {},
  ): MemoryReplica {
    const reach = () => {
      if (reachable()) return;
      throw new TransporterError(
        "store_unavailable",
        "Cannot reach the other replicas",
      );
    };
    const peers: Peers = {
      self,
      hear: (listener) => {
        this.#listeners.set(listener, self);
        return {
          [Symbol.dispose]: () => void this.#listeners.delete(listener),
        };
      },
      gap: undefined,
      // Found by the numbers of changes alone.
      onOlder: () => ({ [Symbol.dispose]: () => {} }),
      beat: async (seating) => {
        await Promise.resolve();
        reach();
        this.#beat(self, seating);
      },
      replicas: async () => {
        await Promise.resolve();
        reach();
        return this.#living();
      },
      seats: async (tenant) => {
        await Promise.resolve();
        reach();
        const living = new Set(this.#living().map(({ id }) => id));
        const seats = [...this.#seats.values()].filter((seat) =>
          seat.tenant === tenant && living.has(seat.replica.id)
        );
        return new Map(seats.map((seat) => [seat.agent, seat]));
      },
    };
    return { peers, store: this.telling(store, self) };
  }

  /** Tells of what was changed since it was told last, and of an agent if there is one. */
  async commit(
    { id: by }: Replica,
    about?: { readonly tenant: string; readonly agent: string },
  ): Promise<void> {
    const { store } = this.#options;
    if (about !== undefined) this.#tell({ kind: "agent", by, ...about });
    const { newest } = await store.changeRange();
    const told = this.#told;
    this.#told = newest;
    if (newest <= told) return;
    const limit = newest - told;
    for (const change of await store.listChanges("default", told, limit)) {
      const { tenant, agent, entry: { event_id: event }, change: first } =
        change;
      const what = { tenant, agent, event, first, last: first };
      this.#tell({ kind: "event", by, ...what });
    }
  }

  /** A store whose writes are told of, as those of a replica. */
  telling(store: Store, self: Replica): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (typeof name !== "string" || !(name in TOLD)) {
          return value.bind(target);
        }
        // One after the other, or nobody would know whose a change is.
        return (...args: unknown[]) => {
          const write = this.#writing.then(async () => {
            const outcome: unknown = await value.apply(target, args);
            await this.commit(self, agentOf(name, args));
            return outcome;
          });
          this.#writing = write.catch(() => {});
          return write;
        };
      },
    });
  }

  #tell(news: News): void {
    const { carry = (_: Replica, deliver: () => void) => deliver() } =
      this.#options;
    for (const [listener, replica] of this.#listeners) {
      carry(replica, () => {
        if (this.#listeners.has(listener)) listener(news);
      });
    }
  }

  #beat(replica: Replica, { taken, left }: Seating): void {
    const at = this.#options.clock.monotonic();
    this.#alive.set(replica.id, { replica, at });
    for (const seat of taken) {
      const key = `${seat.tenant}\n${seat.agent}`;
      if ((this.#seats.get(key)?.gen ?? 0) > seat.gen) continue;
      this.#seats.set(key, { ...seat, replica });
    }
    for (const { tenant, agent, gen } of left) {
      const key = `${tenant}\n${agent}`;
      if (this.#seats.get(key)?.gen === gen) this.#seats.delete(key);
    }
  }

  #living(): readonly Replica[] {
    const since = this.#options.clock.monotonic() - ALIVE_MS;
    return [...this.#alive.values()].filter(({ at }) => at >= since)
      .map(({ replica }) => replica);
  }
}
