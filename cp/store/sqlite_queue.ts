/**
 * The queue of an agent in the order in which events are released: what the
 * database has, together with what is only gathered. So an event that comes and
 * goes out in one transaction is written once.
 *
 * @module
 */
import { rankOf } from "./record.ts";
import type { Changed } from "./sqlite_event_rows.ts";
import { number } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import type { EventRecord } from "./store.ts";

/** Which queue, and how it is read. */
export interface Queue {
  /** Whose it is. */
  readonly tenant: string;
  /** The agent. */
  readonly agent: string;
  /** Now: what is not ready yet is left out. */
  readonly at: number;
  /** How many rows are read at a time. */
  readonly page: number;
}

/** What is known besides the database. */
export interface Known {
  /** What is gathered, by `enq`: it counts, and not its row. */
  readonly gathered: ReadonlyMap<number, Changed>;
  /** Finds the record of a row. */
  find(enq: number): EventRecord | undefined;
}

interface Place {
  readonly enq: number;
  readonly rank: number;
}

interface Ranked extends Place {
  readonly record: EventRecord;
}

/** Yields the queued events of an agent that are ready, by rank. */
export function* inOrder(
  sql: Statements,
  queue: Queue,
  { gathered, find }: Known,
): Generator<EventRecord> {
  const { tenant, agent, at, page } = queue;
  const waiting = ready(sql, queue, gathered);
  let next = 0;
  for (let offset = 0; page > 0; offset += page) {
    const rows = sql.listQueued.all(tenant, agent, at, page, offset);
    for (const row of rows) {
      const place = { enq: number(row, "enq"), rank: number(row, "rank") };
      for (
        let first = waiting[next];
        first !== undefined && comesBefore(first, place);
        first = waiting[++next]
      ) yield first.record;
      const record = gathered.has(place.enq) ? undefined : find(place.enq);
      if (record !== undefined) yield record;
    }
    if (rows.length < page) break;
  }
  for (const { record } of waiting.slice(next)) yield record;
}

/** Of what is gathered, the events that the queue is about. */
function ready(
  sql: Statements,
  { tenant, agent, at }: Queue,
  gathered: ReadonlyMap<number, Changed>,
): Ranked[] {
  const ranked: Ranked[] = [];
  for (const { record, added } of gathered.values()) {
    if (record.state !== "queued" || (record.readyAt ?? 0) > at) continue;
    const { enq, spec } = record;
    if (spec.target_agent !== agent || record.tenant !== tenant) continue;
    const rank = added
      ? rankOf(spec.priority, added.acceptedUpto)
      : number(sql.getRank.get(enq) ?? {}, "rank");
    ranked.push({ record, enq, rank });
  }
  return ranked.sort((a, b) => comesBefore(a, b) ? -1 : 1);
}

function comesBefore(a: Place, b: Place): boolean {
  return a.rank === b.rank ? a.enq < b.enq : a.rank < b.rank;
}
