// deno-lint-ignore-file transporter/file-length -- the reference of one interface is read as a whole
import {
  type Clock,
  type EventSpec,
  type HistoryEntry,
  isTerminal,
  systemClock,
  utf8Length,
} from "@transporter/sdk";
import {
  changeRecord,
  checkGeneration,
  closedError,
  newRecord,
  rankOf,
  releaseChange,
  sessionRecord,
  touched,
} from "./record.ts";
import type {
  AgentRecord,
  Change,
  Creation,
  EventChange,
  EventQuery,
  EventRecord,
  Fence,
  LogChunk,
  LogRecord,
  NewEvent,
  NewSession,
  OpenCount,
  Release,
  ReleasedEvent,
  SignOfLife,
  Store,
  Sweep,
  Tombstone,
} from "./store.ts";

/** Options of {@linkcode openMemoryStore}. */
export interface MemoryStoreOptions {
  /** What stamps changes; by default the clock of the machine. */
  readonly clock?: Clock;
}

interface Entry {
  record: EventRecord;
  readonly spec: EventSpec;
  readonly rank: number;
  readonly history: HistoryEntry[];
  readonly logs: LogRecord[];
}

/** An agent, and whether it was forgotten: then only its generation counts. */
interface KnownAgent {
  readonly agent: AgentRecord;
  readonly deleted: boolean;
}

/**
 * A copy that nobody can change, of what survives JSON.
 *
 * @param value What is copied.
 * @param before A copy that was made before: what has not changed since is as good as copied.
 */
function frozenCopy<T>(value: T, before?: T): T;
function frozenCopy(value: unknown, before?: object): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item) => frozenCopy(item)));
  }
  const copy: Record<string, unknown> = { ...value };
  const copied = before as Readonly<Record<string, unknown>> | undefined;
  for (const name in copy) {
    const member = copy[name];
    if (member === undefined) delete copy[name];
    else if (typeof member === "object" && member !== copied?.[name]) {
      copy[name] = frozenCopy(member);
    }
  }
  return Object.freeze(copy);
}

/**
 * Opens an empty store that keeps records in this process and loses them with
 * it: the reference implementation of {@linkcode Store}, for tests and for
 * `memory:`.
 */
export function openMemoryStore(
  { clock = systemClock }: MemoryStoreOptions = {},
): Store {
  return new MemoryStore(clock);
}

