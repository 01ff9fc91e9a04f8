import { TransporterError } from "./error.ts";
import type { AckFrame, Frame, NackFrame, StatusAckFrame } from "./frame.ts";

/** A number that arrived. */
class Arrival {
  readonly number: number;
  readonly #among: Arrivals;
  settled = false;

  constructor(number: number, among: Arrivals) {
    this.number = number;
    this.#among = among;
  }

  /** Marks it as dealt with; false when it was already. */
  settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#among.changed = true;
    return true;
  }
}

/** The numbers of one kind that arrived on a link, in the order they came. */
class Arrivals {
  // A number that a confused peer sends twice is two arrivals.
  readonly #waiting: Arrival[] = [];
  #last: number | undefined;
  changed = false;

  add(number: number): Arrival {
    const arrival = new Arrival(number, this);
    this.#waiting.push(arrival);
    this.#last = Math.max(this.#last ?? 0, number);
    return arrival;
  }

  /** All that was received up to here is acknowledged; `also` names some beyond it. */
  take(): { upto: number; also: number[] } {
    this.changed = false;
    while (this.#waiting[0]?.settled) this.#waiting.shift();
    const first = this.#waiting[0];
    return {
      upto: first === undefined ? this.#last ?? 0 : first.number - 1,
      also: this.#waiting.filter(({ settled }) => settled)
        .map(({ number }) => number),
    };
  }
}

/** A message that was sent, until the far end takes responsibility. */
interface Expected {
  readonly resolve: () => void;
  readonly reject: (error: TransporterError) => void;
}

/** What is acknowledged by which number or id. */
type Kind = "seq" | "sid" | "event";

/** A message that was sent: what it is acknowledged by. */
interface Key {
  readonly kind: Kind;
  readonly of: number | string;
}

/**
 * The acknowledgements of one link, both ways: what was sent and is not
 * acknowledged, and what arrived and is to be acknowledged. Since a wire keeps
 * order, "up to" means all that was sent on this link up to that number.
 */
export class Receipts {
  readonly #expected: Readonly<Record<Kind, Map<number | string, Expected>>> = {
    seq: new Map(),
    sid: new Map(),
    event: new Map(),
  };
  readonly #events = new Arrivals();
  readonly #statuses = new Arrivals();
  /** Whether a flush is due. */
  flushing = false;

  /** Registers a message about to be sent; `undefined` when it needs no acknowledgement. */
  expect(message: Frame, version: 1 | 2): Promise<void> | undefined {
    const key = keyOf(message, version);
    if (key === undefined) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#expected[key.kind].set(key.of, { resolve, reject });
    return promise;
  }

  /** A message was not sent after all. */
  forget(message: Frame, error: TransporterError): void {
    for (const version of [1, 2] as const) {
      const key = keyOf(message, version);
      if (key !== undefined) this.#settle(key, error);
    }
  }

  /** The link is over: whatever was not acknowledged still belongs to the sender. */
  end(error: TransporterError): void {
    for (const kind of ["seq", "sid", "event"] as const) {
      for (const of of this.#expected[kind].keys()) {
        this.#settle({ kind, of }, error);
      }
    }
  }

  /** Notes what arrived; `undefined` when it needs no acknowledgement. */
  received(message: Frame): Pick<Arrival, "settle"> | undefined {
    if (message.type === "event" && message.seq !== undefined) {
      return this.#events.add(message.seq);
    }
    if (message.type === "status_update" && message.sid !== undefined) {
      return this.#statuses.add(message.sid);
    }
    return undefined;
  }

  /** The acknowledgements that are due. */
  frames(epoch: string): (AckFrame | StatusAckFrame)[] {
    const due: (AckFrame | StatusAckFrame)[] = [];
    if (this.#events.changed) {
      const { upto, also } = this.#events.take();
      due.push({
        type: "ack",
        epoch,
        upto,
        ...(also.length === 0 ? {} : { also }),
      });
    }
    if (this.#statuses.changed) {
      due.push({ type: "status_ack", upto: this.#statuses.take().upto });
    }
    return due;
  }

  /** Events are in the agent's journal. */
  ackEvents(frame: AckFrame): void {
    this.#settleUpto("seq", frame.upto);
    for (const seq of frame.also ?? []) this.#settle({ kind: "seq", of: seq });
  }

  /** Statuses are durable at the control plane. */
  ackStatuses(frame: StatusAckFrame): void {
    this.#settleUpto("sid", frame.upto);
  }

  /**
   * The agent does not take an event; the refusal's `details.retry_after_ms` says until when, `null` for ever,
   * and `details.type_only` whether that is true of its type alone.
   */
  nackEvent(frame: NackFrame): void {
    const { code, message } = TransporterError.fromBody({
      code: frame.code,
      message: frame.detail,
    });
    const details = {
      retry_after_ms: frame.retry_after_ms ?? null,
      ...(frame.type_only === true ? { type_only: true } : {}),
    };
    this.#settle(
      { kind: "seq", of: frame.seq },
      new TransporterError(code, message, { details }),
    );
  }

  /** A status of an event arrived, which is how a v1 agent acknowledges the event. */
  statusOf(eventId: string): void {
    this.#settle({ kind: "event", of: eventId });
  }

  #settleUpto(kind: "seq" | "sid", upto: number): void {
    for (const of of this.#expected[kind].keys()) {
      if (Number(of) <= upto) this.#settle({ kind, of });
    }
  }

  #settle({ kind, of }: Key, error?: TransporterError): void {
    const waiting = this.#expected[kind].get(of);
    if (waiting === undefined) return;
    this.#expected[kind].delete(of);
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
  }
}

function keyOf(message: Frame, version: 1 | 2): Key | undefined {
  if (message.type === "event") {
    return version === 2 && message.seq !== undefined
      ? { kind: "seq", of: message.seq }
      : { kind: "event", of: message.event.id };
  }
  if (
    message.type === "status_update" && version === 2 &&
    message.sid !== undefined
  ) {
    return { kind: "sid", of: message.sid };
  }
  return undefined;
}
