/**
 * The histories of the SQLite store: a row has all entries of one event that
 * were committed together, as each row costs about what an entry does.
 *
 * @module
 */
import type { HistoryEntry } from "@transporter/sdk";
import { number, readEntries, text } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { Change, EventChange, EventRecord } from "./store.ts";

/** The entries that are gathered within a transaction, and the numbers of changes. */
export class Histories {
  readonly #sql: Statements;
  /** As JSON, by `enq`; the event whose newest entry came last is the last. */
  readonly #gathered = new Map<number, string[]>();
  /** Events whose newest row has an entry that another one takes the place of. */
  #replaced: number[] = [];
  #change: number;

  /** Goes on counting from a change. */
  constructor(sql: Statements, change: number) {
    this.#sql = sql;
    this.#change = change;
  }

  /** The newest change. */
  get change(): number {
    return this.#change;
  }

  /** Adds an entry: the status and, last, its revision. */
  note(
    { enq, revision }: EventRecord,
    { status, statusText = JSON.stringify(status) }: Pick<
      EventChange,
      "status" | "statusText"
    >,
  ): void {
    const entries = this.#gathered.get(enq) ?? [];
    entries.push(`${statusText.slice(0, -1)},"revision":${revision}}`);
    this.#gathered.delete(enq); // which puts it last
    this.#gathered.set(enq, entries);
  }

  /** Takes the newest entry of an event away, as another one takes its place. */
  replace({ enq }: EventRecord): void {
    if (this.#gathered.get(enq)?.pop() === undefined) this.#replaced.push(enq);
  }

  /**
   * Writes what was gathered, before the events are. Entries are numbered now,
   * so that those of a row have numbers in a row.
   *
   * @param ended How many events have ended, which the newest row tells.
   * @returns The new row of each event, by `enq`.
   */
  write(ended: number): ReadonlyMap<number, number> {
    for (const enq of this.#replaced) this.#cut(enq);
    const rows = new Map<number, number>();
    for (const [enq, entries] of this.#gathered) {
      const change = this.#change += entries.length;
      this.#sql.addHistory.run(change, enq, `[${entries.join(",")}]`, ended);
      rows.set(enq, change);
    }
    this.forget();
    return rows;
  }

  /** Forgets what was gathered. Its numbers are not given again. */
  forget(): void {
    this.#gathered.clear();
    this.#replaced = [];
  }

  #cut(enq: number): void {
    const row = this.#sql.lastHistory.get(enq);
    if (row === undefined) return;
    const { dropHistory, setLastChange } = this.#sql;
    const change = number(row, "change");
    const entries = readEntries(row).slice(0, -1);
    dropHistory.run(change);
    setLastChange.run(row["previous"] ?? null, enq);
    if (entries.length > 0) {
      addRow(this.#sql, { change: change - 1, enq, entries });
    }
  }
}

/** Adds a row to the end of the history of an event that is written. */
export function addRow(
  sql: Statements,
  { change, enq, entries }: {
    readonly change: number;
    readonly enq: number;
    readonly entries: readonly HistoryEntry[];
  },
): void {
  sql.addHistory.run(change, enq, JSON.stringify(entries), null);
  sql.setLastChange.run(change, enq);
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