class MemoryStore implements Store {
  readonly durability = "memory";
  readonly replicated = 0;
  readonly #clock: Clock;
  /** By `enq`, which is their order here too. */
  readonly #events = new Map<number, Entry>();
  /** Those that have not ended, by `enq`. */
  readonly #open = new Map<number, Entry>();
  /** By tenant and id. */
  readonly #ids = new Map<string, Entry>();
  /** By tenant and key; events that have a key of their own. */
  readonly #keys = new Map<string, Entry>();
  /** By tenant and id. */
  readonly #agents = new Map<string, KnownAgent>();
  /** By tenant and id, each with the idempotency key it had. */
  readonly #tombstones = new Map<
    string,
    Tombstone & { readonly key: string | undefined }
  >();
  #changes: Change[] = [];
  readonly #marks = new Map<string, number>();
  #enq = 0;
  #change = 0;
  #acceptedUpto = 0;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  createEvent(tenant: string, event: NewEvent): Promise<Creation> {
    return this.#step(() => {
      const known = this.#taken(tenant, event);
      if (known) return { record: known.record, created: false };
      const tombstone = this.#buried(tenant, event);
      if (tombstone) return { created: false, tombstone };
      const { spec, ...rest } = frozenCopy(event);
      const bytes = utf8Length(JSON.stringify(spec));
      const enq = ++this.#enq;
      const record = newRecord(tenant, { spec, ...rest }, { enq, bytes });
      this.#acceptedUpto = Math.max(this.#acceptedUpto, record.acceptedAt);
      const rank = rankOf(spec.priority, this.#acceptedUpto);
      const entry: Entry = { record, spec, rank, history: [], logs: [] };
      this.#events.set(enq, entry);
      this.#ids.set(key(tenant, spec.id), entry);
      if (record.idempotencyKey) {
        this.#keys.set(key(tenant, record.idempotencyKey), entry);
      }
      this.#write(entry, record, event);
      return { record: entry.record, created: true };
    });
  }

  getEvent(tenant: string, id: string): Promise<EventRecord | undefined> {
    return this.#step(() => this.#ids.get(key(tenant, id))?.record);
  }

  getSpec(tenant: string, id: string): Promise<EventSpec | undefined> {
    return this.#step(() => this.#ids.get(key(tenant, id))?.spec);
  }

  changeEvent(
    tenant: string,
    id: string,
    decide: (record: EventRecord) => EventChange | undefined,
    fence?: Fence,
  ): Promise<
    { readonly record: EventRecord; readonly changed: boolean } | undefined
  > {
    return this.#step(() => {
      if (fence) {
        this.#checkFence(tenant, fence);
      }
      const entry = this.#ids.get(key(tenant, id));
      const change = entry && decide(entry.record);
      if (fence) this.#note(tenant, fence);
      if (entry && change) {
        this.#write(
          entry,
          changeRecord(entry.record, change, { at: this.#clock.now() }),
          change,
        );
      }
      return entry && { record: entry.record, changed: change !== undefined };
    });
  }

  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#step(() => {
      const agent = this.#checkFence(tenant, release);
      if (!agent || agent.pausedAt !== undefined) return [];
      const room = (release.seqMax ?? Infinity) - agent.nextSeq + 1;
      const eventsMax = Math.min(release.eventsMax, Math.max(0, room));
      const queued = this.#openOf(tenant, release.agent)
        .filter(({ record }) =>
          record.state === "queued" && (record.readyAt ?? 0) <= release.at
        )
        .sort(inTurn);
      const chosen: { readonly entry: Entry; readonly change: EventChange }[] =
        [];
      let bytes = 0;
      for (const entry of queued) {
        if (chosen.length >= eventsMax) break;
        const change = release.decide(entry.record);
        if (!change) continue;
        bytes += entry.record.bytes;
        if (chosen.length > 0 && bytes > release.bytesMax) break;
        chosen.push({ entry, change: releaseChange(entry.record, change) });
      }
      let { nextSeq } = agent;
      for (const { entry, change } of chosen) {
        const options = { at: this.#clock.now(), seq: nextSeq++ };
        this.#write(entry, changeRecord(entry.record, change, options), change);
      }
      this.#setAgent({ ...agent, nextSeq });
      return chosen.map(({ entry }) => ({
        record: entry.record,
        spec: entry.spec,
      }));
    });
  }

  nextReadyAt(
    tenant: string,
    agent: string,
    at: number,
  ): Promise<number | undefined> {
    return this.#step(() => {
      const times = this.#openOf(tenant, agent)
        .map(({ record }) => record)
        .filter(({ state, readyAt = 0 }) => state === "queued" && readyAt > at)
        .map(({ readyAt = 0 }) => readyAt);
      return times.length === 0 ? undefined : Math.min(...times);
    });
  }

  listOpen(
    tenant: string,
    agent: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly EventRecord[]> {
    return this.#step(() =>
      this.#openOf(tenant, agent)
        .map(({ record }) => record)
        .filter(({ enq }) => enq > after)
        .sort((a, b) => a.enq - b.enq)
        .slice(0, limit)
    );
  }

  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#step(() =>
      this.#releasedOf(tenant, agent)
        .map(({ record, spec }) => ({ record, spec }))
    );
  }

  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]> {
    return this.#step(() =>
      [...this.#events.values()]
        .map(({ record }) => record)
        .filter((record) => record.tenant === tenant && matches(record, query))
        .reverse()
        .slice(0, query.limit)
        .map(({ result: _, ...record }) => record)
    );
  }

  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]> {
    return this.#step(() => [...this.#ids.get(key(tenant, id))?.history ?? []]);
  }

  listDue(at: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#step(() =>
      [...this.#open.values()]
        .map(({ record }) => record)
        .filter(({ dueAt }) => dueAt <= at)
        .sort((a, b) => a.dueAt - b.dueAt || a.enq - b.enq)
        .slice(0, limit)
    );
  }

  countOpen(tenant: string): Promise<ReadonlyMap<string, OpenCount>> {
    return this.#step(() => {
      const counts = new Map<string, OpenCount>();
      for (const { record } of this.#open.values()) {
        if (record.tenant !== tenant) continue;
        const agent = record.spec.target_agent;
        const { states = {}, bytes = 0 } = counts.get(agent) ?? {};
        const events = (states[record.state] ?? 0) + 1;
        counts.set(agent, {
          states: { ...states, [record.state]: events },
          bytes: bytes + record.bytes,
        });
      }
      return counts;
    });
  }

  sweep(
    { finishedBefore, finishedMax, until, at, limit }: Sweep,
  ): Promise<number> {
    return this.#step(() => {
      for (const [name, tombstone] of this.#tombstones) {
        if (tombstone.until <= at) this.#tombstones.delete(name);
      }
      const ended = [...this.#events.values()]
        .filter(({ record }) => isTerminal(record.state))
        .sort((a, b) =>
          (a.record.finishedAt ?? 0) - (b.record.finishedAt ?? 0)
        );
      const tooMany = ended.length - finishedMax;
      const removed = ended.slice(0, limit).filter(({ record }, index) =>
        (record.finishedAt ?? 0) < finishedBefore || index < tooMany
      );
      for (const { record } of removed) this.#bury(record, until(record));
      return removed.length;
    });
  }

  addLogs(
    tenant: string,
    id: string,
    chunks: readonly LogChunk[],
    fence?: Fence,
  ): Promise<void> {
    return this.#step(() => {
      if (fence) this.#checkFence(tenant, fence);
      const logs = this.#ids.get(key(tenant, id))?.logs;
      for (const chunk of chunks) {
        logs?.push(frozenCopy({ ...chunk, n: logs.length + 1 }));
      }
    });
  }

  listLogs(
    tenant: string,
    id: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly LogRecord[]> {
    return this.#step(() =>
      (this.#ids.get(key(tenant, id))?.logs ?? [])
        .filter(({ n }) => n > after).slice(0, limit)
    );
  }

  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]> {
    return this.#step(() => {
      // From the end: whoever follows has all but the newest.
      const seen = this.#changes.findLastIndex(({ change }) => change <= after);
      return this.#changes.slice(seen + 1)
        .filter(({ tenant: whose }) => whose === tenant)
        .slice(0, limit);
    });
  }

  changeRange(): Promise<{ readonly oldest: number; readonly newest: number }> {
    return this.#step(() => ({
      oldest: this.#changes[0]?.change ?? 0,
      newest: this.#changes.at(-1)?.change ?? 0,
    }));
  }

  openSession(tenant: string, session: NewSession): Promise<AgentRecord> {
    return this.#step(() => {
      const known = this.#agents.get(key(tenant, session.registration.id));
      const before = known?.deleted ? undefined : known?.agent;
      const agent = frozenCopy(sessionRecord(tenant, session, before));
      return this.#setAgent({ ...agent, gen: (known?.agent.gen ?? 0) + 1 });
    });
  }

  touchAgent(tenant: string, fence: Fence, sign: SignOfLife): Promise<void> {
    return this.#step(() => {
      const agent = this.#agent(tenant, fence.agent);
      if (!agent || agent.gen > fence.gen) return;
      this.#setAgent({ ...agent, ...touched(sign) });
      this.#note(tenant, fence);
    });
  }

  restartStream(
    tenant: string,
    fence: Fence,
    epoch: string,
  ): Promise<AgentRecord | undefined> {
    return this.#step(() => {
      const agent = this.#checkFence(tenant, fence);
      if (!agent) return undefined;
      let nextSeq = 1;
      for (const entry of this.#releasedOf(tenant, agent.id)) {
        entry.record = { ...entry.record, seq: nextSeq++ };
      }
      const { seenAt: toldAt } = agent;
      return this.#setAgent({ ...agent, epoch, nextSeq, toldAt });
    });
  }

  setPaused(
    tenant: string,
    id: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord | undefined> {
    return this.#step(() => {
      const known = this.#agent(tenant, id);
      if (!known) return undefined;
      const { pausedAt: _, ...agent } = known;
      return this.#setAgent(
        pausedAt === undefined ? agent : { ...agent, pausedAt },
      );
    });
  }

  getMark(tenant: string, name: string): Promise<number | undefined> {
    return this.#step(() => this.#marks.get(key(tenant, name)));
  }

  setMark(
    tenant: string,
    name: string,
    { value, seen }: {
      readonly value: number;
      readonly seen: number | undefined;
    },
  ): Promise<boolean> {
    return this.#step(() => {
      if (this.#marks.get(key(tenant, name)) !== seen) return false;
      this.#marks.set(key(tenant, name), value);
      return true;
    });
  }

  deleteAgent(tenant: string, id: string): Promise<boolean> {
    return this.#step(() => {
      const agent = this.#agent(tenant, id);
      if (agent) this.#agents.set(key(tenant, id), { agent, deleted: true });
      return agent !== undefined;
    });
  }

  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined> {
    return this.#step(() => this.#agent(tenant, id));
  }

  listAgents(tenant: string): Promise<readonly AgentRecord[]> {
    return this.#step(() =>
      [...this.#agents.values()]
        .filter(({ agent, deleted }) => agent.tenant === tenant && !deleted)
        .map(({ agent }) => agent)
        .sort((a, b) => a.id < b.id ? -1 : 1)
    );
  }

  probe(): Promise<void> {
    return this.#step(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /** Runs one method: nothing comes in between, and what it throws is a rejection. */
  #step<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#closed) throw closedError();
      resolve(work());
    });
  }

  /** The event that has the id, or the idempotency key, of a new one. */
  #taken(tenant: string, event: NewEvent): Entry | undefined {
    const { id } = event.spec;
    const idempotencyKey = event.idempotencyKey ?? id;
    const named = this.#ids.get(key(tenant, idempotencyKey));
    return this.#ids.get(key(tenant, id)) ??
      this.#keys.get(key(tenant, idempotencyKey)) ??
      (named?.record.idempotencyKey === undefined ? named : undefined);
  }

  #openOf(tenant: string, agent: string): Entry[] {
    return [...this.#open.values()].filter(({ record }) =>
      record.tenant === tenant && record.spec.target_agent === agent
    );
  }

  #releasedOf(tenant: string, agent: string): Entry[] {
    return this.#openOf(tenant, agent)
      .filter(({ record }) => record.state !== "queued")
      .sort((a, b) =>
        (a.record.seq ?? NUMBERLESS) - (b.record.seq ?? NUMBERLESS) ||
        inTurn(a, b)
      );
  }

  #agent(tenant: string, id: string): AgentRecord | undefined {
    const known = this.#agents.get(key(tenant, id));
    return known?.deleted ? undefined : known?.agent;
  }

  /** Keeps a new record, whose members nobody can change. */
  #setAgent(agent: AgentRecord): AgentRecord {
    const name = key(agent.tenant, agent.id);
    this.#agents.set(name, { agent: Object.freeze(agent), deleted: false });
    return agent;
  }

  /** Refuses a session that a newer one has replaced; returns the agent if it is known. */
  #checkFence(
    tenant: string,
    { agent, gen }: Pick<Fence, "agent" | "gen">,
  ): AgentRecord | undefined {
    checkGeneration(this.#agents.get(key(tenant, agent))?.agent, gen);
    return this.#agent(tenant, agent);
  }

  /** Notes the status that a session reported. */
  #note(tenant: string, { agent: id, sid = 0 }: Fence): void {
    const agent = this.#agent(tenant, id);
    if (!agent || agent.statusUpto >= sid) return;
    this.#setAgent({ ...agent, statusUpto: sid });
  }

  /** What is left of an event that had the id, or the key, of a new one. */
  #buried(tenant: string, event: NewEvent): Tombstone | undefined {
    const { id } = event.spec;
    const wanted = event.idempotencyKey ?? id;
    const named = this.#tombstones.get(key(tenant, wanted));
    const found = this.#tombstones.get(key(tenant, id)) ??
      [...this.#tombstones].find(([name, { key: own }]) =>
        own === wanted && name.startsWith(`${tenant}\n`)
      )?.[1] ??
      (named?.key === undefined ? named : undefined);
    if (found === undefined) return undefined;
    const { key: _, ...tombstone } = found;
    return tombstone;
  }

  /** Removes an event, and leaves a tombstone. */
  #bury(
    { tenant, enq, spec: { id }, digest, state, idempotencyKey }: EventRecord,
    until: number,
  ): void {
    const tombstone = { id, digest, state, until, key: idempotencyKey };
    this.#tombstones.set(key(tenant, id), tombstone);
    this.#events.delete(enq);
    this.#ids.delete(key(tenant, id));
    if (idempotencyKey) this.#keys.delete(key(tenant, idempotencyKey));
    this.#changes = this.#changes.filter(({ tenant: whose, entry }) =>
      whose !== tenant || entry.event_id !== id
    );
  }

  /** Replaces a record, and adds the entry that led to it to the histories. */
  #write(
    entry: Entry,
    next: EventRecord,
    { status, replaces }: Pick<EventChange, "status" | "replaces">,
  ): void {
    if (replaces) {
      const last = entry.history.pop();
      this.#changes = this.#changes.filter((change) => change.entry !== last);
    }
    const isNew = next === entry.record;
    const record = frozenCopy(next, isNew ? undefined : entry.record);
    const historyEntry = frozenCopy({ ...status, revision: record.revision });
    entry.record = record;
    entry.history.push(historyEntry);
    this.#changes.push({
      change: ++this.#change,
      tenant: record.tenant,
      agent: record.spec.target_agent,
      type: record.spec.type,
      entry: historyEntry,
    });
    if (isTerminal(record.state)) this.#open.delete(record.enq);
    else this.#open.set(record.enq, entry);
  }
}

/** Comes after every number in a stream. */
const NUMBERLESS = Number.MAX_SAFE_INTEGER;

/** The order in which events are released. */
function inTurn(a: Entry, b: Entry): number {
  return a.rank - b.rank || a.record.enq - b.record.enq;
}

/** A key of two parts; a tenant has no line break. */
function key(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}

function matches(record: EventRecord, query: EventQuery): boolean {
  const { spec } = record;
  return (query.agent === undefined || spec.target_agent === query.agent) &&
    (query.states === undefined || query.states.includes(record.state)) &&
    (query.type === undefined || spec.type === query.type) &&
    (query.since === undefined || record.acceptedAt >= query.since) &&
    (query.before === undefined || record.enq < query.before) &&
    Object.entries(query.labels ?? {}).every(([name, value]) =>
      Object.hasOwn(spec.labels, name) && spec.labels[name] === value
    );
}
