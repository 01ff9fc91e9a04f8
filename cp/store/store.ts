import type {
  Durability,
  ErrorBody,
  EventHead,
  EventResult,
  EventSpec,
  EventStatus,
  ExecutorInfo,
  HistoryEntry,
  Phase,
  RegistrationFrame,
  State,
} from "@transporter/sdk";

/** An event with where it is now. Times are milliseconds since 1970. */
export interface EventRecord {
  /** Whose it is. */
  readonly tenant: string;
  /** What was asked, without the payload. */
  readonly spec: EventHead;
  /** The digest of the whole body. */
  readonly digest: string;
  /** The size of the whole body as JSON, in bytes. */
  readonly bytes: number;
  /** The `Idempotency-Key` it was accepted with, when that is not its id. */
  readonly idempotencyKey?: string;
  /** The order of acceptance; set by the store, grows. */
  readonly enq: number;
  /** Set by the store, grows by one with each change. */
  readonly revision: number;
  /** Where it is in its life. */
  readonly state: State;
  /** What the agent does, or did last, with it. */
  readonly phase?: Phase;
  /** The last message. */
  readonly message: string;
  /** How many attempts were released. */
  readonly attempt: number;
  /** When the control plane took responsibility. */
  readonly acceptedAt: number;
  /** When it expires: `acceptedAt` and its ttl. */
  readonly deadline: number;
  /** When it last changed. */
  readonly updatedAt: number;
  /** When it ended. */
  readonly finishedAt?: number;
  /** Its number in the agent's stream, once it was released. */
  readonly seq?: number;
  /** What it led to. */
  readonly result?: EventResult;
  /** Why it failed. */
  readonly error?: ErrorBody;
}

/** An event about to be stored. */
export interface NewEvent {
  /** What was asked, whole. */
  readonly spec: EventSpec;
  /** The digest of the body. */
  readonly digest: string;
  /** The `Idempotency-Key`, when that is not the id. */
  readonly idempotencyKey?: string;
  /** When it was accepted. */
  readonly acceptedAt: number;
  /** When it expires. */
  readonly deadline: number;
  /** The first entry of its history; its state is the record's first. */
  readonly status: EventStatus;
}

/** What a change does to a record; what is absent stays. */
export interface EventChange {
  /** The entry it adds to the history; state, phase, message and attempt of the record follow it. */
  readonly status: EventStatus;
  /** Only with a change that ends the event. */
  readonly finishedAt?: number;
  /** What it led to. */
  readonly result?: EventResult;
  /** Why it failed. */
  readonly error?: ErrorBody;
}

/** The session on whose behalf something is written. */
export interface Fence {
  /** The agent of the session. */
  readonly agent: string;
  /** The session's generation; a lower one than the stored is refused. */
  readonly gen: number;
  /** The status that led to the change: the agent's `statusUpto` grows to it in the same step. */
  readonly sid?: number;
}

/** An agent as the control plane knows it. Times are milliseconds since 1970. */
export interface AgentRecord {
  /** Whose it is. */
  readonly tenant: string;
  /** Its id. */
  readonly id: string;
  /** What it said of itself last. */
  readonly registration: Omit<RegistrationFrame, "link">;
  /** The version of the link it speaks. */
  readonly linkVersion: 1 | 2;
  /** What it can run; empty when unknown. */
  readonly executors: readonly ExecutorInfo[];
  /** The installation whose journal counts; empty for v1. */
  readonly instance: string;
  /** Names its stream of events. */
  readonly epoch: string;
  /** How many sessions it has opened. */
  readonly gen: number;
  /** The number that the next released event gets. */
  readonly nextSeq: number;
  /** Statuses up to this one are durable. */
  readonly statusUpto: number;
  /** When it first registered. */
  readonly createdAt: number;
  /** Its last sign of life, at most a minute old while it is connected. */
  readonly seenAt: number;
}

/** What a new session writes about its agent. */
export interface NewSession {
  /** What the agent said. */
  readonly registration: RegistrationFrame;
  /** The version of the link that was agreed on. */
  readonly linkVersion: 1 | 2;
  /** What it can run. */
  readonly executors: readonly ExecutorInfo[];
  /** The stream's name if the agent has none yet. */
  readonly newEpoch: string;
  /** Now. */
  readonly at: number;
}

/** Which events a list has. */
export interface EventQuery {
  /** Only those for this agent. */
  readonly agent?: string;
  /** Only those in one of these states. */
  readonly states?: readonly State[];
  /** Only those of this type. */
  readonly type?: string;
  /** Only those with all of these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only those accepted at or after this time. */
  readonly since?: number;
  /** Only those accepted before the one with this `enq`: the next page. */
  readonly before?: number;
  /** How many at most. */
  readonly limit: number;
}

