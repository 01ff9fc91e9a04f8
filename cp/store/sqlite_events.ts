/**
 * The events of the SQLite store: what is gathered within a transaction and
 * written at its end, each row once.
 *
 * @module
 */
import { isTerminal, utf8Length } from "@transporter/sdk";
import { changeRecord, newRecord } from "./record.ts";
import { EventCache } from "./sqlite_cache.ts";
import { readCounters, writeCounters } from "./sqlite_counters.ts";
import { type Changed, writeEvent } from "./sqlite_event_rows.ts";
import { Histories } from "./sqlite_history.ts";
import { inOrder, type Queue } from "./sqlite_queue.ts";
import { number, readEventRow, readTombstoneRow, text } from "./sqlite_rows.ts";
import type { Statements } from "./sqlite_statements.ts";
import { sweepRows } from "./sqlite_sweep.ts";
import type {
  Creation,
  EventChange,
  EventRecord,
  NewEvent,
  Release,
  ReleasedEvent,
  Sweep,
} from "./store.ts";

/** The events, for the steps of one transaction after another. */
export class Events {
  readonly #sql: Statements;
  readonly #cache = new EventCache();
  readonly #changed = new Map<number, Changed>();
  /** Idempotency keys of events that are gathered, by tenant and key. */
  readonly #keys = new Map<string, EventRecord>();
  readonly #histories: Histories;
  #enq: number;
  #acceptedUpto: number;
  #ended: number;

  /** Goes on counting where the database is. */
  constructor(sql: Statements) {
    this.#sql = sql;
    const { enq, change, ended } = readCounters(sql);
    this.#enq = enq;
    this.#histories = new Histories(sql, change);
    this.#ended = ended;
    const last = this.#sql.lastAccepted.get();
    this.#acceptedUpto = last === undefined ? 0 : number(last, "accepted_upto");
  }

  /** Finds an event, also one that is only gathered. */
  find(tenant: string, id: string): EventRecord | undefined {
    const known = this.#cache.get(tenant, id);
    if (known !== undefined) return known;
    const row = this.#sql.getEvent.get(tenant, id);
    return row && readEventRow(row);
  }

  /** Adds an event, unless its id or its idempotency key is taken. */
  add(tenant: string, event: NewEvent): Creation {
    const taken = this.#taken(tenant, event);
    if (taken !== undefined) return taken;
    const { payload, ...head } = event.spec;
    const texts = {
      head: JSON.stringify(head),
      payload: JSON.stringify(payload),
    };
    // The whole is the head, with a comma, the payload's name and the payload before its last brace.
    const bytes = utf8Length(texts.head) + utf8Length(texts.payload) +
      ',"payload":'.length;
    const whole = newRecord(tenant, event, { enq: ++this.#enq, bytes });
    // A copy of its own: the caller may go on with what it handed over.
    const record = { ...whole, spec: JSON.parse(texts.head) };
    this.#acceptedUpto = Math.max(this.#acceptedUpto, record.acceptedAt);
    const added = { ...texts, acceptedUpto: this.#acceptedUpto };
    this.#changed.set(record.enq, { record, added });
    this.#cache.set(record, texts.payload);
    if (record.idempotencyKey !== undefined) {
      this.#keys.set(`${tenant}\n${record.idempotencyKey}`, record);
    }
    this.#histories.note(record, event);
    return { created: true, record };
  }

  /** Changes an event, and with `seq` gives it that number in its agent's stream. */
  change(
    record: EventRecord,
    change: EventChange,
    options: { readonly at: number; readonly seq?: number },
  ): EventRecord {
    const next = changeRecord(record, change, options);
    if (change.replaces) this.#histories.replace(record);
    this.set(next, record);
    this.#histories.note(next, change);
    return next;
  }

  /** Sets what of a record is not told in its history. */
  set(next: EventRecord, record: EventRecord): void {
    const known = this.#changed.get(next.enq) ?? { before: record };
    this.#changed.set(next.enq, { ...known, record: next });
    this.#cache.set(next);
  }

  /** Finds the queued events to release next, with what becomes of them. */
  choose(
    tenant: string,
    { agent, eventsMax, bytesMax, at, decide }: Release,
  ): { readonly record: EventRecord; readonly change: EventChange }[] {
    const chosen: {
      readonly record: EventRecord;
      readonly change: EventChange;
    }[] = [];
    let bytes = 0;
    for (const record of this.#queue(tenant, { agent, at, page: eventsMax })) {
      if (chosen.length >= eventsMax) break;
      const change = decide(record);
      if (!change) continue;
      bytes += record.bytes;
      if (chosen.length > 0 && bytes > bytesMax) break;
      chosen.push({ record, change });
    }
    return chosen;
  }

  #queue(tenant: string, which: Omit<Queue, "tenant">): Iterable<EventRecord> {
    return inOrder(this.#sql, { ...which, tenant }, {
      gathered: this.#changed,
      find: (enq) => this.#byEnq(enq),
    });
  }

  #byEnq(enq: number): EventRecord | undefined {
    const known = this.#cache.getByEnq(enq);
    if (known !== undefined) return known;
    const row = this.#sql.getEventByEnq.get(enq);
    return row && readEventRow(row);
  }

