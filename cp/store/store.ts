// deno-lint-ignore-file transporter/file-length -- the interface of a store and its records are read as a whole
import type {
  Durability,
  ErrorBody,
  EventHead,
  EventProgress,
  EventResult,
  EventSpec,
  EventStatus,
  ExecutorInfo,
  HistoryEntry,
  ObjectProgress,
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
  /** What else the rules of its life remember. */
  readonly notes: LifeNotes;
  /** When the control plane took responsibility. */
  readonly acceptedAt: number;
  /** When it expires: `acceptedAt` and its ttl. */
  readonly deadline: number;
  /** While it is queued: when it may be released at the earliest; absent means now. */
  readonly readyAt?: number;
  /** While it is open: when time alone changes something about it. */
  readonly dueAt: number;
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

/**
 * What the rules of an event's life (`life.ts`) remember between two changes.
 * Small, but for the progress, which has 64 KiB at most; a store keeps it as it
 * is and never looks into it.
 */
export interface LifeNotes {
  /** How many attempts do not count any more: those before an operator last asked for another one, and those that no agent took. */
  readonly attemptsBefore?: number;
  /** How many attempts since then ended because their agent did. */
  readonly interruptions?: number;
  /** How much its history holds. */
  readonly history?: {
    /** The size of all entries as JSON, in bytes, without the first. */
    readonly bytes: number;
    /** The size of the newest, in bytes. */
    readonly newest: number;
    /** How many entries were replaced by later ones. */
    readonly replaced: number;
    /** Of those, how many in a row up to the newest. */
    readonly run?: number;
  };
  /** Where the objects of the attempt are that runs, as its agent told last. */
  readonly progress?: ProgressNote;
  /** Somebody asked to cancel it while an agent had it. */
  readonly cancel?: {
    /** Why, for people. */
    readonly reason: string;
    /** When. */
    readonly at: number;
  };
  /** Its time was over and nobody knew that it had begun: its agent was asked to leave it. */
  readonly recall?: {
    /** Which attempt. */
    readonly attempt: number;
    /** When. */
    readonly at: number;
  };
}

/** Where the objects of an event are; bounded by `readReport`. */
export interface ProgressNote extends EventProgress {
  /** The objects, as far as they are kept. */
  readonly objects: readonly ObjectProgress[];
}

/** What is left of an event that is not kept any more: enough to know its id again. */
export interface Tombstone {
  /** The event's id. */
  readonly id: string;
  /** The digest of its body. */
  readonly digest: string;
  /** How it ended. */
  readonly state: State;
  /** Until when the id stays taken. */
  readonly until: number;
}

/** What became of an event about to be stored. */
export type Creation =
  /** It is stored. */
  | { readonly created: true; readonly record: EventRecord }
  /** Its id or its idempotency key is taken by this event. */
  | {
    readonly created: false;
    readonly record: EventRecord;
    readonly tombstone?: undefined;
  }
  /** Its id or its idempotency key was taken by an event that is not kept any more. */
  | {
    readonly created: false;
    readonly record?: undefined;
    readonly tombstone: Tombstone;
  };

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
  /** When it may be released at the earliest; absent means now. */
  readonly readyAt?: number;
  /** When time alone changes something about it. */
  readonly dueAt: number;
  /** The first entry of its history; its state is the record's first. */
  readonly status: EventStatus;
}

/** What a change does to a record; what is absent stays, if not said otherwise. */
export interface EventChange {
  /** The entry it adds to the history; state, phase, message and attempt of the record follow it. */
  readonly status: EventStatus;
  /** Exactly that as JSON, where somebody has needed it already: whoever changes `status` changes it, too. */
  readonly statusText?: string;
  /** The entry takes the place of the newest one, whose number is not used again. */
  readonly replaces?: true;
  /** Opens an event that had ended: what it led to is forgotten, its history is not. */
  readonly reopens?: true;
  /** Takes over an attempt that this store did not release: its number in the agent's stream is not known. */
  readonly adopts?: true;
  /** What the rules of its life remember from now on. */
  readonly notes?: LifeNotes;
  /** Another deadline than before. */
  readonly deadline?: number;
  /** When a queued event may be released at the earliest; absent means now. */
  readonly readyAt?: number;
  /** When time alone changes something about it. */
  readonly dueAt?: number;
  /** Only with a change that ends the event. */
  readonly finishedAt?: number;
  /** What it led to. */
  readonly result?: EventResult;
  /** Why it failed. */
  readonly error?: ErrorBody;
}

