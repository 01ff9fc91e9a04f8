import type { OwnedSeat, Replica, Seating } from "../peers/port.ts";
import type { Store } from "./store.ts";

/**
 * What a process that shares a store tells the others when it has committed
 * something. It comes after the commit, best effort: it says where to look, and
 * nothing may rest on it.
 */
export interface CommitNote {
  /** Which process: {@linkcode SharedStore.self}. */
  readonly from: string;
  /** Whose event or agent it is. */
  readonly tenant: string;
  /** The event's target, or the agent itself. */
  readonly agent: string;
  /** The event that changed; absent when it is about the agent: a new session, a pause, its end. */
  readonly event?: string;
  /** The number of the first of its changes, which were committed together; 0 when it is about the agent. */
  readonly first: number;
  /** The number of the last of them. */
  readonly last: number;
}

/** What one hears of the other processes. */
export interface CommitListener {
  /** Something was committed, by this process or by another one. */
  committed(note: CommitNote): void;
  /** The connection was lost in between: anything may have been missed. */
  missed(): void;
}

/** Who has a store open, and which agents are connected to each of them; see `Peers`. */
export interface Seats {
  /** Says that this process lives, what it is called, and where agents are. */
  beat(name: string, seating: Seating): Promise<void>;
  /** The processes that live. */
  replicas(): Promise<readonly Replica[]>;
  /** Where the agents of a tenant are connected. */
  seats(tenant: string): Promise<ReadonlyMap<string, OwnedSeat>>;
}

/** That a store is older than it was: what was written in between is gone. */
export interface Gap {
  /** The number of the newest change that it had. */
  readonly was: number;
  /** The number of the newest change that was still there. */
  readonly is: number;
  /** When that was found, in milliseconds since 1970. */
  readonly at: number;
}

/** A store that several processes may have open at a time. */
export interface SharedStore extends Store {
  /** Names this process among those that have the store open. */
  readonly self: string;
  /** What this machine is called. */
  readonly host: string;
  /** Who else has it open, and where agents are. */
  readonly seats: Seats;
  /** When it was found older than it was, the last time. */
  readonly gap: Gap | undefined;
  /**
   * Hears that the store is older than it was: while it is told, nothing that
   * rests on what was there can be written. Must not throw.
   */
  onOlder(listener: (gap: Gap) => void): Disposable;
  /** Listens to what is committed, until it is disposed of. */
  listen(listener: CommitListener): Promise<AsyncDisposable>;
}

/** Whether several processes may have this store open at a time. */
export function isShared(store: Store): store is SharedStore {
  return "listen" in store;
}