  /** Adds the payload to a record. */
  withPayload(record: EventRecord): ReleasedEvent {
    const payload = this.#cache.takePayload(record) ??
      text(this.#sql.getPayload.get(record.enq) ?? {}, "payload");
    return { record, spec: { ...record.spec, payload: JSON.parse(payload) } };
  }

  /** Writes what was gathered. */
  write(): void {
    if (this.#changed.size === 0) return;
    for (const { record, before } of this.#changed.values()) {
      this.#ended += ended(record) - (before ? ended(before) : 0);
    }
    const rows = this.#histories.write(this.#ended);
    for (const changed of this.#changed.values()) {
      const { record } = changed;
      writeEvent(this.#sql, changed, rows.get(record.enq));
      if (isTerminal(record.state)) this.#cache.delete(record);
    }
    this.#forget();
  }

  /** Forgets what was gathered, and what was remembered: it is not in the database. Its numbers are not given again. */
  discard(): void {
    this.#forget();
    this.#cache.clear();
    this.#ended = readCounters(this.#sql).ended;
  }

  /** Removes ended events, and leaves a tombstone of each; returns how many. */
  sweep(sweep: Sweep): number {
    this.write();
    const tooMany = Math.max(0, this.#ended - sweep.finishedMax);
    const removed = sweepRows(this.#sql, { ...sweep, tooMany });
    for (const record of removed) this.#cache.delete(record);
    this.#ended -= removed.length;
    const { change } = this.#histories;
    writeCounters(this.#sql, { enq: this.#enq, change, ended: this.#ended });
    return removed.length;
  }

  #forget(): void {
    this.#changed.clear();
    this.#keys.clear();
    this.#histories.forget();
  }

  /** What has the id, or the idempotency key, of a new event. */
  #taken(tenant: string, event: NewEvent): Creation | undefined {
    const { id } = event.spec;
    const key = event.idempotencyKey ?? id;
    const gathered = this.#cache.get(tenant, id) ??
      this.#keys.get(`${tenant}\n${key}`);
    if (gathered) return { created: false, record: gathered };
    // An event without a key of its own has its id as key.
    const named = key === id ? undefined : this.#cache.get(tenant, key);
    if (named && named.idempotencyKey === undefined) {
      return { created: false, record: named };
    }
    const { isTaken } = this.#sql;
    const maybe = isTaken.get(tenant, id) !== undefined ||
      key !== id && isTaken.get(tenant, key) !== undefined;
    return maybe ? this.#takenByRow(tenant, id, key) : undefined;
  }

  #takenByRow(tenant: string, id: string, key: string): Creation | undefined {
    const { getEvent, getEventByKey, getTombstone, getTombstoneByKey } =
      this.#sql;
    const row = getEvent.get(tenant, id) ?? getEventByKey.get(tenant, key) ??
      unkeyed(getEvent.get(tenant, key));
    if (row) return { created: false, record: readEventRow(row) };
    const left = getTombstone.get(tenant, id) ??
      getTombstoneByKey.get(tenant, key) ??
      unkeyed(getTombstone.get(tenant, key));
    return left && { created: false, tombstone: readTombstoneRow(left) };
  }
}

function ended({ state }: EventRecord): 0 | 1 {
  return isTerminal(state) ? 1 : 0;
}

function unkeyed<T extends { readonly idempotency_key?: unknown }>(
  row: T | undefined,
): T | undefined {
  return row?.idempotency_key === null ? row : undefined;
}