/** Which changes a store has, by number. */
export interface ChangeRange {
  /** The oldest that is kept; 0 when there is none. */
  readonly oldest: number;
  /** The newest; 0 when there was none. */
  readonly newest: number;
  /** Of what was told before this one, some is gone: the store was found older than it was. Absent: never. */
  readonly since?: number;
}

/** The session on whose behalf something is written. */
export interface Fence {
  /** The agent of the session. */
  readonly agent: string;
  /** The session's generation; a lower one than the stored is refused. */
  readonly gen: number;
  /** The status that led to the change: the agent's `statusUpto` grows to it in the same step. */
  readonly sid?: number;
  /** Nobody waits for the write: it may take some milliseconds more where that saves a commit. */
  readonly patient?: boolean;
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
  /** Since when nothing is released to it, because somebody said so. */
  readonly pausedAt?: number;
  /** When it first registered. */
  readonly createdAt: number;
  /** Its last sign of life, at most a minute old while it is connected. */
  readonly seenAt: number;
  /**
   * Its last sign of life while the store had all that the agent remembers:
   * attempts that ended before are known. It stays while the agent is still to
   * be asked, or has not answered; absent: nothing is known.
   */
  readonly toldAt?: number;
}

/** A sign of life of an agent. */
export interface SignOfLife {
  /** Now. */
  readonly at: number;
  /** Whether the store has all that the agent remembers. */
  readonly told: boolean;
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
  /** The highest number in the agent's stream that may be given; by default there is no limit. */
  readonly seqMax?: number;
  /** Now: events that are not ready yet are left where they are. */
  readonly at: number;
  /** Makes the history entry of one. Pure. `undefined` leaves the event where it is. */
  decide(record: EventRecord): EventChange | undefined;
}

/** What is open of one agent. */
export interface OpenCount {
  /** How many events, by state. */
  readonly states: Readonly<Partial<Record<State, number>>>;
  /** Bytes of their bodies. */
  readonly bytes: number;
}

/** Which ended events a sweep removes. */
export interface Sweep {
  /** Those that ended before this time. */
  readonly finishedBefore: number;
  /** Of all tenants together, the newest so many ended events stay in any case; older ones go. */
  readonly finishedMax: number;
  /** Makes what stays of one: until when its id is taken. Pure. */
  until(record: EventRecord): number;
  /** Now: tombstones whose time is over go, too. */
  readonly at: number;
  /** How many at most in one step. */
  readonly limit: number;
}

/** A piece of what an attempt at an event put out. */
export interface LogChunk {
  /** Which attempt. */
  readonly attempt: number;
  /** Such as `stdout`. */
  readonly stream: string;
  /** Where it begins in the stream, in bytes. */
  readonly off: number;
  /** The text. */
  readonly data: string;
  /** Whether something is missing before it. */
  readonly trunc?: boolean;
}

/** A piece of output as it is kept. */
export interface LogRecord extends LogChunk {
  /** Grows with each piece of an event. */
  readonly n: number;
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
  /** What says so, for people, where it is a setting of somebody else's. */
  readonly because?: string;
  /** Other stores that have what was written. */
  readonly replicated: number;

