import {
  type EventStatus,
  type Link,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { Journal } from "./journal.ts";
import { type OutboxItem, OutboxItems, superseded } from "./outbox_item.ts";
import { fitting, isLast, v1StatusFrame } from "./status.ts";

/** Options of {@linkcode Outbox}. */
export interface OutboxOptions {
  /** Where last statuses are kept. */
  readonly journal: Journal;
  /** For what is left out. */
  readonly log: Logger;
  /** Called when the control plane has last statuses that it did not have. */
  readonly acknowledged?: () => void;
  /** Statuses that may wait; beyond it a progress report takes the place of the one before. */
  readonly statusesMax?: number;
}

/** The session that statuses go to. */
export interface OutboxSession {
  /** The link. */
  readonly link: Link;
  /** The version of the link. */
  readonly version: 1 | 2;
  /** Statuses up to this one are at the control plane; 0 for version 1. */
  readonly statusUpto: number;
}

/** Far more than an hour of an agent that cannot reach its control plane leaves behind. */
const STATUSES_MAX = 10_000;

/** Characters that may wait; far more than reports on what runs have. */
const CHARS_MAX = 4 * 1024 * 1024;

/** Statuses that may be on their way: enough to fill a slow link. */
const FLIGHT_MAX = 500;

/** Bytes that may wait in the link; it gives up at four times as many. */
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024;

/** Last statuses that are told again to a control plane that acknowledges none. */
const V1_LAST_MAX = 100;

/**
 * The statuses that the control plane does not have yet, in the order of their
 * numbers, which is the order they go out in.
 *
 * Numbers (`sid`) start after everything this agent may ever have used: the
 * highest in the journal and the highest that the control plane has, which a
 * `welcome` tells. Phase reports are not in the journal, so that the journal
 * alone would not do; a status that was numbered, sent and never arrived may
 * lend its number to another one after a crash, which nobody can tell.
 *
 * That a welcome's `status_upto` also acknowledges what the journal still has
 * is sound, because numbers go out in order, one link after the other: a last
 * status with number 50 waits for its fsync, and 51 to 60 wait behind it. So
 * whoever has 60 has 50. Statuses made before the first welcome, for a v1
 * control plane, have no number, and so are never taken for acknowledged.
 */
export class Outbox {
  readonly #journal: Journal;
  readonly #log: Logger;
  readonly #statusesMax: number;
  readonly #acknowledged: OutboxOptions["acknowledged"];
  readonly #items = new OutboxItems();
  /** The highest number that the control plane takes in this session. */
  #limitSid = Infinity;
  #crowded = false;
  #sent = 0;
  #next: number | undefined;
  #session: OutboxSession | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Starts with the last statuses that the journal has and the control plane may not. */
  constructor(options: OutboxOptions) {
    this.#journal = options.journal;
    this.#log = options.log;
    this.#acknowledged = options.acknowledged;
    this.#statusesMax = options.statusesMax ?? STATUSES_MAX;
    for (const { status, acknowledged, sid } of options.journal.entries()) {
      if (status === undefined || acknowledged) continue;
      // An earlier process may have sent it.
      this.#items.push({ status, last: true, sid, ready: true, known: true });
    }
    this.#items.list.sort((a, b) =>
      (a.sid || Infinity) - (b.sid || Infinity) || 0
    );
  }

  /** How many statuses are not acknowledged. */
  get length(): number {
    return this.#items.list.length;
  }

  /**
   * Takes a status over. Resolves at once for a progress report, and when it
   * is in the journal for the last status of an attempt.
   *
   * @throws {TransporterError} `store_unavailable` when the journal cannot be written.
   */
  async record(status: EventStatus): Promise<void> {
    const fit = fitting(status, this.#journal.bytesLeft);
    const item = this.#add(fit, { last: isLast(fit), ready: false });
    if (item.last) {
      await this.#journal.finish(fit, item.sid);
    }
    item.ready = true;
    this.#pump();
  }

  /** Tells a status that no attempt stands behind, once. */
  tell(status: EventStatus): void {
    this.#add(status, { last: false, ready: true });
    this.#pump();
  }

  /** Tells the last status of an event again, unless it is waiting to go out anyway. */
  repeat(id: string): void {
    const { status, attempt } = this.#journal.get(id) ?? {};
    if (status === undefined) return;
    const index = this.#items.list.findIndex(({ last, status }) =>
      last && status.event_id === id && status.attempt === attempt
    );
    if (index !== -1) {
      // A v1 control plane acknowledges nothing: only that it asks again says that it has nothing.
      if (this.#session?.version !== 1 || !this.#items.list[index]?.sent) {
        return;
      }
      this.#remove(index);
    }
    const { sid } = this.#add(status, { last: true, ready: true });
    if (sid > 0) this.#journal.renumber(status, sid);
    this.#pump();
  }

  /** Sends what is not acknowledged over a new session, and what is recorded from now on. */
  attach(session: OutboxSession): void {
    this.#session = session;
    this.#limitSid = Infinity;
    this.#sent = 0;
    for (const item of this.#items.list) item.sent = false;
    if (session.version === 2) this.#renumber(session.statusUpto);
    this.#pump();
    this.#tellFlushed(); // the welcome may have acknowledged all
  }

  /**
   * The control plane takes statuses up to a number. Those beyond it wait, and
   * of the progress of an attempt only the first and the newest.
   */
  limit(sid: number): void {
    const before = this.#limitSid === Infinity ? 0 : this.#limitSid;
    this.#limitSid = Math.max(before, sid);
    this.#pump();
  }

  /** Whether statuses wait for the control plane to take more. */
  get held(): boolean {
    const next = this.#items.list[this.#sent]?.sid ?? this.#next ?? 0;
    return next > this.#limitSid;
  }

  /** The session is over; what it did not acknowledge stays. */
  detach(link: Link): void {
    if (this.#session?.link === link) this.#session = undefined;
  }

  /** Resolves when the control plane has everything; for a v1 control plane, when everything was sent. */
  async flushed(): Promise<void> {
    while (this.owes) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }

  /** Whether the control plane lacks something; one of version 1, whether something was not sent. */
  get owes(): boolean {
    return this.#items.list.some(({ told }) =>
      this.#session?.version === 2 || !told
    );
  }

  #add(
    status: EventStatus,
    { last, ready }: { last: boolean; ready: boolean },
  ): OutboxItem {
    const place = last || !this.#isCrowded()
      ? undefined
      : superseded(this.#items.list, status);
    if (place !== undefined) return this.#items.put(place, status);
    const sid = this.#next === undefined ? 0 : this.#next++;
    return this.#items.push({ status, last, ready, sid, known: false });
  }

  /** Whether a progress report has to do with the place of the one before it. */
  #isCrowded(): boolean {
    const crowded = this.#items.list.length >= this.#statusesMax ||
      this.#items.chars >= CHARS_MAX || this.held;
    if (crowded && !this.#crowded) {
      this.#log.warn(
        "Progress reports are left out as the control plane does not take them",
        { waiting: this.#items.list.length, limit_sid: this.#limitSid },
      );
    }
    return this.#crowded = crowded;
  }

  #renumber(statusUpto: number): void {
    while (
      this.#items.list[0] !== undefined && this.#items.list[0].sid > 0 &&
      this.#items.list[0].sid <= statusUpto
    ) {
      this.#settled(this.#items.list[0]);
    }
    this.#next = Math.max(
      this.#next ?? (this.#journal.meta.sid ?? 0) + 1,
      statusUpto + 1,
    );
    for (const item of this.#items.list) {
      if (item.sid > 0) continue;
      item.sid = this.#next++;
      if (item.last) this.#journal.renumber(item.status, item.sid);
    }
  }

  #pump(): void {
    for (
      let item = this.#items.list[this.#sent];
      item !== undefined;
      item = this.#items.list[this.#sent]
    ) {
      const session = this.#session;
      const busy = session === undefined || item.sid > this.#limitSid ||
        this.#flight(session) >= FLIGHT_MAX ||
        session.link.bufferedBytes > BUFFERED_BYTES_MAX;
      if (busy || !item.ready) return;
      item.sent = item.known = true;
      this.#sent++;
      this.#send(item, session);
    }
  }

  /** Those that were sent stay until they are acknowledged, or for ever as v1's last ones do. */
  #flight({ version }: OutboxSession): number {
    return version === 2 ? this.#sent : 0;
  }

  async #send(item: OutboxItem, session: OutboxSession): Promise<void> {
    try {
      await session.link.send(
        session.version === 2
          ? { type: "status_update", ...item.status, sid: item.sid }
          : v1StatusFrame(item.status),
      );
    } catch (reason) {
      // It is still ours, and goes out again over the next link.
      const error = TransporterError.from(reason);
      if (error.code !== "unavailable") {
        this.#log.error("Status could not be sent", { error });
      }
      return;
    }
    item.told = true;
    if (session.version === 2 || !item.last) this.#settled(item);
    else this.#forgetOldest();
    this.#pump();
    this.#tellFlushed();
  }

  #tellFlushed(): void {
    if (this.owes) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #settled(item: OutboxItem): void {
    const index = this.#items.list.indexOf(item);
    if (index === -1) return;
    this.#remove(index);
    if (!item.last || item.sid === 0) return;
    this.#journal.sent(item.sid);
    this.#acknowledged?.();
  }

  #remove(index: number): void {
    if (this.#items.remove(index)?.sent) this.#sent--;
  }

  #forgetOldest(): void {
    const sent = this.#items.list.slice(0, this.#sent);
    if (sent.length > V1_LAST_MAX) {
      this.#remove(sent.findIndex(({ last }) => last));
    }
  }
}
