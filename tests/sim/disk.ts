import { TransporterError } from "@transporter/sdk";
import type { JournalFile } from "../../agent/journal.ts";
import type { Process } from "./machine.ts";
import type { Random } from "./random.ts";

/** How a disk is doing. */
export interface DiskState {
  /** Milliseconds that a write into the cache takes, on average. */
  writeMs: number;
  /** Milliseconds that a sync takes, on average. */
  syncMs: number;
}

/** What a disk is like that has no trouble. */
export const HEALTHY: Readonly<DiskState> = {
  writeMs: 0.1,
  syncMs: 2,
};

/** Room that can be set aside, in bytes. */
const RESERVE_BYTES = 64 * 1024;

/**
 * The disk of an agent, with one file on it. What is written is in the cache
 * first, which the death of a process does no harm; it is on the platter once
 * it is synced, which a loss of power does no harm. Of what is only in the
 * cache, a loss of power leaves a beginning.
 */
export class Disk {
  /** How it is doing. */
  readonly state: DiskState = { ...HEALTHY };
  readonly #random: Random;
  /** What a process finds; its bytes never change, there are more behind it, or a new one instead. */
  #cache: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** Where there is room behind the cache that nobody else has. */
  #buffer: ArrayBuffer | undefined;
  /** What a loss of power leaves. */
  #platter: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** What another file has become that is about to take this one's place. */
  #renamed: Uint8Array<ArrayBuffer> | undefined;
  /** How much more goes on it, in bytes. */
  #room = Infinity;
  #reserved = false;

  /** Makes an empty one. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** What a process finds. */
  read(): Uint8Array {
    return this.#cache.slice();
  }

  /** Lets another program take all the room, or give it back. */
  fill(full: boolean): void {
    this.#room = full ? 0 : Infinity;
  }

  /** Sets room aside, or gives it up; returns whether it is set aside. */
  reserve(wanted: boolean): boolean {
    if (wanted && this.#room >= RESERVE_BYTES) this.#reserved = true;
    if (!wanted && this.#reserved) {
      this.#reserved = false;
      this.#room += RESERVE_BYTES;
    }
    return this.#reserved;
  }

  /**
   * Puts bytes at an offset, where the file ends then, into the cache.
   *
   * @throws {TransporterError} `disk_full`; some of them may be there then.
   */
  write(bytes: Uint8Array, at: number): void {
    const kept = bytes.subarray(0, Math.min(bytes.length, this.#room));
    this.#room -= kept.length;
    if (at !== this.#cache.length || !this.#extend(kept)) this.#move(at, kept);
    this.#platter = this.#platter.subarray(0, at);
    if (kept.length < bytes.length) throw noRoom();
  }

  /** Puts bytes behind the cache; returns whether there is room. */
  #extend(bytes: Uint8Array): boolean {
    const { buffer, length } = this.#cache;
    const end = length + bytes.length;
    if (buffer !== this.#buffer || end > buffer.byteLength) return false;
    this.#cache = new Uint8Array(buffer, 0, end);
    this.#cache.set(bytes, length);
    return true;
  }

  /** Moves the beginning of the cache to where there is room, and puts bytes behind it. */
  #move(upto: number, bytes: Uint8Array): void {
    const before = this.#cache.subarray(0, upto);
    const end = before.length + bytes.length;
    const buffer = this.#buffer = new ArrayBuffer(2 * end);
    this.#cache = new Uint8Array(buffer, 0, end);
    this.#cache.set(before);
    this.#cache.set(bytes, before.length);
  }

  /**
   * Puts another content in its place, in the cache.
   *
   * @throws {TransporterError} `disk_full`; it is as it was then.
   */
  rename(bytes: Uint8Array): void {
    if (this.#room < bytes.length) throw noRoom();
    this.#renamed = this.#cache = new Uint8Array(bytes);
  }

  /** Makes what was in the cache at some moment safe. */
  sync(upto: number = this.#cache.length): void {
    if (this.#renamed !== undefined) this.#platter = this.#renamed;
    this.#renamed = undefined;
    if (upto <= this.#platter.length) return;
    this.#platter = this.#cache.subarray(0, upto);
  }

  /** How much is in the cache. */
  get length(): number {
    return this.#cache.length;
  }

  /** Loses what is not on the platter, but for some beginning of it. */
  losePower(): void {
    const { length } = this.#platter;
    if (this.#renamed !== undefined) {
      if (this.#random.chance(0.5)) this.#platter = this.#renamed;
      this.#renamed = undefined;
    } else if (this.#cache.length > length) {
      const kept = this.#random.int(length, this.#cache.length);
      const torn = this.#cache.slice(0, kept);
      // Some file systems know the length before they have the bytes.
      const zeros = this.#random.chance(0.3) ? this.#cache.length - kept : 0;
      this.#platter = joined(torn, new Uint8Array(zeros));
    }
    this.#cache = this.#platter;
  }

  /** Removes the file. */
  wipe(): void {
    this.#cache = this.#platter = new Uint8Array();
    this.#renamed = undefined;
  }
}

function joined(
  a: Uint8Array,
  b: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function noRoom(): TransporterError {
  return new TransporterError(
    "disk_full",
    "Cannot write as there is no space left",
  );
}

/** The journal of an agent on such a disk, as one of its processes uses it. */
export class SimulatedJournal implements JournalFile {
  readonly #disk: Disk;
  readonly #process: Process;

  /** Opens the file for a process. */
  constructor(disk: Disk, process: Process) {
    this.#disk = disk;
    this.#process = process;
  }

  async read(): Promise<Uint8Array> {
    await this.#wait(this.#disk.state.writeMs);
    return this.#disk.read();
  }

  async append(bytes: Uint8Array, at: number): Promise<void> {
    if (!this.#process.alive) {
      throw new TypeError("A process that is dead writes nothing");
    }
    // In two pieces, so that a process may die between them.
    const half = this.#process.random.int(0, bytes.length);
    this.#disk.write(bytes.subarray(0, half), at);
    await this.#wait(this.#disk.state.writeMs);
    this.#disk.write(bytes.subarray(half), at + half);
    const { length } = this.#disk;
    await this.#wait(this.#disk.state.syncMs);
    this.#disk.sync(length);
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.#wait(this.#disk.state.syncMs);
    this.#disk.rename(bytes);
    await this.#wait(this.#disk.state.syncMs);
    this.#disk.sync();
  }

  async reserve(wanted: boolean): Promise<boolean> {
    await this.#wait(this.#disk.state.syncMs);
    return this.#disk.reserve(wanted);
  }

  backup(): Promise<void> {
    return Promise.reject(
      new TypeError("There is no older version in a simulation"),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #wait(meanMs: number): Promise<void> {
    const { random } = this.#process;
    await new Promise<void>((resolve) =>
      this.#process.after(random.exponential(meanMs), "disk", resolve)
    );
  }
}
