import { type EventStatus, type Ids, TransporterError } from "@transporter/sdk";
import {
  CHAIN_START,
  encodeLine,
  journalHeader,
  readJournal,
} from "./journal_format.ts";
import {
  type JournalArrival,
  type JournalEntry,
  type JournalMeta,
  type JournalRecord,
  JournalState,
} from "./journal_state.ts";

/** The driver under a {@linkcode Journal}: one file, of which nobody else knows. One call at a time. */
export interface JournalFile extends AsyncDisposable {
  /** Returns all of it; nothing when it is not there yet. */
  read(): Promise<Uint8Array>;
  /** Adds to its end; resolves when that is durable. */
  append(bytes: Uint8Array): Promise<void>;
  /** Puts something else in its place, as one durable step. */
  replace(bytes: Uint8Array): Promise<void>;
}

/** Options of {@linkcode Journal.open}. */
export interface JournalOptions {
  /** Whose journal it is; another agent's is refused. */
  readonly agent: string;
  /** Names a new journal. */
  readonly ids: Ids;
}

/** A journal shorter than this is left alone, in bytes. */
const COMPACT_BYTES_MIN = 1024 * 1024;

/**
 * What the agent has to know after a restart: which attempts arrived, were
 * begun and ended, and which ends the control plane does not have yet.
 *
 * What is appended in one turn shares one fsync, and so does what is appended
 * while another fsync runs. What a method returns resolves when its record is
 * durable; what the journal says of an event changes at once.
 */
export class Journal implements AsyncDisposable {
  readonly #file: JournalFile;
  readonly #state: JournalState;
  readonly #failed = Promise.withResolvers<TransporterError>();
  #chain = CHAIN_START;
  #bytes = 0;
  /** How long the journal was after it was last compacted. */
  #bytesCompact = 0;
  #waiting: JournalRecord[] = [];
  #group: PromiseWithResolvers<void> | undefined;
  #durable: Promise<void> = Promise.resolve();
  #writing: Promise<void> | undefined;
  #sent = 0;
  #purge: (() => void) | undefined;
  #over: TransporterError | undefined;

  /** Resolves, never rejects, when the journal cannot be written any more; nothing may be started then. */
  readonly failed: Promise<TransporterError> = this.#failed.promise;

  /** Made by {@linkcode Journal.open}. */
  constructor(file: JournalFile, state: JournalState) {
    this.#file = file;
    this.#state = state;
  }

  /**
   * Reads the journal and verifies it, or starts one. A torn tail is left out,
   * and the journal is written anew in its shortest form.
   *
   * @param file Where it is; disposed with the journal.
   * @param options Whose it is.
   * @throws {TransporterError} `store_unavailable` when it is damaged, of a newer version, another
   * agent's, or cannot be read or written.
   */
  static async open(
    file: JournalFile,
    options: JournalOptions,
  ): Promise<Journal> {
    const state = new JournalState();
    const bytes = await file.read();
    if (bytes.length === 0) {
      state.apply({
        meta: { instance: options.ids.next(), agent: options.agent },
      });
    } else {
      for (const record of readJournal(bytes)) state.apply(record);
    }
    const { agent } = metaOf(state);
    if (agent !== options.agent) {
      throw new TransporterError(
        "store_unavailable",
        `Cannot use the journal of agent "${agent}" for agent "${options.agent}": ` +
          "give each agent a data folder of its own",
      );
    }
    const journal = new Journal(file, state);
    // Drops a torn tail. What the last process wrote may not have reached the disk before it died:
    // from here on all that was read is durable.
    await journal.#compact();
    return journal;
  }

