// deno-lint-ignore-file transporter/file-length -- one short method for each of the interface
import type { Clock, EventSpec, HistoryEntry, State } from "@transporter/sdk";
import type { DatabaseSync } from "node:sqlite";
import { closedError, releaseChange, touched } from "./record.ts";
import { NO_ROOM, type Room } from "./sqlite_reserve.ts";
import { Agents } from "./sqlite_agents.ts";
import { Events } from "./sqlite_events.ts";
import { GroupCommit, unavailable } from "./sqlite_group.ts";
import { listChanges } from "./sqlite_history.ts";
import { Lists } from "./sqlite_lists.ts";
import {
  markName,
  number,
  readAgentRow,
  readEntries,
  readEventRow,
  readLogRow,
  readSpecRow,
  text,
} from "./sqlite_rows.ts";
import { prepareAll, type Statements } from "./sqlite_statements.ts";
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
} from "./store.ts";

/**
 * {@linkcode Store} over an open database: writes are steps of one
 * transaction for all that comes together, reads see what is committed.
 */
export class SqliteStore implements Store {
  readonly durability = "fsync";
  readonly replicated = 0;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #room: Room;
  readonly #sql: Statements;
  readonly #events: Events;
  readonly #agents: Agents;
  readonly #lists: Lists;
  readonly #group: GroupCommit;
  #commits: number;
  #closed = false;

