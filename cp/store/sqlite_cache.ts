import type { EventRecord } from "./store.ts";

interface Cached {
  readonly record: EventRecord;
  /** Of an event that came in through this process and was not released yet. */
  readonly payload: string | undefined;
}

/** Bytes that are kept, counted as JSON; in memory they take a few times as much. */
const BYTES_MAX = 32 * 1024 * 1024;

/** What a record takes besides what was asked, in bytes. */
const RECORD_BYTES = 500;

/** The most that is counted of what was asked without its payload, in bytes. */
const HEAD_BYTES_MAX = 64 * 1024;

/**
 * The events that are being worked on, so that a status needs no look into the
 * database. Those that came first are dropped first, and come back when they
 * change. (Moving each to the end when it changes would wear out the map: each
 * table that it leaves behind holds on to all records that it had.)
 */
export class EventCache {
  /** By `enq`. */
  readonly #entries = new Map<number, Cached>();
  /** Each `enq`, by tenant and id. */
  readonly #ids = new Map<string, number>();
  readonly #bytesMax: number;
  #bytes = 0;

  /** Makes an empty cache. */
  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The record of an event; `undefined` when the database has to be asked. */
  get(tenant: string, id: string): EventRecord | undefined {
    const enq = this.#ids.get(key(tenant, id));
    return enq === undefined ? undefined : this.getByEnq(enq);
  }

  /** The same, by its place in the order of acceptance. */
  getByEnq(enq: number): EventRecord | undefined {
    return this.#entries.get(enq)?.record;
  }

  /** The payload of an event as JSON, which is kept until it was asked for once; `undefined` when the database has to be asked. */
  takePayload(record: EventRecord): string | undefined {
    const payload = this.#entries.get(record.enq)?.payload;
    if (payload !== undefined) this.#put(record, undefined);
    return payload;
  }

  /** Keeps a new record, with its payload, or one that changed. */
  set(record: EventRecord, payload?: string): void {
    this.#put(record, payload ?? this.#entries.get(record.enq)?.payload);
    if (this.#bytes <= this.#bytesMax) return;
    for (const { record: oldest } of this.#entries.values()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.delete(oldest);
    }
  }

  /** Forgets an event. */
  delete({ tenant, enq, spec: { id } }: EventRecord): void {
    const known = this.#entries.get(enq);
    if (known === undefined) return;
    this.#bytes -= bytesOf(known);
    this.#entries.delete(enq);
    this.#ids.delete(key(tenant, id));
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    this.#ids.clear();
    this.#bytes = 0;
  }

  #put(record: EventRecord, payload: string | undefined): void {
    const known = this.#entries.get(record.enq);
    if (known === undefined) {
      this.#ids.set(key(record.tenant, record.spec.id), record.enq);
    } else {
      this.#bytes -= bytesOf(known);
    }
    const cached = { record, payload };
    this.#entries.set(record.enq, cached);
    this.#bytes += bytesOf(cached);
  }
}

/** What is counted of an object that an event works on, in bytes. */
const PROGRESS_BYTES = 300;

function bytesOf({ record: { bytes, notes }, payload }: Cached): number {
  const objects = notes.progress?.objects.length ?? 0;
  return RECORD_BYTES + objects * PROGRESS_BYTES +
    (payload === undefined ? Math.min(bytes, HEAD_BYTES_MAX) : bytes);
}

/** A tenant has no line break. */
function key(tenant: string, id: string): string {
  return `${tenant}\n${id}`;
}
