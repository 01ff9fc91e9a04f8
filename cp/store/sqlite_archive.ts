import type { DatabaseSync } from "node:sqlite";
import {
  type Archive,
  type ArchiveItem,
  type Counters,
  type EventItem,
  ITEM_KINDS,
  type ItemCounts,
  type MoveMark,
  type MoveMarks,
  type Placed,
  splitCursor,
} from "./archive.ts";
import { writeAgent, writeProfile } from "./sqlite_agent_rows.ts";
import { readCounters } from "./sqlite_counters.ts";
import { writeEvent } from "./sqlite_event_rows.ts";
import { addRow } from "./sqlite_history.ts";
import {
  markName,
  number,
  readAgentRow,
  readEntries,
  readEventRow,
  readLogRow,
  readMarkName,
  readTombstoneRow,
  type Row,
  text,
} from "./sqlite_rows.ts";
import { prepareAll, type Statements } from "./sqlite_statements.ts";

/** Rows that are read at a time. */
const READ_MAX = 200;

const EVENT = `SELECT event.*, head, payload, result, error
  FROM event CROSS JOIN spec USING (enq) LEFT JOIN outcome USING (enq)
  WHERE enq > ? ORDER BY enq LIMIT ?`;
const LOGS =
  `SELECT n, attempt, stream, off, trunc, data FROM log WHERE enq = ? ORDER BY n`;
const ENTRY = `SELECT change, tenant, entries
  FROM history CROSS JOIN event USING (enq) WHERE change > ? ORDER BY change LIMIT ?`;
const TOMBSTONE =
  `SELECT * FROM tombstone WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT ?`;
const AGENT = `SELECT agent.*, registration, executors
  FROM agent CROSS JOIN profile USING (tenant, id)
  WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT ?`;

const MARK =
  `SELECT name, value FROM counter WHERE name LIKE 'mark %' AND name > ? ORDER BY name LIMIT ?`;

/** What a file remembers of being moved; there is no such table in one that never was. */
export function readMarks(db: DatabaseSync): MoveMarks {
  const has = db.prepare(
    "SELECT count(*) AS marks FROM sqlite_schema WHERE name = 'mark'",
  ).get();
  if (has?.["marks"] === 0) return {};
  const rows = db.prepare("SELECT name, value FROM mark").all();
  return Object.fromEntries(
    rows.map((row) => [text(row, "name"), JSON.parse(text(row, "value"))]),
  );
}

/** A SQLite store as a whole. */
export class SqliteArchive implements Archive {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;

