import type { Versioned } from "./redis_rows.ts";

/** Bytes that are kept, counted as JSON; in memory they take a few times as much. */
const BYTES_MAX = 32 * 1024 * 1024;

/** What a record takes besides what was asked, in bytes. */
const RECORD_BYTES = 500;

/** The most that is counted of what was asked without its payload, in bytes. */
const HEAD_BYTES_MAX = 64 * 1024;

/** What is counted of an object that an event works on, in bytes. */
const PROGRESS_BYTES = 300;

interface Kept extends Versioned {
  readonly bytes: number;
}

/**
 * What events were when this process last saw them, so that a change needs one
 * way to Redis and not two. Anybody may have changed them since: who uses a
 * record of here has Redis compare its version, and reads nothing to anybody
 * from it.
 */
export class RecordCache {
  /** By the key of the event, those that came last at the end. */
  readonly #kept = new Map<string, Kept>();
  readonly #bytesMax: number;
  #bytes = 0;

  /** Makes an empty cache. */
  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** What an event was. */
  get(key: string): Versioned | undefined {
    return this.#kept.get(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  /** Notes what an event is now; `undefined` forgets it. */
  set(key: string, seen: Versioned | undefined): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    if (seen === undefined) {
      this.#kept.delete(key);
      return;
    }
    const bytes = bytesOf(seen);
    this.#kept.set(key, { ...seen, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#bytes -= bytes;
      this.#kept.delete(oldest);
    }
  }
}

function bytesOf({ record }: Versioned): number {
  const objects = record.notes.progress?.objects.length ?? 0;
  return RECORD_BYTES + objects * PROGRESS_BYTES +
    Math.min(record.bytes, HEAD_BYTES_MAX);
}
