import { type Clock, type Logger, TransporterError } from "@transporter/sdk";
import type { JournalFile } from "./journal.ts";
import { CHAIN_START, encodeLine, journalHeader } from "./journal_format.ts";
import type { JournalRecord } from "./journal_record.ts";
import type { JournalState } from "./journal_state.ts";

/** Where a journal on disk ends, and what the next line is chained to. */
export interface JournalTail {
  /** How long it is, in bytes; what follows is torn, and gives way. */
  readonly end: number;
  /** The chain after its last line. */
  readonly chain: string;
}

/** Options of {@linkcode JournalWriter}. */
export interface JournalWriterOptions {
  /** The driver. */
  readonly file: JournalFile;
  /** What the records add up to. */
  readonly state: JournalState;
  /** The version that is written. */
  readonly version: number;
  /** How long the journal should be at most, in bytes. */
  readonly bytesMax: number;
  /** What can be forgotten is, before the journal is written anew. */
  readonly purge: () => void;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** A journal shorter than this is left alone, in bytes. */
const COMPACT_BYTES_MIN = 1024 * 1024;

/** How long to wait before a full disk is tried again, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * Puts records on disk, in groups that share an fsync, and keeps the file
 * short. While the disk is full it waits with what it has in hand: nothing of
 * that is lost, and nothing is told of it, until there is room again.
 */
export class JournalWriter {
  readonly #options: JournalWriterOptions;
  readonly #failed = Promise.withResolvers<TransporterError>();
  readonly #closing = new AbortController();
  #chain = CHAIN_START;
  #bytes = 0;
  /** How long the file may grow before it is written anew. */
  #compactAt = 0;
  #compactWanted = false;
  #waiting: JournalRecord[] = [];
  #group: PromiseWithResolvers<void> | undefined;
  #durable: Promise<void> = Promise.resolve();
  #writing: Promise<void> | undefined;
  #sent = 0;
  #full: TransporterError | undefined;
  #refillWanted = false;
  #over: TransporterError | undefined;

  /** Resolves, never rejects, when nothing can be written any more. */
  readonly failed: Promise<TransporterError> = this.#failed.promise;

  /** Makes a writer; `begin` comes before everything else. */
  constructor(options: JournalWriterOptions) {
    this.#options = options;
  }

  /** How long the file is. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Why nothing but ends should be written: the disk is full, or was a moment ago. */
  get full(): TransporterError | undefined {
    return this.#full;
  }

  /**
   * Writes what is known anew in its shortest form. When there is no room for
   * that, what is there is made durable instead, without what is torn.
   *
   * @param tail What is there; `undefined` when it cannot be written on.
   * @throws {TransporterError} What the driver says.
   */
  async begin(tail: JournalTail | undefined): Promise<void> {
    const { file } = this.#options;
    try {
      await this.#compact();
    } catch (reason) {
      const error = TransporterError.from(reason);
      if (error.code !== "disk_full" || tail === undefined) throw error;
      this.#chain = tail.chain;
      this.#bytes = tail.end;
      this.#compactAt = tail.end + COMPACT_BYTES_MIN;
      await file.append(new Uint8Array(), tail.end);
      this.#tookReserve(error);
      return;
    }
    if (!await file.reserve(true)) this.#tookReserve(noRoom());
  }

