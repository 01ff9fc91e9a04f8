import { TransporterError } from "@transporter/sdk";
import type { JournalFile } from "../journal.ts";

/** Room set aside in a journal whose disk has an end, in bytes. */
export const RESERVE_BYTES = 10_000;

function noRoom(): TransporterError {
  return new TransporterError("disk_full", "Cannot write: no space left");
}

/**
 * A journal in memory, for tests: what is here is what a disk would have after
 * a power loss. Any number of journals may be opened on it, one after the other.
 */
export class MemoryJournal implements JournalFile {
  /** What is durable, and room to grow. */
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #length = 0;
  /** How many writes were made durable. */
  syncs = 0;
  /** How many bytes the disk has for this journal, its reserve, and a copy while that is written. */
  capacity = Infinity;
  /** Whether room is set aside. */
  reserved = false;
  /** Copies of older versions. */
  readonly backups: Map<number, Uint8Array> = new Map();
  /** While it is set, writes wait for it; a rejection fails them. */
  gate: Promise<void> | undefined;

  /** Makes a journal of what another one left behind, or an empty one. */
  constructor(left?: MemoryJournal) {
    if (left !== undefined) this.bytes = left.bytes;
  }

  /** What is durable. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Puts something else in its place, as no journal does. */
  set bytes(bytes: Uint8Array) {
    this.#buffer = new Uint8Array(bytes);
    this.#length = bytes.length;
  }

  read(): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.slice());
  }

  async append(bytes: Uint8Array, at: number): Promise<void> {
    await this.gate;
    const room = this.#room() + this.bytes.length - at;
    const written = bytes.subarray(0, Math.max(0, room));
    this.#length = at + written.length;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#buffer.set(written, at);
    if (written.length < bytes.length) throw noRoom();
    this.syncs++;
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.gate;
    if (bytes.length > this.#room()) throw noRoom();
    this.bytes = new Uint8Array(bytes);
    this.syncs++;
  }

  reserve(wanted: boolean): Promise<boolean> {
    this.reserved = wanted && (this.reserved || this.#room() >= RESERVE_BYTES);
    return Promise.resolve(this.reserved);
  }

  backup(version: number): Promise<void> {
    this.backups.set(version, this.bytes.slice());
    return Promise.resolve();
  }

  #room(): number {
    return this.capacity - this.bytes.length -
      (this.reserved ? RESERVE_BYTES : 0);
  }

  /** Nothing to release. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
