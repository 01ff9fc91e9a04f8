import {
  type Clock,
  type EventStatus,
  type Ids,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import { readJournal } from "./journal_format.ts";
import {
  JOURNAL_SCHEMA,
  type JournalSchema,
  migrate,
} from "./journal_schema.ts";
import type {
  JournalApplied,
  JournalArrival,
  JournalEntry,
  JournalMeta,
  JournalRecord,
} from "./journal_record.ts";
import { JournalState } from "./journal_state.ts";
import { JournalWriter, roomOf } from "./journal_writer.ts";

/** The driver under a {@linkcode Journal}: one file, of which nobody else knows. One call at a time. */
export interface JournalFile extends AsyncDisposable {
  /** Returns all of it; nothing when it is not there yet. */
  read(): Promise<Uint8Array>;
  /**
   * Writes at an offset, which is where the file ends or where something torn
   * begins, and then ends there; resolves when that is durable.
   *
   * @throws {TransporterError} `disk_full` when there is no room: then the same may be tried again.
   * After any other error nobody knows what is on the disk.
   */
  append(bytes: Uint8Array, at: number): Promise<void>;
  /**
   * Puts something else in its place, as one durable step.
   *
   * @throws {TransporterError} `disk_full` when there is no room: then it is as it was.
   */
  replace(bytes: Uint8Array): Promise<void>;
  /** Sets room aside on the disk, or gives it up; resolves with whether it is set aside now. */
  reserve(wanted: boolean): Promise<boolean>;
  /** Keeps a durable copy of it beside it, which names the version. */
  backup(version: number): Promise<void>;
}

/** Options of {@linkcode Journal.open}. */
export interface JournalOptions {
  /** Whose journal it is; another agent's is refused. */
  readonly agent: string;
  /** Names a new journal. */
  readonly ids: Ids;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
  /** How long it should be at most, in bytes; by default as long as the disk has room. */
  readonly bytesMax?: number;
  /** The format; another one than this program's is for tests. */
  readonly schema?: JournalSchema;
}

/** When an event that was refused for want of room may be sent again. */
const LATER = { retry_after_ms: 10_000 };

/**
 * What the agent has to know after a restart: which attempts arrived, were
 * begun and ended, and which ends the control plane does not have yet.
 *
 * What is appended in one turn shares one fsync, and so does what is appended
 * while another fsync runs. What a method returns resolves when its record is
 * durable; what the journal says of an event changes at once. While the disk is
 * full, it resolves later.
 */
export class Journal implements AsyncDisposable {
  readonly #file: JournalFile;
  readonly #state: JournalState;
  readonly #writer: JournalWriter;
  readonly #bytesMax: number;
  #purge: (() => number) | undefined;

  /** Resolves, never rejects, when the journal cannot be written any more; nothing may be started then. */
  readonly failed: Promise<TransporterError>;

  /** Made by {@linkcode Journal.open}. */
  constructor(file: JournalFile, state: JournalState, options: JournalOptions) {
    const { bytesMax = Infinity, schema = JOURNAL_SCHEMA, clock, log } =
      options;
    this.#file = file;
    this.#state = state;
    this.#bytesMax = bytesMax;
    this.#writer = new JournalWriter({
      file,
      state,
      version: schema.version,
      bytesMax,
      purge: () => this.#purge?.(),
      clock,
      log,
    });
    this.failed = this.#writer.failed;
  }

  /**
   * Reads the journal and verifies it, or starts one. A torn tail is left out,
   * and the journal is written anew in its shortest form. Of one that an older
   * version wrote, a copy is kept.
   *
   * @param file Where it is; disposed with the journal.
   * @param options Whose it is, and how it is kept.
   * @throws {TransporterError} `store_unavailable` when it is damaged, of a newer version, another
   * agent's, or cannot be read or written; `disk_full` when there is no room for a new one.
   */
  static async open(
    file: JournalFile,
    options: JournalOptions,
  ): Promise<Journal> {
    const { schema = JOURNAL_SCHEMA, agent, ids } = options;
    const state = new JournalState();
    const bytes = await file.read();
    const content = bytes.length === 0
      ? undefined
      : readJournal(bytes, schema.version);
    const version = content?.version ?? schema.version;
    const records: readonly JournalRecord[] = content === undefined
      ? [{ meta: { instance: ids.next(), agent } }]
      : migrate(content.records, { from: version, schema });
    for (const record of records) state.apply(record);
    checkOwner(metaOf(state), agent);
    if (version < schema.version) {
      await file.backup(version);
      options.log.info("The journal is brought to a newer version", {
        from: version,
        to: schema.version,
      });
    }
    const journal = new Journal(file, state, options);
    // Drops a torn tail. What the last process wrote may not have reached the disk before it died:
    // from here on all that was read is durable.
    await journal.#writer.begin(version < schema.version ? undefined : content);
    return journal;
  }

  /** The agent, its journal and its stream. */
  get meta(): JournalMeta {
    return metaOf(this.#state);
  }

  /** How long the file is. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** How many more bytes the ends of events may take before the journal is longer than it should be. */
  get bytesLeft(): number {
    return Math.max(0, this.#bytesMax - this.#writer.bytes);
  }

  /** Returns what is known of an event. */
  get(id: string): JournalEntry | undefined {
    return this.#state.entries.get(id);
  }

  /** Every event that is remembered, in order of arrival. */
  entries(): Iterable<JournalEntry> {
    return this.#state.entries.values();
  }

  /**
   * Why no new event should be noted now: the disk is full, or the journal as
   * long as it should be. Ends are noted all the same.
   *
   * @returns `disk_full` or `exhausted`; `undefined` when there is room.
   */
  refusal(): TransporterError | undefined {
    const { full, bytes } = this.#writer;
    if (full !== undefined) {
      const message = "Cannot take new events as the agent's disk is full";
      const cause = full;
      return new TransporterError(full.code, message, {
        cause,
        details: LATER,
      });
    }
    if (bytes < roomOf(this.#bytesMax)) return undefined;
    if ((this.#purge?.() ?? 0) > 0) this.#writer.compactSoon();
    return new TransporterError(
      "exhausted",
      `Cannot take new events as the agent's journal has ${bytes} bytes, ` +
        `and ${this.#bytesMax} with room for what runs are the most`,
      { details: LATER },
    );
  }

  /** Notes where events of a type are run; durable before any attempt that is noted after it. */
  settle(type: string, place: string): void {
    const { meta } = this;
    const places = { ...meta.places, [type]: place };
    this.#writer.add({ meta: { ...meta, places } });
  }

  /** Notes that an attempt arrived. */
  arrive(arrival: JournalArrival): Promise<void> {
    return this.#writer.add({ in: arrival });
  }

  /** Notes that an attempt is about to be started; it must not be before this resolves. */
  begin(id: string, attempt: number): Promise<void> {
    return this.#writer.add({ try: { id, attempt } });
  }

  /** Notes that an attempt was applied, and that only the wait is left. */
  applied(
    { id, attempt }: { readonly id: string; readonly attempt: number },
    applied: JournalApplied,
  ): Promise<void> {
    return this.#writer.add({ try: { id, attempt, applied } });
  }

  /** Notes the last status of an attempt, and its number. */
  finish(status: EventStatus, sid: number): Promise<void> {
    const { event_id: id, attempt = 1 } = status;
    return this.#writer.add({ fin: { id, attempt, sid, status } });
  }

  /** Notes another number for the last status of an attempt. Need not be waited for. */
  renumber(
    { event_id: id, attempt = 1 }: EventStatus,
    sid: number,
  ): Promise<void> {
    return this.#writer.add({ num: { id, attempt, sid } });
  }

  /** Notes that the control plane has all statuses up to one; durable with whatever is written next. */
  sent(upto: number): void {
    this.#state.apply({ sent: { upto } });
  }

  /** Events whose executors are still to be told that their ends are acknowledged. */
  untold(): Iterable<JournalEntry> {
    return this.#state.untold();
  }

  /** Notes that the executor was told of that. Need not be waited for. */
  told({ id, attempt }: Pick<JournalEntry, "id" | "attempt">): Promise<void> {
    const { sentUpto: upto } = this.#state;
    return this.#writer.add({ sent: { upto, told: { id, attempt } } });
  }

  /** Resolves when all that was noted so far is durable. */
  durable(): Promise<void> {
    return this.#writer.durable();
  }

  /**
   * Forgets ids that nobody can send again, now and whenever the journal is
   * compacted or has no room.
   *
   * @param now The time of day at the control plane, in milliseconds since 1970.
   * @param held Whether an event is in hand in this process.
   */
  keepPurged(now: () => number, held: (id: string) => boolean): void {
    // A name first: see "Garbage" in CONTRIBUTING.md.
    const purge = () => this.#state.purge(now(), held);
    this.#purge = purge;
    purge();
  }

  /** Writes what is left and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#file[Symbol.asyncDispose]();
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

function checkOwner({ agent }: JournalMeta, wanted: string): void {
  if (agent === wanted) return;
  throw new TransporterError(
    "store_unavailable",
    `Cannot use the journal of agent "${agent}" for agent "${wanted}": ` +
      "give each agent a data folder of its own",
  );
}
