import type { EventStatus } from "@transporter/sdk";
import type {
  JournalApplied,
  JournalArrival,
  JournalEntry,
  JournalMeta,
  JournalRecord,
} from "./journal_record.ts";

/** How long an id is remembered after its event's deadline, in milliseconds: clocks differ, and links are slow. */
const REMEMBERED_MS = 10 * 60_000;

/** What the records of a journal add up to. No I/O. */
export class JournalState {
  /** Every event that is remembered, by id, in order of arrival. */
  readonly entries: Map<string, JournalEntry> = new Map();
  /** The agent and its stream; `undefined` before the first record. */
  meta: JournalMeta | undefined;
  /** Statuses up to this one are at the control plane. */
  sentUpto = 0;
  /** Finished events whose last status has a number and is not acknowledged. */
  readonly #owed = new Set<string>();
  /** Events whose end is acknowledged, which their executors do not know yet. */
  readonly #untold = new Set<string>();

  /** Takes one record into account. */
  apply(record: JournalRecord): void {
    if ("meta" in record) this.meta = record.meta;
    else if ("in" in record) this.#arrive(record.in);
    else if ("try" in record) this.#begin(record.try);
    else if ("fin" in record) this.#finish(record.fin);
    else if ("num" in record) this.#number(record.num);
    else {
      this.#send(record.sent.upto);
      this.#tell(record.sent.told);
    }
  }

  /** Events whose end is acknowledged, and whose executors are to be told. */
  *untold(): Iterable<JournalEntry> {
    for (const id of this.#untold) {
      const entry = this.entries.get(id);
      if (entry !== undefined) yield entry;
    }
  }

  /** The fewest records that add up to the same. */
  snapshot(): JournalRecord[] {
    const records: JournalRecord[] = [];
    for (
      const { stage, sid, status, applied, acknowledged: _, told, ...arrival }
        of this.entries.values()
    ) {
      const { id, attempt } = arrival;
      records.push({ in: arrival });
      if (stage === "begun") {
        const waits = applied === undefined ? {} : { applied };
        records.push({ try: { id, attempt, ...waits } });
      }
      if (status !== undefined) {
        records.push({ fin: { id, attempt, sid, status } });
      }
      if (told) {
        records.push({ sent: { upto: this.sentUpto, told: { id, attempt } } });
      }
    }
    records.push({ sent: { upto: this.sentUpto } });
    // Last, since it sums up also those events that are forgotten.
    if (this.meta !== undefined) records.push({ meta: this.meta });
    return records;
  }

  /**
   * Forgets events that nobody can send again, as their deadline is long over.
   * An end that the control plane has not acknowledged is kept, unless it was
   * never numbered: then it was for a v1 control plane, which acknowledges none.
   * So is one of which an executor is still to be told.
   *
   * @param now The time of day at the control plane, in milliseconds since 1970.
   * @param held Whether the event is in hand in this process.
   * @returns How many were forgotten.
   */
  purge(now: number, held: (id: string) => boolean): number {
    const before = this.entries.size;
    for (const { id, deadline } of this.entries.values()) {
      const isOwed = this.#owed.has(id) || this.#untold.has(id);
      if (isOwed || held(id) || deadline + REMEMBERED_MS >= now) continue;
      this.entries.delete(id);
    }
    return before - this.entries.size;
  }

  #arrive(arrival: JournalArrival): void {
    const { epoch, seq } = arrival;
    if (this.meta !== undefined && epoch !== undefined && seq !== undefined) {
      const highest = epoch === this.meta.epoch
        ? Math.max(seq, this.meta.seq ?? 0)
        : seq;
      this.meta = { ...this.meta, epoch, seq: highest };
    }
    const known = this.entries.get(arrival.id);
    if (known !== undefined && known.attempt > arrival.attempt) return;
    if (known?.attempt !== arrival.attempt) {
      this.#owed.delete(arrival.id);
      this.#untold.delete(arrival.id); // what is told of this one holds for those before it
    }
    // The same attempt again keeps how far it got, and takes its place in the newer stream.
    const { stage, sid, status, applied, acknowledged, told } =
      known?.attempt === arrival.attempt ? known : {
        stage: "received" as const,
        sid: 0,
        status: undefined,
        applied: undefined,
        acknowledged: false,
        told: undefined,
      };
    this.entries.set(arrival.id, {
      ...arrival,
      stage,
      sid,
      acknowledged,
      ...(status === undefined ? {} : { status }),
      ...(applied === undefined ? {} : { applied }),
      ...(told === undefined ? {} : { told }),
    });
  }

  #begin({ id, attempt, applied }: {
    id: string;
    attempt: number;
    applied?: JournalApplied;
  }): void {
    const known = this.entries.get(id);
    if (known?.attempt !== attempt || known.stage === "finished") return;
    this.entries.set(id, {
      ...known,
      stage: "begun",
      ...(applied === undefined ? {} : { applied }),
    });
  }

  #finish({ id, attempt, sid, status }: {
    id: string;
    attempt: number;
    sid: number;
    status: EventStatus;
  }): void {
    this.#use(sid);
    const { applied: _, ...known } = this.entries.get(id) ?? {};
    if (!("id" in known) || known.attempt !== attempt) return;
    if (known.stage === "finished") return;
    this.entries.set(id, { ...known, stage: "finished", sid, status });
    this.#owe(id, sid);
  }

  #number({ id, attempt, sid }: {
    id: string;
    attempt: number;
    sid: number;
  }): void {
    this.#use(sid);
    const known = this.entries.get(id);
    if (known?.attempt !== attempt || known.stage !== "finished") return;
    this.entries.set(id, { ...known, sid, acknowledged: false });
    this.#owe(id, sid);
  }

  #owe(id: string, sid: number): void {
    if (sid === 0) return;
    this.#owed.add(id);
    this.#send(this.sentUpto);
  }

  #send(upto: number): void {
    this.#use(upto);
    this.sentUpto = Math.max(this.sentUpto, upto);
    for (const id of this.#owed) {
      const entry = this.entries.get(id);
      if (entry === undefined || entry.sid > this.sentUpto) continue;
      const { status, tells, told } = entry;
      this.#owed.delete(id);
      if (tells !== undefined && !told) this.#untold.add(id);
      this.entries.set(id, {
        ...entry,
        acknowledged: true,
        // What it led to may be large, and is the control plane's now.
        ...(status === undefined
          ? {}
          : { status: { ...status, details: null, result: null } }),
      });
    }
  }

  #tell(end: { readonly id: string; readonly attempt: number } | undefined) {
    const known = end && this.entries.get(end.id);
    if (known?.attempt !== end?.attempt || known === undefined) return;
    this.#untold.delete(known.id);
    this.entries.set(known.id, { ...known, told: true });
  }

  #use(sid: number): void {
    if (this.meta !== undefined && sid > (this.meta.sid ?? 0)) {
      this.meta = { ...this.meta, sid };
    }
  }
}
