import type { Clock } from "./clock.ts";
import { type Delivery, type Message, nackOf } from "./delivery.ts";
import { TransporterError } from "./error.ts";
import type {
  AckFrame,
  EventFrame,
  NackFrame,
  StatusAckFrame,
} from "./frame.ts";
import { decode, encode } from "./frame_codec.ts";
import { laneOf, Outgoing } from "./outgoing.ts";
import { Assembler, FRAME_BYTES_MAX } from "./parts.ts";
import { Queue } from "./queue.ts";
import { Receipts } from "./receipts.ts";
import type { Wire } from "./wire.ts";

/** Options of {@linkcode Link}. */
export interface LinkOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Messages that may wait for the consumer; beyond it the link ends with `slow_down`. */
  readonly receivedMax?: number;
  /** Characters of messages that may wait for the consumer, likewise; one alone may have more. */
  readonly receivedCharsMax?: number;
}

/** A peer that asks for shorter frames than this gets these, in bytes: a part has fields besides its text. */
const FRAME_BYTES_MIN = 4096;

/** Messages that may wait for the consumer: far more than every window together. */
const RECEIVED_MAX = 10_000;

/** Characters of them: what may be on its way to an agent. */
const RECEIVED_CHARS_MAX = 16 * 1024 * 1024;

/** A message that arrived. As many wait, they have no functions of their own. */
class Arrived implements Delivery<Message> {
  readonly value: Message;
  readonly chars: number;
  readonly #receipt: ReturnType<Receipts["received"]>;
  readonly #settled: Settled;

  constructor(value: Message, chars: number, how: {
    readonly receipt: ReturnType<Receipts["received"]>;
    readonly settled: Settled;
  }) {
    this.value = value;
    this.chars = chars;
    this.#receipt = how.receipt;
    this.#settled = how.settled;
  }

