/**
 * The highest numbers given, and how many events have ended. Rows tell them, so
 * that no commit has one more page to write for it; the table `counter` has them
 * as they were when rows were last removed.
 *
 * @module
 */
import { number } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";

/** What is counted. */
export interface Counted {
  /** The highest `enq` ever given. */
  readonly enq: number;
  /** The number of the newest change. */
  readonly change: number;
  /** Events there are that have ended. */
  readonly ended: number;
}

/** Reads what was counted so far. */
export function readCounters(sql: Statements): Counted {
  const counter = (name: keyof Counted) =>
    number(sql.getCounter.get(name) ?? {}, "value");
  const [enq, change] = [counter("enq"), counter("change")];
  const event = sql.lastAccepted.get();
  const row = sql.newestHistory.get();
  const newest = row === undefined ? 0 : number(row, "change");
  return {
    enq: Math.max(enq, event === undefined ? 0 : number(event, "enq")),
    change: Math.max(change, newest),
    // Rows up to the counter may be older than it, or of a version that did not count there.
    ended: row !== undefined && newest > change
      ? number(row, "ended")
      : counter("ended"),
  };
}

/** Writes them, before or after rows are removed within a transaction. */
export function writeCounters(sql: Statements, counted: Counted): void {
  for (const [name, value] of Object.entries(counted)) {
    sql.setCounter.run(value, name);
  }
}
