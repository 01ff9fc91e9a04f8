import { readEventRow } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { EventRecord, Sweep } from "./store.ts";

/**
 * Removes the rows of events that ended long ago, and tombstones whose time is
 * over; within a transaction.
 *
 * @param tooMany How many of the oldest go whatever their age.
 * @returns The events that are removed.
 */
export function sweepRows(
  sql: Statements,
  { finishedBefore, tooMany, until, at, limit }:
    & Omit<Sweep, "finishedMax">
    & { readonly tooMany: number },
): readonly EventRecord[] {
  sql.dropTombstones.run(at, limit);
  const removed = sql.listFinished.all(limit).map(readEventRow)
    .filter(({ finishedAt = 0 }, index) =>
      finishedAt < finishedBefore || index < tooMany
    );
  // While the events tell their newest rows; in one statement, as one for each costs three times as much.
  sql.dropHistories.run(JSON.stringify(removed.map(({ enq }) => enq)));
  for (const record of removed) {
    const { enq } = record;
    sql.addTombstone.run(until(record), enq);
    sql.dropEvent.run(enq);
    sql.dropSpec.run(enq);
    sql.dropOutcome.run(enq);
    sql.dropLabels.run(enq);
    sql.dropLogs.run(enq);
  }
  return removed;
}
