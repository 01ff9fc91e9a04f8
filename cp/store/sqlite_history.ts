/**
 * The histories of the SQLite store: a row has all entries of one event that
 * were committed together, as each row and its place in an index cost about
 * what an entry does.
 *
 * @module
 */
import type { EventStatus, HistoryEntry } from "@transporter/sdk";
import { number, readEntries, text } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { Change, EventRecord } from "./store.ts";

/** The entries that are gathered within a transaction, and the numbers of changes. */
export class Histories {
  readonly #sql: Statements;
  /** By `enq`; the event whose newest entry came last is the last. */
  readonly #gathered = new Map<number, HistoryEntry[]>();
  /** Events whose newest row has an entry that another one takes the place of. */
  #replaced: number[] = [];
  #change: number;

  /** Goes on counting where the database is. */
  constructor(sql: Statements) {
    this.#sql = sql;
    this.#change = number(sql.getCounter.get("change") ?? {}, "value");
  }

  /** Adds an entry. */
  note({ enq, revision }: EventRecord, status: EventStatus): void {
    const entries = this.#gathered.get(enq) ?? [];
    entries.push({ ...status, revision });
    this.#gathered.delete(enq); // which puts it last
    this.#gathered.set(enq, entries);
  }

  /** Takes the newest entry of an event away, as another one takes its place. */
  replace({ enq }: EventRecord): void {
    if (this.#gathered.get(enq)?.pop() === undefined) this.#replaced.push(enq);
  }

  /** Writes what was gathered. Entries are numbered now, so that those of a row have numbers in a row. */
  write(): void {
    for (const enq of this.#replaced) this.#cut(enq);
    for (const [enq, entries] of this.#gathered) {
      this.#change += entries.length;
      this.#sql.addHistory.run(this.#change, enq, JSON.stringify(entries));
    }
    this.#sql.setCounter.run(this.#change, "change");
    this.forget();
  }

  /** Forgets what was gathered. Its numbers are not given again. */
  forget(): void {
    this.#gathered.clear();
    this.#replaced = [];
  }

  #cut(enq: number): void {
    const row = this.#sql.lastHistory.get(enq);
    if (row === undefined) return;
    const change = number(row, "change");
    const entries = readEntries(row).slice(0, -1);
    this.#sql.dropHistory.run(change);
    if (entries.length === 0) return;
    this.#sql.addHistory.run(change - 1, enq, JSON.stringify(entries));
  }
}

/** Reads the changes after a number, oldest first. */
export function listChanges(
  sql: Statements,
  { tenant, after, limit }: {
    readonly tenant: string;
    readonly after: number;
    readonly limit: number;
  },
): readonly Change[] {
  const changes: Change[] = [];
  for (const row of sql.listChanges.all(after, tenant, limit)) {
    if (changes.length >= limit) break;
    const about = {
      tenant: text(row, "tenant"),
      agent: text(row, "agent"),
      type: text(row, "type"),
    };
    const entries = readEntries(row);
    let change = number(row, "change") - entries.length;
    for (const entry of entries) {
      if (++change > after) changes.push({ change, ...about, entry });
    }
  }
  return changes.slice(0, limit);
}