  /**
   * Adds an event, unless its id or its idempotency key is taken; then returns
   * what has it. Its first state is that of `event.status`.
   */
  createEvent(tenant: string, event: NewEvent): Promise<Creation>;
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
   * Releases queued events of an agent that are ready: in order of their rank,
   * which is the time of acceptance, a minute earlier for each step of
   * priority. So the highest priority comes first, then what was accepted
   * first, and who has waited a minute counts as much as one step more. Each
   * gets the next `seq` of the agent's stream and one more attempt, in one step
   * with its change. Nothing is released to an agent that is paused. What comes
   * while it waits for the disk may be released with the rest.
   *
   * @throws {TransporterError} `superseded`.
   */
  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]>;
  /** Returns when the first queued event of an agent that is not ready at `at` will be; `undefined` when there is none. */
  nextReadyAt(
    tenant: string,
    agent: string,
    at: number,
  ): Promise<number | undefined>;
  /** Returns events of an agent that have not ended, oldest first, after the one with `enq` `after`. */
  listOpen(
    tenant: string,
    agent: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly EventRecord[]>;
  /**
   * Returns the released events of an agent that have not ended, with their
   * bodies, by `seq`; first those that have none, as a change said that the
   * agent has them.
   */
  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]>;
  /** Returns matching events, newest first, without their results, which may be large. */
  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]>;
  /** Returns what happened to an event, oldest first; empty when there is no such event. */
  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]>;
  /** Returns events of all tenants that have not ended and whose `dueAt` is at or before `at`, earliest first. */
  listDue(at: number, limit: number): Promise<readonly EventRecord[]>;
  /** Counts events that have not ended, by agent. */
  countOpen(tenant: string): Promise<ReadonlyMap<string, OpenCount>>;
  /**
   * Removes ended events and what belongs to them, oldest end first, and leaves
   * a tombstone of each; removes tombstones whose time is over.
   *
   * @returns How many events were removed; less than the limit when nothing more is to be removed now.
   */
  sweep(sweep: Sweep): Promise<number>;

  /**
   * Adds pieces of output to an event; does nothing when there is no such event.
   *
   * @throws {TransporterError} `superseded` when a newer session of the fence's agent is known.
   */
  addLogs(
    tenant: string,
    id: string,
    chunks: readonly LogChunk[],
    fence?: Fence,
  ): Promise<void>;
  /** Returns output of an event after a piece, in the order it came. */
  listLogs(
    tenant: string,
    id: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly LogRecord[]>;
  /** Returns changes of a tenant after a number, oldest first. */
  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]>;
  /** Which changes there are. */
  changeRange(): Promise<ChangeRange>;

  /**
   * Notes a new session: adds the agent or replaces what it said, and gives it
   * the next generation. What it remembers is not told by that: its `toldAt` stays.
   */
  openSession(tenant: string, session: NewSession): Promise<AgentRecord>;
  /** Notes a sign of life; does nothing when a newer session is known. */
  touchAgent(tenant: string, fence: Fence, sign: SignOfLife): Promise<void>;
  /**
   * Begins a new stream for an agent that has told all that it remembers, which
   * its `toldAt` says in the same step: from now on its events are counted from
   * 1, under another name. Those it has keep their order and get new numbers;
   * those whose number is not known come after the others, as they would in the queue.
   *
   * @throws {TransporterError} `superseded`.
   */
  restartStream(
    tenant: string,
    fence: Fence,
    epoch: string,
  ): Promise<AgentRecord | undefined>;
  /** Pauses an agent, or lets it go on with `undefined`; returns it, or `undefined` when there is none. */
  setPaused(
    tenant: string,
    id: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord | undefined>;
  /** Forgets an agent; its events stay. Returns whether there was one. */
  deleteAgent(tenant: string, id: string): Promise<boolean>;
  /** Returns the agent. */
  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined>;
  /** Returns every agent, by id. */
  listAgents(tenant: string): Promise<readonly AgentRecord[]>;

  /** Returns a number that somebody keeps under a name; `undefined` when there is none. */
  getMark(tenant: string, name: string): Promise<number | undefined>;
  /**
   * Keeps an integer under a name, if what is there is still what the caller
   * has seen.
   *
   * @returns Whether it does.
   */
  setMark(
    tenant: string,
    name: string,
    mark: { readonly value: number; readonly seen: number | undefined },
  ): Promise<boolean>;

  /** Commits something small; throws when it cannot. For readiness. */
  probe(): Promise<void>;
}