  /** The agent, its journal and its stream. */
  get meta(): JournalMeta {
    return metaOf(this.#state);
  }

  /** How long the file is. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns what is known of an event. */
  get(id: string): JournalEntry | undefined {
    return this.#state.entries.get(id);
  }

  /** Every event that is remembered, in order of arrival. */
  entries(): Iterable<JournalEntry> {
    return this.#state.entries.values();
  }

  /** Notes that an attempt arrived. */
  arrive(arrival: JournalArrival): Promise<void> {
    return this.#append({ in: arrival });
  }

  /** Notes that an attempt is about to be started; it must not be before this resolves. */
  begin(id: string, attempt: number): Promise<void> {
    return this.#append({ try: { id, attempt } });
  }

  /** Notes the last status of an attempt, and its number. */
  finish(status: EventStatus, sid: number): Promise<void> {
    const { event_id: id, attempt = 1 } = status;
    return this.#append({ fin: { id, attempt, sid, status } });
  }

  /** Notes another number for the last status of an attempt. Need not be waited for. */
  renumber(
    { event_id: id, attempt = 1 }: EventStatus,
    sid: number,
  ): Promise<void> {
    return this.#append({ num: { id, attempt, sid } });
  }

  /** Notes that the control plane has all statuses up to one; durable with whatever is written next. */
  sent(upto: number): void {
    this.#state.apply({ sent: { upto } });
  }

  /** Resolves when all that was noted so far is durable. */
  durable(): Promise<void> {
    return this.#durable;
  }

  /**
   * Forgets ids that nobody can send again, now and whenever the journal is compacted.
   *
   * @param now The time of day at the control plane, in milliseconds since 1970.
   * @param held Whether an event is in hand in this process.
   */
  keepPurged(now: () => number, held: (id: string) => boolean): void {
    this.#purge = () => this.#state.purge(now(), held);
    this.#purge();
  }

  /** Writes what is left and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sent < this.#state.sentUpto && this.#over === undefined) {
      this.#append({ sent: { upto: this.#state.sentUpto } });
    }
    await this.#writing;
    this.#over ??= new TransporterError(
      "store_unavailable",
      "Cannot write the journal as it is closed",
    );
    await this.#file[Symbol.asyncDispose]();
  }

  #append(record: JournalRecord): Promise<void> {
    if (this.#over !== undefined) return refusal(this.#over);
    this.#state.apply(record);
    this.#waiting.push(record);
    this.#group ??= Promise.withResolvers();
    this.#durable = this.#group.promise;
    this.#durable.catch(() => {}); // whoever waits for it hears of it, and so does `failed`
    this.#writing ??= this.#write();
    return this.#durable;
  }

  /** Writes one group after the other until none waits. */
  async #write(): Promise<void> {
    await Promise.resolve(); // the rest of this turn belongs to the first group
    while (this.#group !== undefined) {
      const [group, records] = [this.#group, this.#waiting];
      this.#group = undefined;
      this.#waiting = [];
      try {
        await this.#writeGroup(records);
        group.resolve();
        if (
          this.#bytes >= Math.max(COMPACT_BYTES_MIN, 2 * this.#bytesCompact)
        ) {
          this.#purge?.();
          await this.#compact();
        }
      } catch (reason) {
        this.#fail(TransporterError.from(reason), group);
      }
    }
    this.#writing = undefined;
  }

  async #writeGroup(records: readonly JournalRecord[]): Promise<void> {
    const upto = this.#state.sentUpto;
    const line = encodeLine(
      upto > this.#sent ? [...records, { sent: { upto } }] : records,
      this.#chain,
    );
    await this.#file.append(line.bytes);
    this.#chain = line.chain;
    this.#bytes += line.bytes.length;
    this.#sent = upto;
  }

  /** After a failed write nobody knows what is on the disk: only opening it again can tell. */
  #fail(error: TransporterError, group: PromiseWithResolvers<void>): void {
    this.#over = error;
    this.#durable = refusal(error);
    group.reject(error);
    this.#group?.reject(error);
    this.#group = undefined;
    this.#waiting = [];
    this.#failed.resolve(error);
  }

  /** What is noted meanwhile is in the snapshot, and appended to it again, which changes nothing. */
  async #compact(): Promise<void> {
    const header = journalHeader();
    const upto = this.#state.sentUpto;
    const line = encodeLine(this.#state.snapshot(), CHAIN_START);
    const bytes = new Uint8Array(header.length + line.bytes.length);
    bytes.set(header);
    bytes.set(line.bytes, header.length);
    await this.#file.replace(bytes);
    this.#chain = line.chain;
    this.#bytes = this.#bytesCompact = bytes.length;
    this.#sent = upto;
  }
}

function metaOf(state: JournalState): JournalMeta {
  if (state.meta === undefined) {
    throw new TransporterError(
      "store_unavailable",
      "Cannot use the journal as it does not say whose it is: remove it",
    );
  }
  return state.meta;
}

/** A rejection that need not be heard: `failed` tells of it too. */
function refusal(error: TransporterError): Promise<never> {
  const refused = Promise.reject(error);
  refused.catch(() => {});
  return refused;
}