  /** Takes over the database, and closes it. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#sql = prepareAll(db);
  }

  marks(): Promise<MoveMarks> {
    return Promise.resolve(readMarks(this.#db));
  }

  markSource(mark: MoveMark): Promise<void> {
    return this.#transact(() => this.#mark("source", mark));
  }

  counts(): Promise<ItemCounts> {
    const count = (table: string) =>
      number(
        this.#db.prepare(`SELECT count(*) AS rows FROM ${table}`).get() ?? {},
        "rows",
      );
    return Promise.resolve({
      agent: count("agent"),
      mark: count("counter WHERE name LIKE 'mark %'"),
      tombstone: count("tombstone"),
      event: count("event"),
      entry: count("history, json_each(entries)"),
    });
  }

  counters(): Promise<Counters> {
    const { enq, change } = readCounters(this.#sql);
    const last = this.#sql.lastAccepted.get();
    return Promise.resolve({
      enq,
      change,
      acceptedUpto: last === undefined ? 0 : number(last, "accepted_upto"),
    });
  }

  async *read(after?: string): AsyncIterable<Placed> {
    const { kind: first, place } = splitCursor(after);
    for (
      const kind of ITEM_KINDS.slice(ITEM_KINDS.findIndex((k) => k === first))
    ) {
      let at = kind === first ? place : "";
      for (;;) {
        const page = this.#page(kind, at);
        if (page.length === 0) break;
        for (const placed of page) yield await Promise.resolve(placed);
        at = splitCursor(page.at(-1)?.cursor).place;
      }
    }
  }

  #page(kind: ArchiveItem["kind"], at: string): readonly Placed[] {
    const [tenant = "", id = ""] = at.split("\n");
    const all = (sql: string, ...values: (string | number)[]) =>
      this.#db.prepare(sql).all(...values);
    const named = (row: Row) => `${text(row, "tenant")}\n${text(row, "id")}`;
    switch (kind) {
      case "agent":
        return all(AGENT, tenant, id, READ_MAX).map((row) => ({
          item: {
            kind,
            agent: readAgentRow(row),
            deleted: number(row, "deleted") === 1,
          },
          cursor: `agent:${named(row)}`,
        }));
      case "mark":
        return all(MARK, at, READ_MAX).map((row) => {
          const [tenant, name] = readMarkName(text(row, "name"));
          const value = number(row, "value");
          const cursor = `mark:${text(row, "name")}`;
          return { item: { kind, tenant, name, value }, cursor };
        });
      case "tombstone":
        return all(TOMBSTONE, tenant, id, READ_MAX).map((row) => {
          const key = row["idempotency_key"];
          return {
            item: {
              kind,
              tenant: text(row, "tenant"),
              tombstone: readTombstoneRow(row),
              ...(typeof key === "string" ? { key } : {}),
            },
            cursor: `tombstone:${named(row)}`,
          };
        });
      case "event":
        // One at a time: bodies may be large.
        return all(EVENT, Number(at), 1).map((row) => ({
          item: this.#eventItem(row),
          cursor: `event:${number(row, "enq")}`,
        }));
      case "entry":
        return all(ENTRY, Number(at), READ_MAX).flatMap((row) => {
          const tenant = text(row, "tenant");
          const entries = readEntries(row);
          const before = number(row, "change") - entries.length;
          return entries.map((entry, i) => {
            const change = before + i + 1;
            const item = { kind, change, tenant, entry };
            return { item, cursor: `entry:${change}` };
          }).filter(({ item }) => item.change > Number(at));
        });
    }
  }

  #eventItem(row: Row): EventItem {
    const logs = this.#db.prepare(LOGS).all(number(row, "enq")).map((row) => {
      const { n: _, ...chunk } = readLogRow(row);
      return chunk;
    });
    return {
      kind: "event",
      record: readEventRow(row),
      payload: text(row, "payload"),
      acceptedUpto: number(row, "accepted_upto"),
      logs,
    };
  }

  write(items: readonly ArchiveItem[], mark: MoveMark): Promise<void> {
    return this.#transact(() => {
      for (const item of items) this.#add(item);
      this.#mark("target", mark);
    });
  }

  #add(item: ArchiveItem): void {
    const sql = this.#sql;
    switch (item.kind) {
      case "agent":
        writeAgent(sql, item.agent, item);
        writeProfile(sql, item.agent);
        break;
      case "mark":
        sql.addCounter.run(markName(item.tenant, item.name), item.value);
        break;
      case "tombstone": {
        const { tenant, tombstone: { id, digest, state, until }, key } = item;
        this.#db.prepare(
          "INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?, ?, ?, ?)",
        ).run(tenant, id, key ?? null, digest, state, until);
        break;
      }
      case "event": {
        const { record, payload, acceptedUpto, logs } = item;
        const head = JSON.stringify(record.spec);
        writeEvent(sql, { record, added: { head, payload, acceptedUpto } });
        const { tenant, spec: { id } } = record;
        for (const { attempt, stream, off, trunc, data } of logs) {
          const values = [attempt, stream, off, trunc ? 1 : 0];
          sql.addLog.run(...values, JSON.stringify(data), tenant, id);
        }
        break;
      }
      case "entry": {
        const { change, tenant, entry } = item;
        const { enq } = readEventRow(
          sql.getEvent.get(tenant, entry.event_id) ?? {},
        );
        addRow(sql, { change, enq, entries: [entry] });
      }
    }
  }

  finish({ enq, change }: Counters, mark: MoveMark): Promise<void> {
    return this.#transact(() => {
      this.#sql.setCounter.run(enq, "enq");
      this.#sql.setCounter.run(change, "change");
      this.#db.exec(
        `UPDATE counter SET value = (SELECT count(*) FROM event WHERE stage <= 0) WHERE name = 'ended'`,
      );
      this.#mark("target", mark);
    });
  }

  #mark(name: keyof MoveMarks, mark: MoveMark): void {
    this.#db.exec(
      "CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    );
    this.#db.prepare("INSERT OR REPLACE INTO mark VALUES (?, ?)")
      .run(name, JSON.stringify(mark));
  }

  #transact(work: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        work();
        this.#db.exec("COMMIT");
      } catch (error) {
        this.#db.exec("ROLLBACK");
        throw error;
      }
      resolve();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }
}
