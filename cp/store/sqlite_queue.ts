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

/** Queues that are remembered as empty; beyond it all are asked about again. */
const EMPTY_MAX = 4096;

/** The queues of all agents. */
export class Queues {
  readonly #sql: Statements;
  /** Those of which the database has nothing, which need no look into it: events usually come and go out in one transaction. */
  readonly #empty = new Set<string>();

  /** Knows nothing yet. */
  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** A queued event is a row from now on. */
  written({ tenant, spec }: EventRecord): void {
    this.#empty.delete(key(tenant, spec.target_agent));
  }

  /** Yields the queued events of an agent that are ready, by rank. */
  *inOrder(queue: Queue, { gathered, find }: Known): Generator<EventRecord> {
    const waiting = ready(this.#sql, queue, gathered);
    let next = 0;
    for (const place of this.#rows(queue)) {
      for (
        let first = waiting[next];
        first !== undefined && comesBefore(first, place);
        first = waiting[++next]
      ) yield first.record;
      const record = gathered.has(place.enq) ? undefined : find(place.enq);
      if (record !== undefined) yield record;
    }
    for (const { record } of waiting.slice(next)) yield record;
  }

  *#rows({ tenant, agent, at, page }: Queue): Generator<Place> {
    const name = key(tenant, agent);
    if (this.#empty.has(name)) return;
    for (let offset = 0; page > 0; offset += page) {
      const rows = this.#sql.listQueued.all(tenant, agent, at, page, offset);
      for (const row of rows) {
        yield { enq: number(row, "enq"), rank: number(row, "rank") };
      }
      if (offset + rows.length === 0) this.#look(tenant, agent);
      if (rows.length < page) return;
    }
  }

  /** Nothing is ready: is there nothing at all? */
  #look(tenant: string, agent: string): void {
    if (this.#sql.hasQueued.get(tenant, agent) !== undefined) return;
    if (this.#empty.size >= EMPTY_MAX) this.#empty.clear();
    this.#empty.add(key(tenant, agent));
  }
}

/** A tenant has no line break. */
function key(tenant: string, agent: string): string {
  return `${tenant}\n${agent}`;
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
