import {
  type EventFrame,
  formatTime,
  type InventoryItem,
  type Link,
  TransporterError,
} from "@transporter/sdk";
import { unwanted } from "./life.ts";
import type { Recorder } from "./recorder.ts";
import type { EventRecord, ReleasedEvent } from "./store/store.ts";

/** Bytes that wait to be written, beyond which no further event is. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

/** An attempt, as inventories name it. */
export type Attempt = Pick<InventoryItem, "event_id" | "attempt">;

/** Where events go. */
export interface SendingTarget {
  /** The agent. */
  readonly agent: string;
  /** The session's generation. */
  readonly gen: number;
  /** The version of the link. */
  readonly version: 1 | 2;
  /** The number that the next new event gets as the session begins; the agent's credit counts from it. */
  readonly nextSeq: number;
  /** Whether the agent understands that an event is not wanted any more. */
  readonly cancels: boolean;
  /** The conversation. */
  readonly link: Link;
  /** Ends the session, as nothing can be sent on it any more; what is released goes to the next one. */
  readonly failed: (error: TransporterError) => void;
}

/** Options of {@linkcode Sending}. */
export interface SendingOptions {
  /** Where events go. */
  readonly target: SendingTarget;
  /** Who records what the agent does not take. */
  readonly recorder: Pick<Recorder, "refused">;
  /** The agent wants nothing sent for so many milliseconds, or nothing of a type. */
  readonly hold: (ms: number, type?: string) => void;
  /** Something was acknowledged, or will never be. */
  readonly settled: () => void;
}

/**
 * Released events on their way to one session, in order: each is sent once, or
 * withheld when it is not wanted any more, and the agent is told that instead.
 */
export class Sending {
  readonly #options: SendingOptions;
  #unsent: ReleasedEvent[] = [];
  readonly #sent = new Set<string>();
  /** Released events that are not wanted any more: which attempt, and why. */
  readonly #cancels = new Map<
    string,
    { readonly attempt: number; readonly reason: string }
  >();
  #unacknowledged = 0;
  #seqMax = Infinity;
  /** How many new events in a row were not sent after all: the agent never hears of their numbers. */
  #skipped = 0;
  #recv = 0;

  /** Makes one that has sent nothing. */
  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** The lowest `seq` above `recv` that is still to be sent. */
  seqAfter(recv: number): number | undefined {
    return this.#unsent.find(({ record: { seq = 0 } }) => seq > recv)?.record
      .seq;
  }

