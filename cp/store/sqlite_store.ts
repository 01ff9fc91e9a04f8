import type { Clock, EventSpec, HistoryEntry, State } from "@transporter/sdk";
import type { DatabaseSync } from "node:sqlite";
import {
  checkGeneration,
  closedError,
  releaseChange,
  sessionRecord,
} from "./record.ts";
import { GroupCommit, unavailable } from "./sqlite_group.ts";
import { listStatements } from "./sqlite_queries.ts";
import {
  number,
  readAgentRow,
  readChangeRow,
  readEntryRow,
  readEventRow,
  readSpecRow,
  text,
} from "./sqlite_rows.ts";
import { Tables } from "./sqlite_tables.ts";
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

/**
 * {@linkcode Store} over an open database: writes are steps of one
 * transaction for all that comes together, reads see what is committed.
 */
export class SqliteStore implements Store {
  readonly durability = "fsync";
  readonly replicated = 0;
  readonly #db: DatabaseSync;
  readonly #group: GroupCommit;
  readonly #tables: Tables;
  #closed = false;

  /** Takes over the database, and closes it with itself. */
  constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db;
    this.#group = new GroupCommit(db);
    this.#tables = new Tables(db, clock);
  }

  createEvent(
    tenant: string,
    event: NewEvent,
  ): Promise<{ readonly record: EventRecord; readonly created: boolean }> {
    return this.#group.add(() => {
      const known = this.#tables.getTaken(tenant, event);
      if (known) return { record: known, created: false };
      return { record: this.#tables.addEvent(tenant, event), created: true };
    });
  }

  getEvent(tenant: string, id: string): Promise<EventRecord | undefined> {
    return this.#read(() => this.#tables.findEvent("getEvent", tenant, id));
  }

  getSpec(tenant: string, id: string): Promise<EventSpec | undefined> {
    return this.#read(() => {
      const row = this.#tables.sql.getSpec.get(tenant, id);
      return row && readSpecRow(row);
    });
  }

  changeEvent(
    tenant: string,
    id: string,
    decide: (record: EventRecord) => EventChange | undefined,
    fence?: Fence,
  ): Promise<
    { readonly record: EventRecord; readonly changed: boolean } | undefined
  > {
    return this.#group.add(() => {
      if (fence) this.#checkFence(tenant, fence);
      const record = this.#tables.findEvent("getEvent", tenant, id);
      const change = record && decide(record);
      if (fence) this.#note(tenant, fence);
      if (!record || !change) return record && { record, changed: false };
      return {
        record: this.#tables.changeEvent(record, change),
        changed: true,
      };
    });
  }

  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#group.add(() => {
      let seq = this.#checkFence(tenant, release);
      if (seq === undefined) return [];
      const released: ReleasedEvent[] = [];
      for (
        const { record, change } of this.#tables.chooseQueued(tenant, release)
      ) {
        const next = releaseChange(record, change);
        released.push(
          this.#tables.withPayload(
            this.#tables.changeEvent(record, next, { seq: seq++ }),
          ),
        );
      }
      this.#tables.sql.setNextSeq.run(seq, tenant, release.agent);
      return released;
    });
  }

  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#read(() =>
      this.#tables.sql.listReleased.all(tenant, agent).map((row) =>
        this.#tables.withPayload(readEventRow(row))
      )
    );
  }

  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]> {
    return this.#read(() =>
      listStatements(tenant, query)
        .flatMap(({ sql, values }) => this.#db.prepare(sql).all(...values))
        .map((row) => number(row, "enq"))
        .sort((a, b) => b - a)
        .slice(0, query.limit)
        .map((enq) => this.#tables.findEvent("getEventByEnq", enq))
        .filter((record) => record !== undefined)
    );
  }

  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]> {
    return this.#read(() =>
      this.#tables.sql.listHistory.all(tenant, id).map(readEntryRow)
    );
  }

  listDue(at: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#read(() =>
      this.#tables.sql.listDue.all(at, limit).map(readEventRow)
    );
  }

  countOpen(
    tenant: string,
  ): Promise<ReadonlyMap<string, Partial<Record<State, number>>>> {
    return this.#read(() => {
      const counts = new Map<string, Partial<Record<State, number>>>();
      for (const row of this.#tables.sql.countOpen.all(tenant)) {
        const agent = text(row, "agent");
        counts.set(agent, {
          ...counts.get(agent),
          [text(row, "state")]: number(row, "events"),
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
    return this.#read(() =>
      this.#tables.sql.listChanges.all(tenant, after, limit).map(readChangeRow)
    );
  }

  changeRange(): Promise<{ readonly oldest: number; readonly newest: number }> {
    return this.#read(() => {
      const row = this.#tables.sql.changeRange.get();
      if (!row || row["newest"] === null) return { oldest: 0, newest: 0 };
      return { oldest: number(row, "oldest"), newest: number(row, "newest") };
    });
  }

  openSession(tenant: string, session: NewSession): Promise<AgentRecord> {
    return this.#group.add(() => {
      const row = this.#tables.sql.getAgent.get(
        tenant,
        session.registration.id,
      );
      const agent = sessionRecord(tenant, session, row && readAgentRow(row));
      this.#tables.setAgent(agent);
      return agent;
    });
  }

  touchAgent(tenant: string, fence: Fence, seenAt: number): Promise<void> {
    return this.#group.add(() => {
      const row = this.#tables.sql.getCounters.get(tenant, fence.agent);
      if (!row || number(row, "gen") > fence.gen) return;
      this.#tables.sql.setSeenAt.run(seenAt, tenant, fence.agent);
      this.#note(tenant, fence);
    });
  }

  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined> {
    return this.#read(() => {
      const row = this.#tables.sql.getAgent.get(tenant, id);
      return row && readAgentRow(row);
    });
  }

  listAgents(tenant: string): Promise<readonly AgentRecord[]> {
    return this.#read(() =>
      this.#tables.sql.listAgents.all(tenant).map(readAgentRow)
    );
  }

  probe(): Promise<void> {
    return this.#group.add(() => void this.#tables.sql.probe.run());
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#group.close();
    this.#db.close(); // which moves the write-ahead log into the file
    return Promise.resolve();
  }

  /** Reads what is committed: the writer never leaves a transaction open between turns. */
  #read<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#closed) throw closedError();
      try {
        resolve(work());
      } catch (error) {
        throw unavailable("read", error);
      }
    });
  }

  /** Refuses a session that a newer one has replaced; returns the agent's next `seq` if the agent is known. */
  #checkFence(
    tenant: string,
    { agent, gen }: Pick<Fence, "agent" | "gen">,
  ): number | undefined {
    const row = this.#tables.sql.getCounters.get(tenant, agent);
    if (!row) return undefined;
    checkGeneration({ id: agent, gen: number(row, "gen") }, gen);
    return number(row, "next_seq");
  }

  /** Notes the status that a session reported. */
  #note(tenant: string, { agent, sid }: Fence): void {
    if (sid !== undefined) {
      this.#tables.sql.setStatusUpto.run(sid, tenant, agent);
    }
  }
}
