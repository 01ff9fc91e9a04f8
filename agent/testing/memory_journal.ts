import type { JournalFile } from "../journal.ts";

/**
 * A journal in memory, for tests: what is here is what a disk would have after
 * a power loss. Any number of journals may be opened on it, one after the other.
 */
export class MemoryJournal implements JournalFile {
  /** What is durable. */
  bytes: Uint8Array<ArrayBuffer>;
  /** How many writes were made durable. */
  syncs = 0;
  /** While it is set, writes wait for it; a rejection fails them. */
  gate: Promise<void> | undefined;

  /** Makes a journal of what another one left behind, or an empty one. */
  constructor(left?: MemoryJournal) {
    this.bytes = left === undefined ? new Uint8Array() : left.bytes.slice();
  }

  read(): Promise<Uint8Array> {
    return Promise.resolve(this.bytes.slice());
  }

  async append(bytes: Uint8Array): Promise<void> {
    const { bytes: before } = this;
    await this.gate;
    this.bytes = new Uint8Array(before.length + bytes.length);
    this.bytes.set(before);
    this.bytes.set(bytes, before.length);
    this.syncs++;
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.gate;
    this.bytes = new Uint8Array(bytes);
    this.syncs++;
  }

  /** Nothing to release. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