  /** The attempts that are still to be sent. */
  get attempts(): readonly Attempt[] {
    return this.#unsent.map(({ record: { spec, attempt } }) => ({
      event_id: spec.id,
      attempt,
    }));
  }

  /** Whether nothing is left to be sent. */
  get empty(): boolean {
    return this.#unsent.length === 0;
  }

  /** Whether the agent has not answered for all that was sent. */
  get busy(): boolean {
    return this.#unacknowledged > 0;
  }

  /** The highest `seq` that may be sent: what the agent takes, and what was left out since it heard of one. */
  get seqMax(): number {
    return this.#seqMax + this.#skipped;
  }

  /** The agent has everything up to this `seq` in hand: that is not sent again. */
  resume(recv: number): void {
    this.#recv = recv;
  }

  /** Forgets every event, as they are about to be added again; before anything is sent. */
  clear(): void {
    this.#unsent = [];
    this.#cancels.clear();
  }

  /** The agent takes events up to this number; what it said before stays true. */
  credit(seqMax: number): void {
    this.#seqMax = this.#seqMax === Infinity
      ? seqMax
      : Math.max(this.#seqMax, seqMax);
  }

  /** Adds an event that is to be sent. */
  add(event: ReleasedEvent): void {
    const { spec: { id }, attempt } = event.record;
    // What is known of an attempt before may have been read when that had ended already.
    if ((this.#cancels.get(id)?.attempt ?? attempt) < attempt) {
      this.#cancels.delete(id);
    }
    const reason = unwanted(event.record);
    if (reason !== undefined) this.#cancels.set(id, { attempt, reason });
    this.#unsent.push(event);
  }

  /** A released event changed: when it is not wanted any more its agent is told, once on this link. */
  changed(record: EventRecord): void {
    const { spec: { id }, attempt } = record;
    const known = this.#cancels.get(id)?.attempt ?? -1;
    const reason = unwanted(record);
    if (reason === undefined || known >= attempt) return;
    this.#cancels.set(id, { attempt, reason });
    if (this.#sent.has(id)) this.#cancel(record);
  }

  /** An event is not released any more. */
  left(id: string): void {
    this.#sent.delete(id);
    this.#cancels.delete(id);
  }

  /** Whether the agent was told that an event is not wanted, and was not sent the event on this link. */
  withheld(id: string): boolean {
    return this.#options.target.cancels && this.#cancels.has(id) &&
      !this.#sent.has(id);
  }

  /**
   * Sends what may be sent now.
   *
   * @param wanted Whether an event is still released.
   */
  flush(wanted: (id: string) => boolean): void {
    const { target } = this.#options;
    const { version, link, nextSeq } = target;
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      // A v1 agent gets the next event when the last one has ended.
      if (version === 1 && this.#sent.size > 0) return;
      const { seq = 0 } = next.record;
      if (seq > this.seqMax) return;
      // Every acknowledgement leads to another look.
      if (link.bufferedBytes > BUFFERED_BYTES_MAX && this.busy) return;
      this.#unsent.shift();
      const { id } = next.spec;
      const cancelled = target.cancels && this.#cancels.has(id);
      const known = seq > 0 && seq <= this.#recv;
      if (wanted(id) && !cancelled && !known) {
        this.#skipped = 0;
        this.#send(next);
        continue;
      }
      if (seq >= nextSeq) this.#skipped++;
      if (wanted(id) && known) this.#sent.add(id);
      if (wanted(id) && cancelled) this.#cancel(next.record);
    }
  }

  async #send({ record, spec }: ReleasedEvent): Promise<void> {
    const { target, settled } = this.#options;
    this.#sent.add(spec.id);
    this.#unacknowledged++;
    try {
      await target.link.send(frameOf({ record, spec }, target.version));
    } catch (reason) {
      await this.#refused(record, TransporterError.from(reason));
    } finally {
      this.#unacknowledged--;
      settled();
    }
  }

  #cancel({ spec: { id }, attempt }: EventRecord): void {
    const { link, cancels, failed } = this.#options.target;
    if (!cancels) return;
    const { reason = "" } = this.#cancels.get(id) ?? {};
    link.send({ type: "cancel", event_id: id, attempt, reason })
      .catch((error) => failed(TransporterError.from(error)));
  }

  async #refused(record: EventRecord, error: TransporterError): Promise<void> {
    const { target: { agent, gen, failed }, recorder, hold } = this.#options;
    const after = error.details?.["retry_after_ms"];
    if (after === undefined && error.code !== "too_large") {
      // Not the agent's word: the link broke, or is too slow. The next one gets the event again.
      return failed(error);
    }
    const again = typeof after === "number";
    const isOfType = error.details?.["type_only"] === true;
    if (again) hold(after, isOfType ? record.spec.type : undefined);
    try {
      const fence = { agent, gen };
      await recorder.refused(record, { error, again, fence });
    } catch (reason) {
      failed(TransporterError.from(reason));
    }
  }
}

function frameOf({ record, spec }: ReleasedEvent, version: 1 | 2): EventFrame {
  if (version === 1) return { type: "event", event: spec };
  return {
    type: "event",
    ...(record.seq === undefined ? {} : { seq: record.seq }),
    attempt: record.attempt,
    deadline: formatTime(record.deadline),
    event: spec,
  };
}
