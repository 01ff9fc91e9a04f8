import type { AgentFigures, Carrier } from "@transporter/sdk";
import type { Gap } from "../store/shared.ts";

/** One process of a control plane that has several, over one store. */
export interface Replica {
  /** Names this life of it: another one after each start. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** How far its clock is ahead of one that all replicas ask, in milliseconds; absent while that is not known. */
  readonly aheadMs?: number;
}

/** An event has changed, once or several times. */
export interface EventNews {
  /** The discriminant. */
  readonly kind: "event";
  /** The `id` of the replica that wrote it. */
  readonly by: string;
  /** Whose event it is. */
  readonly tenant: string;
  /** Its target. */
  readonly agent: string;
  /** Its id. */
  readonly event: string;
  /** The number in the store of the first of its changes, which were committed together. */
  readonly first: number;
  /** The number of the last of them. */
  readonly last: number;
}

/** An agent has a new session, was paused, let go on, or forgotten. */
export interface AgentNews {
  /** The discriminant. */
  readonly kind: "agent";
  /** The `id` of the replica that wrote it. */
  readonly by: string;
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
}

/** Anything may have changed, and nobody could tell. */
export interface MissedNews {
  /** The discriminant. */
  readonly kind: "missed";
}

/** What a replica hears of what is written to the store, by itself and by the others. */
export type News = EventNews | AgentNews | MissedNews;

/** Where an agent is connected. */
export interface Seat {
  /** Whose agent it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** The generation of its session. */
  readonly gen: number;
  /** What carries its frames; absent where an older version has the session. */
  readonly carrier?: Carrier;
  /** What it said of itself last. */
  readonly figures?: AgentFigures;
}

/** Where an agent is connected, and by whom that was said. */
export interface OwnedSeat extends Seat {
  /** The replica that has the session. */
  readonly replica: Replica;
}

/** Hears news. Must not throw. */
export type NewsListener = (news: News) => void;

/** A change of seats: who sat down, and who got up. */
export interface Seating {
  /** Sessions that are open; one of a lower generation than is known is left out. */
  readonly taken: readonly Seat[];
  /** Sessions that are over. */
  readonly left: readonly Seat[];
}

/**
 * What replicas know of each other. It makes things quick, and no more: what is
 * told may come late, twice, in another order, or never; who owns an agent is
 * decided by the generation in the store alone.
 */
export interface Peers {
  /** This replica. */
  readonly self: Replica;
  /** Hears of commits; the store tells of them. */
  hear(listener: NewsListener): Disposable;
  /** Hears that the store is older than it was, before anything else can be written to it. */
  onOlder(listener: (gap: Gap) => void): Disposable;
  /** When the store was found older than it was, the last time. */
  readonly gap: Gap | undefined;
  /**
   * Says that this replica lives, for five seconds, and where agents are.
   *
   * @throws {TransporterError} `store_unavailable`; some of it may have been noted.
   */
  beat(seating: Seating): Promise<void>;
  /**
   * The replicas that live, this one among them.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  replicas(): Promise<readonly Replica[]>;
  /**
   * Where the agents of a tenant are connected, as far as replicas live, by agent.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  seats(tenant: string): Promise<ReadonlyMap<string, OwnedSeat>>;
}

/** How long a replica counts as living after it said so, in milliseconds. */
export const ALIVE_MS = 5000;