  /** Takes a record into account, and adds it to the next group; what it returns resolves when that is durable. */
  add(record: JournalRecord): Promise<void> {
    if (this.#over !== undefined) return refusal(this.#over);
    this.#options.state.apply(record);
    this.#waiting.push(record);
    this.#group ??= Promise.withResolvers();
    this.#durable = this.#group.promise;
    this.#durable.catch(() => {}); // whoever waits for it hears of it, and so does `failed`
    this.#go();
    return this.#durable;
  }

  /** Resolves when all that was added so far is durable. */
  durable(): Promise<void> {
    return this.#durable;
  }

  /** Writes the file anew soon, as it has become shorter. */
  compactSoon(): void {
    this.#compactWanted = true;
    this.#go();
  }

  /** Writes what is left; what a full disk keeps from being written is refused. Nothing can be added any more. */
  async close(): Promise<void> {
    if (this.#sent < this.#options.state.sentUpto && this.#over === undefined) {
      this.add({ sent: { upto: this.#options.state.sentUpto } });
    }
    this.#closing.abort();
    await this.#writing;
    this.#over ??= new TransporterError(
      "store_unavailable",
      "Cannot write the journal as it is closed",
    );
  }

  #go(): void {
    this.#writing ??= this.#work();
  }

  /** Does one thing after the other until nothing is to be done: the driver takes one call at a time. */
  async #work(): Promise<void> {
    await Promise.resolve(); // the rest of this turn belongs to the first group
    try {
      while (this.#over === undefined) {
        if (this.#compactWanted || this.#bytes >= this.#compactAt) {
          await this.#compactIfRoom();
        } else if (this.#refillWanted) await this.#refill();
        else if (this.#group !== undefined) await this.#writeGroup(this.#group);
        else break;
      }
    } catch (reason) {
      this.#fail(TransporterError.from(reason));
    }
    this.#writing = undefined;
  }

  async #writeGroup(group: PromiseWithResolvers<void>): Promise<void> {
    const records = this.#waiting;
    const upto = this.#options.state.sentUpto;
    this.#group = undefined;
    this.#waiting = [];
    const line = encodeLine(
      upto > this.#sent ? [...records, { sent: { upto } }] : records,
      this.#chain,
    );
    try {
      await this.#append(line.bytes);
    } catch (reason) {
      return this.#fail(TransporterError.from(reason), group);
    }
    this.#chain = line.chain;
    this.#bytes += line.bytes.length;
    this.#sent = upto;
    group.resolve();
  }

  /** Appends, however long the disk is full: then with the room that was set aside, and with what others free. */
  async #append(bytes: Uint8Array): Promise<void> {
    const { file, clock } = this.#options;
    while (true) {
      try {
        return await file.append(bytes, this.#bytes);
      } catch (reason) {
        const error = TransporterError.from(reason);
        if (error.code !== "disk_full") throw error;
        if (this.#full === undefined) {
          this.#tookReserve(error);
          await file.reserve(false);
          continue;
        }
        const { signal } = this.#closing;
        if (signal.aborted) throw error;
        await clock.sleep(RETRY_MS, { signal }).catch(() => {
          throw error;
        });
      }
    }
  }

  /** Nothing but ends should be written from here on, until there is room again, which is looked for now and then. */
  #tookReserve(error: TransporterError): void {
    const { log } = this.#options;
    if (this.#full === undefined) {
      log.error("The disk is full: no new events are taken", { error });
    }
    this.#full = error;
    this.#refillLater();
  }

  #refillLater(): void {
    const { clock } = this.#options;
    clock.sleep(RETRY_MS, { signal: this.#closing.signal }).then(() => {
      this.#refillWanted = true;
      this.#go();
    }, () => {}); // closed
  }

  async #refill(): Promise<void> {
    const { file, log } = this.#options;
    this.#refillWanted = false;
    if (!await file.reserve(true)) return this.#refillLater();
    this.#full = undefined;
    log.info("The disk has room again: new events are taken");
  }

  async #compactIfRoom(): Promise<void> {
    this.#compactWanted = false;
    try {
      this.#options.purge();
      await this.#compact();
    } catch (reason) {
      const error = TransporterError.from(reason);
      if (error.code !== "disk_full") throw error;
      // The file goes on as it is. Trying again with each group would take all the time there is.
      this.#compactAt = this.#bytes + COMPACT_BYTES_MIN;
      if (this.#full === undefined) this.#tookReserve(error);
    }
  }

  /** What is noted meanwhile is in the snapshot, and appended to it again, which changes nothing. */
  async #compact(): Promise<void> {
    const { file, state, version, bytesMax } = this.#options;
    const header = journalHeader(version);
    const upto = state.sentUpto;
    const line = encodeLine(state.snapshot(), CHAIN_START);
    const bytes = new Uint8Array(header.length + line.bytes.length);
    bytes.set(header);
    bytes.set(line.bytes, header.length);
    await file.replace(bytes);
    this.#chain = line.chain;
    this.#bytes = bytes.length;
    this.#sent = upto;
    // Twice what is needed, but a journal that is too long as soon as that makes it shorter.
    this.#compactAt = Math.min(
      Math.max(COMPACT_BYTES_MIN, 2 * this.#bytes),
      Math.max(roomOf(bytesMax), 1.25 * this.#bytes),
    );
  }

  /** After a failed write nobody knows what is on the disk: only opening it again can tell. */
  #fail(error: TransporterError, group?: PromiseWithResolvers<void>): void {
    this.#over = error;
    this.#durable = refusal(error);
    group?.reject(error);
    this.#group?.reject(error);
    this.#group = undefined;
    this.#waiting = [];
    this.#failed.resolve(error);
  }
}

/** How long a journal may be before nothing new is noted in it, in bytes: the last quarter is for ends. */
export function roomOf(bytesMax: number): number {
  return bytesMax * 3 / 4;
}

function noRoom(): TransporterError {
  return new TransporterError(
    "disk_full",
    "Cannot set room aside for the ends of events as the disk is full",
  );
}

/** A rejection that need not be heard: `failed` tells of it too. */
function refusal(error: TransporterError): Promise<never> {
  const refused = Promise.reject(error);
  refused.catch(() => {});
  return refused;
}