  ack(): void {
    if (this.#receipt?.settle()) this.#settled(this.value);
  }

  nack(reason: TransporterError): void {
    if (this.#receipt?.settle()) this.#settled(this.value, reason);
  }
}

/** Hears that a message is acknowledged, or why it is refused. */
type Settled = (message: Message, refusal?: TransporterError) => void;

/**
 * The conversation over a wire: codec, limits, messages in parts, and
 * acknowledgement, written once for every connector. It lives as long as its
 * wire; durable numbers belong to the dispatcher and the outbox.
 *
 * One sentence carries the semantics: when `send` resolves, the far end is
 * responsible; when it rejects, you still are. `unavailable` is ambiguous, as
 * the acknowledgement may be what was lost: send it again on the next link.
 */
export class Link implements AsyncDisposable {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #received: Queue<Delivery<Message>>;
  readonly #outgoing: Outgoing;
  readonly #receipts = new Receipts();
  readonly #assembler = new Assembler();
  readonly #settled: Settled;
  readonly #ended = Promise.withResolvers<TransporterError | undefined>();
  #open = true;
  #version: 1 | 2 = 1;
  #epoch = "";

  /** Resolves, never rejects, with why it broke; with `undefined` if it was closed. */
  readonly closed: Promise<TransporterError | undefined> = this.#ended.promise;
  /** How many frames of unknown types were ignored. */
  unknownFrames = 0;
  /** When the last frame arrived, by the clock's `monotonic`, in milliseconds. */
  receivedAt: number;
  /**
   * Since when the wire has been busy with one frame, by the clock's `monotonic`, in milliseconds;
   * `undefined` when it is not. A peer that stopped reading shows here.
   */
  writingSince: number | undefined;

  /** Takes over a wire: nobody else may read from it, send on it or close it. */
  constructor(wire: Wire, options: LinkOptions) {
    this.#wire = wire;
    this.#clock = options.clock;
    this.#received = new Queue(
      options.receivedMax ?? RECEIVED_MAX,
      options.receivedCharsMax ?? RECEIVED_CHARS_MAX,
    );
    this.#outgoing = new Outgoing({
      write: (frame) => this.#writeFrame(frame),
      fail: (error) => this.#fail(error),
    });
    this.receivedAt = options.clock.monotonic();
    const settled: Settled = (message, refusal) => {
      if (refusal === undefined) this.#flushReceipts();
      else if (message.type === "event") this.#refuse(message, refusal);
    };
    this.#settled = settled;
    this.#read();
  }

  /** Bytes that wait to be written. */
  get bufferedBytes(): number {
    return this.#outgoing.bufferedBytes;
  }

  /**
   * Says that the handshake led to version 2: acknowledgements are frames of
   * their own, and long messages go in parts. Until then the peer is v1: one
   * frame a message, and the first status of an event acknowledges it.
   *
   * @param peer What was agreed on: the stream of events, and the longest frame the peer takes.
   */
  upgrade(
    peer: { readonly epoch: string; readonly frameBytesMax: number },
  ): void {
    this.#version = 2;
    this.#epoch = peer.epoch;
    this.#outgoing.frameBytesMax = Math.min(
      FRAME_BYTES_MAX,
      Math.max(FRAME_BYTES_MIN, peer.frameBytesMax),
    );
  }

  /**
   * Sends a message. An event (version 2: with a `seq`) or a status with a
   * `sid` resolves when the far end acknowledged it, anything else when it was
   * written. Events, what cancels them, statuses and logs keep their order;
   * the rest may overtake them.
   *
   * @throws {TransporterError} `unavailable` when the link ends first, `too_large` beyond 12 MiB,
   * `exhausted` when the peer reads too slowly, or the code of the far end's refusal, whose
   * `details.retry_after_ms` says when an event may be sent again (`null`: never).
   */
  async send(message: Message): Promise<void> {
    const acknowledged = this.#receipts.expect(message, this.#version);
    // The write may reject first; nobody else would then listen to this one.
    acknowledged?.catch(() => {});
    try {
      await this.#outgoing.add(encode(message), laneOf(message));
    } catch (error) {
      this.#receipts.forget(message, TransporterError.from(error));
      throw error;
    }
    await acknowledged;
  }

  /** Yields messages in order until the link ends. One consumer. */
  receive(): AsyncIterable<Delivery<Message>> {
    return this.#received;
  }

  /** Ends both directions, telling the far end why. Idempotent. */
  async close(reason?: TransporterError): Promise<void> {
    this.#end(undefined);
    await this.#wire.close(reason);
  }

  /** Closes without a reason. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #end(error: TransporterError | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    const gone = new TransporterError(
      "unavailable",
      "Cannot send as the link has ended",
      {
        cause: error,
      },
    );
    this.#outgoing.end(gone);
    this.#receipts.end(gone);
    this.#received.close();
    this.#ended.resolve(error);
  }

  /** Ends the link because of the peer, and says so. */
  async #fail(error: TransporterError): Promise<void> {
    this.#end(error);
    await this.#wire.close(error);
  }

  async #read(): Promise<void> {
    try {
      for await (const text of this.#wire.frames) {
        if (!this.#open) break;
        this.receivedAt = this.#clock.monotonic();
        if (this.#version === 2 && text.length > FRAME_BYTES_MAX) {
          throw new TransporterError(
            "too_large",
            `Cannot take a frame of more than ${FRAME_BYTES_MAX} bytes`,
          );
        }
        this.#take(text);
      }
      this.#end(undefined);
    } catch (reason) {
      await this.#fail(TransporterError.from(reason));
    }
  }

  #take(text: string): void {
    const frame = decode(text);
    switch (frame.type) {
      case "unknown":
        this.unknownFrames++;
        return;
      case "part": {
        const whole = this.#assembler.add(frame);
        if (whole !== undefined) this.#take(whole);
        return;
      }
      case "ack":
        this.#receipts.ackEvents(frame);
        return;
      case "nack":
        this.#receipts.nackEvent(frame);
        return;
      case "status_ack":
        this.#receipts.ackStatuses(frame);
        return;
      case "status_update":
        this.#receipts.statusOf(frame.event_id);
        this.#deliver(frame, text.length);
        return;
      default:
        this.#deliver(frame, text.length);
    }
  }

  #deliver(message: Message, chars: number): void {
    const receipt = this.#receipts.received(message);
    try {
      const how = { receipt, settled: this.#settled };
      this.#received.push(new Arrived(message, chars, how), chars);
    } catch (cause) {
      throw new TransporterError(
        "slow_down",
        "Cannot take more messages as too many wait",
        {
          cause,
        },
      );
    }
  }

  #refuse(message: EventFrame, reason: TransporterError): void {
    const refusal = nackOf(message, reason);
    if (refusal === undefined) return;
    this.#writeReceipt(refusal);
    this.#flushReceipts();
  }

  /** Writes what was acknowledged since the last time, once for all of one turn of the event loop. */
  #flushReceipts(): void {
    if (this.#receipts.flushing) return;
    this.#receipts.flushing = true;
    queueMicrotask(() => {
      this.#receipts.flushing = false;
      for (const frame of this.#receipts.frames(this.#epoch)) {
        this.#writeReceipt(frame);
      }
    });
  }

  /** A receipt that cannot be written ends the link, if it has not ended: over the next one the sender asks again. */
  #writeReceipt(frame: AckFrame | StatusAckFrame | NackFrame): void {
    this.#outgoing.add(encode(frame), "urgent").catch((reason) =>
      this.#fail(TransporterError.from(reason))
    );
  }

  async #writeFrame(text: string): Promise<void> {
    this.writingSince = this.#clock.monotonic();
    await this.#wire.send(text);
    this.writingSince = undefined;
  }
}
