import {
  closeCodeOf,
  codeOfClose,
  Queue,
  TransporterError,
  type Wire,
} from "../mod.ts";
import { Gatherer, joined, parted } from "./nats_gather.ts";
import type { Carrier, NatsTimes, Parcel } from "./nats_parcel.ts";
import { systemTimers, type Timers } from "./timers.ts";

export type { NatsTimes, Parcel };

/** Options of {@linkcode NatsWire}. */
export interface NatsWireOptions extends NatsTimes {
  /** What carries its parcels. */
  readonly carrier: Carrier;
  /** The longest frame that may arrive, in bytes. */
  readonly frameBytesMax: number;
  /** The longest frame that the server takes, in bytes. */
  readonly sendBytesMax: number;
  /** Where time comes from; the machine when left out. */
  readonly timers?: Timers;
  /** Whether the far end understands several frames in one message. */
  readonly gathers?: boolean;
}

/** Bytes that may be on their way to the far end's consumer before `send` waits. */
const WINDOW_BYTES = 1024 * 1024;

/** Bytes that may wait for the consumer at all: what a far end may send that keeps to the window, and much more. */
const READ_BYTES_MAX = 32 * 1024 * 1024;

/** What a frame weighs besides its bytes: it has headers. */
const FRAME_WEIGHT = 128;

/** Characters of a reason. */
const REASON_CHARS_MAX = 2048;

/** How long a server that is silent is waited for, in milliseconds. */
const SILENT_CLOSE_MS = 100;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

interface Sent {
  readonly n: number;
  readonly weight: number;
}

/**
 * A wire out of numbered messages. NATS may drop, repeat and reorder them, and
 * has no window of its own from one end to the other: the numbers find what is
 * missing, which ends the wire as a broken connection would, and drop what came
 * before; the far end says what was taken, and nobody sends far beyond it.
 */
