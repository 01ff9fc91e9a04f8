import type { DatabaseSync, StatementSync } from "node:sqlite";
import { listStatements } from "./sqlite_queries.ts";
import { number, readEventRow } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { EventQuery, EventRecord } from "./store.ts";

/** Statements that are kept prepared: there are as many as there are kinds of questions. */
const PREPARED_MAX = 200;

/** Finds the events that somebody asks for. */
export class Lists {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #prepared = new Map<string, StatementSync>();

  /** Prepares statements as they are asked for. */
  constructor(db: DatabaseSync, sql: Statements) {
    this.#db = db;
    this.#sql = sql;
  }

  /** The newest events a query is about. */
  events(tenant: string, query: EventQuery): readonly EventRecord[] {
    const enqMin = query.since === undefined
      ? undefined
      : this.#firstSince(query.since);
    const found = listStatements(tenant, query, enqMin)
      .flatMap(({ sql, values }) => this.#prepare(sql).all(...values))
      .map((row) => number(row, "enq"))
      .sort((a, b) => b - a)
      .slice(0, query.limit);
    // One statement for all: one for each costs twice as much.
    return this.#sql.listItems.all(JSON.stringify(found)).map(readEventRow);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear();
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /**
   * The first event that may have been accepted at or after a time. Clocks go
   * back, but `accepted_upto` grows with `enq`, so halving finds it without an
   * index of its own.
   */
  #firstSince(since: number): number {
    let low = 0;
    let high = number(this.#sql.lastAccepted.get() ?? { enq: 0 }, "enq") + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#sql.acceptedUpto.get(middle);
      if (!row || number(row, "accepted_upto") >= since) high = middle;
      else low = number(row, "enq") + 1;
    }
    return low;
  }
}