  /** Takes over the database, and closes it with itself; the clock stamps changes, `room` says what is done about a full disk. */
  constructor(db: DatabaseSync, clock: Clock, room: Room = NO_ROOM) {
    this.#db = db;
    this.#room = room;
    this.#clock = clock;
    const sql = this.#sql = prepareAll(db);
    const events = this.#events = new Events(sql);
    const agents = this.#agents = new Agents(sql);
    this.#lists = new Lists(db, sql);
    this.#commits = number(sql.getCounter.get("commits") ?? {}, "value");
    this.#group = new GroupCommit(db, {
      write() {
        events.write();
        agents.write();
      },
      discard() {
        events.discard();
        agents.discard();
      },
      makeRoom: () => room.make(),
    });
  }

  createEvent(tenant: string, event: NewEvent): Promise<Creation> {
    return this.#group.add(() => {
      this.#room.check();
      return this.#events.add(tenant, event);
    });
  }

  getEvent(tenant: string, id: string): Promise<EventRecord | undefined> {
    return this.#read(() => this.#events.find(tenant, id));
  }

  getSpec(tenant: string, id: string): Promise<EventSpec | undefined> {
    return this.#read(() => {
      const row = this.#sql.getSpec.get(tenant, id);
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
      if (fence) this.#agents.check(tenant, fence);
      const record = this.#events.find(tenant, id);
      const change = record && decide(record);
      if (fence) this.#agents.note(tenant, fence);
      if (!record || !change) return record && { record, changed: false };
      const at = this.#clock.now();
      return {
        record: this.#events.change(record, change, { at }),
        changed: true,
      };
    }, { patient: fence?.patient ?? false });
  }

  releaseEvents(
    tenant: string,
    release: Release,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#group.add(() => {
      const agent = this.#agents.check(tenant, release);
      if (agent === undefined || agent.pausedAt !== undefined) return [];
      let seq = agent.nextSeq;
      const room = (release.seqMax ?? Infinity) - seq + 1;
      const eventsMax = Math.min(release.eventsMax, Math.max(0, room));
      const at = this.#clock.now();
      const released = this.#events.choose(tenant, { ...release, eventsMax })
        .map(({ record, change }) => {
          const next = releaseChange(record, change);
          const options = { at, seq: seq++ };
          return this.#events.withPayload(
            this.#events.change(record, next, options),
          );
        });
      if (released.length > 0) this.#agents.change(agent, { nextSeq: seq });
      return released;
    }, { last: true }); // what comes with it goes out with it: a row written once
  }

  nextReadyAt(
    tenant: string,
    agent: string,
    at: number,
  ): Promise<number | undefined> {
    return this.#read(() => {
      const row = this.#sql.nextReadyAt.get(tenant, agent, at);
      return row?.["ready_at"] === null
        ? undefined
        : number(row ?? {}, "ready_at");
    });
  }

  listOpen(
    tenant: string,
    agent: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly EventRecord[]> {
    return this.#read(() =>
      this.#sql.listOpen.all(tenant, agent, after, limit).map(readEventRow)
    );
  }

  listReleased(
    tenant: string,
    agent: string,
  ): Promise<readonly ReleasedEvent[]> {
    return this.#read(() =>
      this.#sql.listReleased.all(tenant, agent).map((row) =>
        this.#events.withPayload(readEventRow(row))
      )
    );
  }

  listEvents(
    tenant: string,
    query: EventQuery,
  ): Promise<readonly EventRecord[]> {
    return this.#read(() => this.#lists.events(tenant, query));
  }

  listHistory(tenant: string, id: string): Promise<readonly HistoryEntry[]> {
    return this.#read(() =>
      this.#sql.listHistory.all(tenant, id).flatMap(readEntries)
    );
  }

  listDue(at: number, limit: number): Promise<readonly EventRecord[]> {
    return this.#read(() => this.#sql.listDue.all(at, limit).map(readEventRow));
  }

  countOpen(tenant: string): Promise<ReadonlyMap<string, OpenCount>> {
    return this.#read(() => {
      const counts = new Map<string, OpenCount>();
      for (const row of this.#sql.countOpen.all(tenant)) {
        const agent = text(row, "agent");
        const { states = {}, bytes = 0 } = counts.get(agent) ?? {};
        const state = text(row, "state") as State;
        counts.set(agent, {
          states: { ...states, [state]: number(row, "events") },
          bytes: bytes + number(row, "bytes"),
        });
      }
      return counts;
    });
  }

  sweep(sweep: Sweep): Promise<number> {
    return this.#group.add(() => this.#events.sweep(sweep));
  }

  addLogs(
    tenant: string,
    id: string,
    chunks: readonly LogChunk[],
    fence?: Fence,
  ): Promise<void> {
    return this.#group.add(() => {
      if (fence) this.#agents.check(tenant, fence);
      this.#room.check();
      this.#events.write();
      for (const { attempt, stream, off, trunc, data } of chunks) {
        const values = [attempt, stream, off, trunc ? 1 : 0];
        this.#sql.addLog.run(...values, JSON.stringify(data), tenant, id);
      }
    });
  }

  listLogs(
    tenant: string,
    id: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly LogRecord[]> {
    return this.#read(() =>
      this.#sql.listLogs.all(tenant, id, after, limit).map(readLogRow)
    );
  }

  listChanges(
    tenant: string,
    after: number,
    limit: number,
  ): Promise<readonly Change[]> {
    return this.#read(() => listChanges(this.#sql, { tenant, after, limit }));
  }

  changeRange(): Promise<{ readonly oldest: number; readonly newest: number }> {
    return this.#read(() => {
      const row = this.#sql.changeRange.get();
      if (!row || row["newest"] === null) return { oldest: 0, newest: 0 };
      return { oldest: number(row, "oldest"), newest: number(row, "newest") };
    });
  }

  openSession(tenant: string, session: NewSession): Promise<AgentRecord> {
    return this.#group.add(() => this.#agents.open(tenant, session));
  }

  touchAgent(tenant: string, fence: Fence, sign: SignOfLife): Promise<void> {
    return this.#group.add(() => {
      const agent = this.#agents.get(tenant, fence.agent);
      if (agent === undefined || agent.gen > fence.gen) return;
      this.#agents.change(agent, touched(sign));
      this.#agents.note(tenant, fence);
    });
  }

  restartStream(
    tenant: string,
    fence: Fence,
    epoch: string,
  ): Promise<AgentRecord | undefined> {
    return this.#group.add(() => {
      const agent = this.#agents.check(tenant, fence);
      if (agent === undefined) return undefined;
      this.#events.write();
      let nextSeq = 1;
      for (const row of this.#sql.listReleased.all(tenant, agent.id)) {
        const record = readEventRow(row);
        this.#events.set({ ...record, seq: nextSeq++ }, record);
      }
      const { seenAt: toldAt } = agent;
      return this.#agents.change(agent, { epoch, nextSeq, toldAt });
    });
  }

  getMark(tenant: string, name: string): Promise<number | undefined> {
    return this.#read(() => this.#mark(tenant, name));
  }

  setMark(
    tenant: string,
    name: string,
    { value, seen }: {
      readonly value: number;
      readonly seen: number | undefined;
    },
  ): Promise<boolean> {
    return this.#group.add(() => {
      if (this.#mark(tenant, name) !== seen) return false;
      this.#sql.addCounter.run(markName(tenant, name), value);
      return true;
    });
  }

  #mark(tenant: string, name: string): number | undefined {
    const row = this.#sql.getCounter.get(markName(tenant, name));
    return row === undefined ? undefined : number(row, "value");
  }

  setPaused(
    tenant: string,
    id: string,
    pausedAt: number | undefined,
  ): Promise<AgentRecord | undefined> {
    return this.#group.add(() => {
      const agent = this.#agents.get(tenant, id);
      return agent && this.#agents.pause(agent, pausedAt);
    });
  }

  deleteAgent(tenant: string, id: string): Promise<boolean> {
    return this.#group.add(() => {
      const agent = this.#agents.get(tenant, id);
      if (agent !== undefined) this.#agents.delete(agent);
      return agent !== undefined;
    });
  }

  getAgent(tenant: string, id: string): Promise<AgentRecord | undefined> {
    return this.#read(() => this.#agents.get(tenant, id));
  }

  listAgents(tenant: string): Promise<readonly AgentRecord[]> {
    return this.#read(() => this.#sql.listAgents.all(tenant).map(readAgentRow));
  }

  probe(): Promise<void> {
    return this.#group.add(() => {
      this.#room.check();
      this.#sql.setCounter.run(++this.#commits, "commits");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#group.close();
    this.#db.close(); // which moves the write-ahead log into the file
    await this.#room[Symbol.asyncDispose]();
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
}
