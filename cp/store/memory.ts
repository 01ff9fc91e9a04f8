// deno-lint-ignore-file transporter/file-length -- the reference of one interface is read as a whole
import {
  type Clock,
  type EventSpec,
  type HistoryEntry,
  isTerminal,
  type State,
  systemClock,
} from "@transporter/sdk";
import {
  changeRecord,
  checkGeneration,
  closedError,
  newRecord,
  releaseChange,
  sessionRecord,
} from "./record.ts";
import type {
  AgentRecord,
  Change,
  EventChange,
  EventQuery,
  EventRecord,
  Fence,
  NewEvent,
  NewSession,
  Release,
  ReleasedEvent,
  Store,
} from "./store.ts";

/** Options of {@linkcode openMemoryStore}. */
export interface MemoryStoreOptions {
  /** What stamps changes; by default the clock of the machine. */
  readonly clock?: Clock;
}

interface Entry {
  record: EventRecord;
  readonly spec: EventSpec;
  readonly history: HistoryEntry[];
}

/** A copy that nobody can change, of what survives JSON. */
function frozenCopy<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value),
    (_, member) => Object.freeze(member),
  );
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
  readonly #agents = new Map<string, AgentRecord>();
  readonly #changes: Change[] = [];
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  createEvent(
    tenant: string,
    event: NewEvent,
  ): Promise<{ readonly record: EventRecord; readonly created: boolean }> {
    return this.#step(() => {
      const known = this.#taken(tenant, event);
      if (known) return { record: known.record, created: false };
      const { spec, ...rest } = frozenCopy(event);
      const bytes = new TextEncoder().encode(JSON.stringify(spec)).length;
      const enq = this.#events.size + 1;
      const record = newRecord(tenant, { spec, ...rest }, { enq, bytes });
      const entry: Entry = { record, spec, history: [] };
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
        checkGeneration(this.#agents.get(key(tenant, fence.agent)), fence.gen);
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
      const agent = this.#agents.get(key(tenant, release.agent));
      checkGeneration(agent, release.gen);
      if (!agent) return [];
      const queued = this.#openOf(tenant, release.agent)
        .filter(({ record }) => record.state === "queued")
        .sort(({ record: a }, { record: b }) =>
          b.spec.priority - a.spec.priority || a.enq - b.enq
        );
      const chosen: { readonly entry: Entry; readonly change: EventChange }[] =
        [];
      let bytes = 0;
      for (const entry of queued) {
        if (chosen.length === release.eventsMax) break;
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
      this.#agents.set(key(tenant, agent.id), { ...agent, nextSeq });
      return chosen.map(({ entry }) => ({
        record: entry.record,
        spec: entry.spec,
      }));
    });
  }

  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#step(() =>
      this.#openOf(tenant, agent)
        .filter(({ record }) =>
          record.seq !== undefined && record.state !== "queued"
        )
        .sort((a, b) => (a.record.seq ?? 0) - (b.record.seq ?? 0))
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
    );
  }

  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]> {
    return this.#step(() => [...this.#ids.get(key(tenant, id))?.history ?? []]);
  }

  listDue(at: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#step(() =>
      [...this.#open.values()]
        .map(({ record }) => record)
        .filter(({ deadline }) => deadline <= at)
        .sort((a, b) => a.deadline - b.deadline || a.enq - b.enq)
        .slice(0, limit)
    );
  }

  countOpen(
    tenant: string,
  ): Promise<ReadonlyMap<string, Partial<Record<State, number>>>> {
    return this.#step(() => {
      const counts = new Map<string, Partial<Record<State, number>>>();
      for (const { record } of this.#open.values()) {
        if (record.tenant !== tenant) continue;
        const agent = record.spec.target_agent;
        const states = counts.get(agent) ?? {};
        counts.set(agent, {
          ...states,
          [record.state]: (states[record.state] ?? 0) + 1,
        });
      }
      return counts;
    });
  }

  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]> {
    return this.#step(() =>
      this.#changes.slice(after).filter((change) => change.tenant === tenant)
        .slice(0, limit)
    );
  }

  changeRange(): Promise<{ readonly oldest: number; readonly newest: number }> {
    return this.#step(() => ({
      oldest: Math.min(1, this.#changes.length),
      newest: this.#changes.length,
    }));
  }

  openSession(tenant: string, session: NewSession): Promise<AgentRecord> {
    return this.#step(() => {
      const { id } = session.registration;
      const known = this.#agents.get(key(tenant, id));
      const agent = frozenCopy(sessionRecord(tenant, session, known));
      this.#agents.set(key(tenant, id), agent);
      return agent;
    });
  }

  touchAgent(tenant: string, fence: Fence, seenAt: number): Promise<void> {
    return this.#step(() => {
      const agent = this.#agents.get(key(tenant, fence.agent));
      if (!agent || agent.gen > fence.gen) return;
      this.#agents.set(key(tenant, fence.agent), { ...agent, seenAt });
      this.#note(tenant, fence);
    });
  }

  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined> {
    return this.#step(() => this.#agents.get(key(tenant, id)));
  }

  listAgents(tenant: string): Promise<readonly AgentRecord[]> {
    return this.#step(() =>
      [...this.#agents.values()]
        .filter((agent) => agent.tenant === tenant)
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

  /** Notes the status that a session reported. */
  #note(tenant: string, { agent: id, sid = 0 }: Fence): void {
    const agent = this.#agents.get(key(tenant, id));
    if (!agent || agent.statusUpto >= sid) return;
    this.#agents.set(key(tenant, id), { ...agent, statusUpto: sid });
  }

  /** Replaces a record, and adds the entry that led to it to the histories. */
  #write(
    entry: Entry,
    next: EventRecord,
    { status }: Pick<EventChange, "status">,
  ): void {
    const record = frozenCopy(next);
    const historyEntry = frozenCopy({ ...status, revision: record.revision });
    entry.record = record;
    entry.history.push(historyEntry);
    this.#changes.push({
      change: this.#changes.length + 1,
      tenant: record.tenant,
      agent: record.spec.target_agent,
      type: record.spec.type,
      entry: historyEntry,
    });
    if (isTerminal(record.state)) this.#open.delete(record.enq);
    else this.#open.set(record.enq, entry);
  }
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