/** A change anybody may have seen; `change` counts them over all events of all tenants. */
export interface Change {
  /** Grows with each change; not gap-free for one tenant. */
  readonly change: number;
  /** Whose event it is. */
  readonly tenant: string;
  /** The event's target. */
  readonly agent: string;
  /** The event's type. */
  readonly type: string;
  /** What happened. */
  readonly entry: HistoryEntry;
}

/** What a release does. */
export interface Release {
  /** The agent it is for. */
  readonly agent: string;
  /** The session it is for. */
  readonly gen: number;
  /** How many at most. */
  readonly eventsMax: number;
  /** How many bytes of bodies at most; the first event is released whatever its size. */
  readonly bytesMax: number;
  /** Makes the history entry of one. Pure. `undefined` leaves the event where it is. */
  decide(record: EventRecord): EventChange | undefined;
}

/** A record with the whole of what was asked. */
export interface ReleasedEvent {
  /** The record. */
  readonly record: EventRecord;
  /** What was asked, with its payload. */
  readonly spec: EventSpec;
}

/**
 * Keeps records and compares revisions; decides nothing. The rules of an
 * event's life are pure functions of the control plane which it is handed as
 * `decide`, so that every store has the same ones.
 *
 * A method resolves when what it wrote is as durable as `durability` says, and
 * nothing it wrote is seen by anybody before that. "Not there" is a value
 * (`undefined`); every method throws `store_unavailable` when the store cannot
 * read or commit, and then wrote nothing.
 */
export interface Store extends AsyncDisposable {
  /** What "written" means here. */
  readonly durability: Durability;
  /** Other stores that have what was written. */
  readonly replicated: number;

  /**
   * Adds an event, unless its id or its idempotency key is taken; then returns
   * the record that has it. Its first state is that of `event.status`.
   */
  createEvent(
    tenant: string,
    event: NewEvent,
  ): Promise<{ readonly record: EventRecord; readonly created: boolean }>;
  /** Returns the record. */
  getEvent(tenant: string, id: string): Promise<EventRecord | undefined>;
  /** Returns the whole of what was asked. */
  getSpec(tenant: string, id: string): Promise<EventSpec | undefined>;
  /**
   * Reads a record and writes what `decide` makes of it, as one step. `decide`
   * is pure, may be called again when another writer was faster, and returns
   * `undefined` for "no change". The fence is checked and its `sid` noted in
   * the same step, also when nothing changes.
   *
   * @returns The record after the step and whether it changed; `undefined` when there is no such event
   * (the fence's `sid` is noted all the same).
   * @throws {TransporterError} `superseded` when a newer session of the fence's agent is known.
   */
  changeEvent(
    tenant: string,
    id: string,
    decide: (record: EventRecord) => EventChange | undefined,
    fence?: Fence,
  ): Promise<
    { readonly record: EventRecord; readonly changed: boolean } | undefined
  >;
  /**
   * Releases queued events of an agent: highest priority first, then in order
   * of acceptance. Each gets the next `seq` of the agent's stream and one more
   * attempt, in one step with its change.
   *
   * @throws {TransporterError} `superseded`.
   */
  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]>;
  /** Returns the released events of an agent that have not ended, by `seq`, with their bodies. */
  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]>;
  /** Returns matching events, newest first. */
  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]>;
  /** Returns what happened to an event, oldest first; empty when there is no such event. */
  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]>;
  /** Returns events of all tenants that have not ended and whose deadline is at or before `at`, oldest deadline first. */
  listDue(at: number, limit: number): Promise<readonly EventRecord[]>;
  /** Counts events that have not ended, by agent and state. */
  countOpen(
    tenant: string,
  ): Promise<ReadonlyMap<string, Partial<Record<State, number>>>>;
  /** Returns changes of a tenant after a number, oldest first. */
  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]>;
  /** The number of the newest change, and of the oldest that is kept; 0 when there is none. */
  changeRange(): Promise<{ readonly oldest: number; readonly newest: number }>;

  /** Notes a new session: adds the agent or replaces what it said, and gives it the next generation. */
  openSession(tenant: string, session: NewSession): Promise<AgentRecord>;
  /** Notes a sign of life; does nothing when a newer session is known. */
  touchAgent(tenant: string, fence: Fence, seenAt: number): Promise<void>;
  /** Returns the agent. */
  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined>;
  /** Returns every agent, by id. */
  listAgents(tenant: string): Promise<readonly AgentRecord[]>;

  /** Commits something small; throws when it cannot. For readiness. */
  probe(): Promise<void>;
}