export class NatsWire implements Wire {
  readonly frames: AsyncIterable<string>;
  readonly #options: NatsWireOptions;
  readonly #timers: Timers;
  readonly #incoming = new Queue<{ text: string; n: number; weight: number }>(
    Infinity,
  );
  /** What is sent and not known to be taken. */
  readonly #onTheWay: Sent[] = [];
  readonly #gatherer: Gatherer | undefined;
  readonly #over = Promise.withResolvers<void>();
  #weight = 0;
  #sent = 0;
  #received = 0;
  #unread = 0;
  #untold = 0;
  #open = true;
  #listening = true;
  #turn: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | undefined;

  /** Makes an open wire. */
  constructor(options: NatsWireOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.frames = this.#read();
    if (options.gathers) {
      this.#gatherer = new Gatherer({
        bytesMax: options.sendBytesMax,
        timers: options.timers ?? systemTimers,
        publish: (n, frames) => this.#publishAll(n, frames),
      });
    }
  }

  async *#read(): AsyncGenerator<string, void, undefined> {
    try {
      for await (const { text, n, weight } of this.#incoming) {
        this.#unread -= weight;
        this.#untold += weight;
        if (this.#untold >= WINDOW_BYTES / 4) this.#tell(n);
        yield text;
      }
    } finally {
      this.#listening = false;
    }
  }

  /** Says up to where was taken. */
  #tell(n: number): void {
    this.#untold = 0;
    if (this.#open) this.#publish({ taken: n });
  }

  /** A message of this session arrived. */
  receive({ n, lengths, taken, close }: Parcel, data: Uint8Array): void {
    if (!this.#open) return;
    if (taken !== undefined) this.#taken(taken);
    if (n === undefined || n <= this.#received) return; // nothing new, or a repetition
    if (n > this.#received + (lengths?.length ?? 1)) {
      return this.#fail(unavailable("a frame was lost on its way"));
    }
    if (close !== undefined) {
      this.#received = n;
      return this.#closedBy(close, data);
    }
    const frames = parted(data, lengths);
    if (frames === undefined) {
      return this.#fail(
        new TransporterError(
          "bad_frame",
          "Cannot read frames whose lengths are not those of their message",
        ),
      );
    }
    for (const frame of frames.slice(this.#received - n)) {
      this.#received++;
      this.#take(frame);
      if (!this.#open) return;
    }
  }

  #take(data: Uint8Array): void {
    const { frameBytesMax } = this.#options;
    if (data.length > frameBytesMax) {
      return this.#fail(
        new TransporterError(
          "too_large",
          `Cannot take a frame of more than ${frameBytesMax} bytes`,
        ),
      );
    }
    if (!this.#listening) return;
    const weight = data.length + FRAME_WEIGHT;
    this.#unread += weight;
    if (this.#unread > READ_BYTES_MAX) {
      return this.#fail(
        new TransporterError(
          "slow_down",
          "Cannot take more frames as nobody reads those that wait",
        ),
      );
    }
    const n = this.#received;
    this.#incoming.push({ text: decoder.decode(data), n, weight });
  }

  #closedBy(code: number, data: Uint8Array): void {
    const found = codeOfClose(code);
    this.ended(
      found === undefined ? undefined : new TransporterError(
        found,
        decoder.decode(data) || `Cannot go on as it was closed: ${code}`,
      ),
    );
  }

  #taken(upto: number): void {
    const count = this.#onTheWay.findIndex(({ n }) => n > upto);
    const gone = this.#onTheWay.splice(
      0,
      count === -1 ? this.#onTheWay.length : count,
    );
    for (const { weight } of gone) this.#weight -= weight;
    if (gone.length > 0) this.#wake?.();
  }

  /** The wire is over, for a reason or without one; the far end is not told. */
  ended(reason: TransporterError | undefined): void {
    if (!this.#open) return;
    this.#shut(reason);
    this.#release(reason);
  }

  /** Ends the wire because of what came, and tells the far end. */
  #fail(error: TransporterError): void {
    if (!this.#open) return;
    this.#shut(error);
    this.#sayClose(error);
    this.#release(error);
  }

  async send(frame: string): Promise<void> {
    const turn = this.#turn.then(() => this.#write(frame));
    this.#turn = turn.catch(() => {}); // whoever sent it is told
    await turn;
  }

  async #write(frame: string): Promise<void> {
    while (this.#open && this.#weight > WINDOW_BYTES) await this.#room();
    if (!this.#open) {
      throw new TransporterError(
        "unavailable",
        "Cannot send as the wire is closed",
      );
    }
    const data = encoder.encode(frame);
    const { sendBytesMax } = this.#options;
    if (data.length > sendBytesMax) {
      throw new TransporterError(
        "too_large",
        `Cannot send a frame of ${data.length} bytes as the NATS server takes ${sendBytesMax}: see "max_payload" of its configuration`,
      );
    }
    const weight = data.length + FRAME_WEIGHT;
    this.#weight += weight;
    this.#onTheWay.push({ n: ++this.#sent, weight });
    if (this.#gatherer === undefined) this.#publish({ n: this.#sent }, data);
    else this.#gatherer.add(this.#sent, data);
  }

  #publishAll(n: number, frames: readonly Uint8Array<ArrayBuffer>[]): void {
    const lengths = frames.map(({ length }) => length);
    const parcel = frames.length === 1 ? { n } : { n, lengths };
    this.#publish(parcel, joined(frames));
  }

  /** Waits until something was taken, or the wire is over. */
  async #room(): Promise<void> {
    const { stallMs = 30_000 } = this.#options;
    const stopWaiting = this.#timers.after(
      stallMs,
      () => this.ended(unavailable("the far end reads nothing")),
    );
    await new Promise<void>((resolve) => this.#wake = resolve);
    stopWaiting();
  }

  async close(reason?: TransporterError): Promise<void> {
    if (this.#open) {
      this.#shut(undefined);
      this.#sayClose(reason);
      this.#release(reason);
    }
    await this.#over.promise;
  }

  #sayClose(reason: TransporterError | undefined): void {
    this.#gatherer?.flush();
    const { message = "" } = reason ?? {};
    const text = message.slice(0, REASON_CHARS_MAX).toWellFormed();
    const close = reason === undefined ? 1000 : closeCodeOf(reason.code);
    this.#publish({ n: ++this.#sent, close }, encoder.encode(text));
  }

  #publish(parcel: Parcel, data = new Uint8Array()): void {
    try {
      this.#options.carrier.publish(parcel, data);
    } catch (cause) {
      this.ended(TransporterError.from(cause));
    }
  }

  /** Lets nobody send or receive any more. */
  #shut(reason: TransporterError | undefined): void {
    this.#open = false;
    this.#incoming.close(reason);
    this.#wake?.();
  }

  async #release(reason: TransporterError | undefined): Promise<void> {
    const { closeMs = 5_000 } = this.#options;
    const waitMs = reason?.code === "timeout"
      ? Math.min(SILENT_CLOSE_MS, closeMs)
      : closeMs;
    const late = Promise.withResolvers<void>();
    const stopWaiting = this.#timers.after(waitMs, late.resolve);
    await Promise.race([
      this.#options.carrier.release().catch(() => {}), // the connection is over, as it shall be
      late.promise,
    ]);
    stopWaiting();
    this.#over.resolve();
  }
}

/** Why a wire that broke is over. */
export function unavailable(why: string): TransporterError {
  return new TransporterError("unavailable", `Cannot go on as ${why}`);
}
