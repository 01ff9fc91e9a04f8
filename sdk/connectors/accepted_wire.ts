import { TransporterError, type Wire } from "../mod.ts";
import { CountedIn, CountedOut } from "./counted.ts";
import {
  BATCH_CHARS_MAX,
  closeOf,
  type HttpBatch,
  type HttpClose,
  type HttpPush,
  reasonOf,
  SILENT_CLOSE_MS,
} from "./http_batch.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** From the answer of one poll to that of the next, in milliseconds: what follows an event soon, such as receipts, goes together. */
const GATHER_MS = 20;

/** How long the accepting end of an HTTP wire waits; all in milliseconds. */
export interface HttpTimes {
  /** For the far end to hear of a close; 5 s when left out. */
  readonly closeMs?: number;
  /** Between the answers of two polls at least, unless the wire ends; 20 ms when left out. */
  readonly gatherMs?: number;
  /** For the next poll, before the far end is dead; 45 s when left out. */
  readonly missingMs?: number;
  /** For the consumer to read what it has, before a far end is told to slow down; 20 s when left out. */
  readonly roomMs?: number;
}

/** Options of {@linkcode HttpAcceptor}. */
export interface HttpAcceptorOptions extends HttpTimes {
  /** Wires that may be open at a time; 20,000 when left out. */
  readonly wiresMax?: number;
  /** Characters that a far end may send before anything is sent to it; any number when left out. */
  readonly unansweredCharsMax?: number;
  /** Where time comes from; the machine when left out. */
  readonly timers?: Timers;
  /** Makes the name of a wire, which nobody else can guess; 24 random bytes when left out. */
  readonly newSession?: () => string;
}

/** What bounds a request. */
export interface HttpPatience {
  /** How long it may be waited for a frame, in milliseconds. */
  readonly waitMs: number;
  /** That whoever asked has gone. */
  readonly signal: AbortSignal;
}

/** The accepting end of a wire, between requests. */
export class AcceptedWire implements Wire {
  readonly #in = new CountedIn();
  readonly #out = new CountedOut();
  readonly #options: HttpAcceptorOptions;
  readonly #timers: Timers;
  readonly #left: () => void;
  readonly #told = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #closing: HttpClose | undefined;
  #isOver = false;
  #stopping = false;
  #turn = 0;
  #polls = 0;
  #chars = 0;
  #answeredAt = -Infinity;
  #stopWatching = () => {};
  #stopWaiting = () => {};

  constructor(options: HttpAcceptorOptions, left: () => void) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#left = left;
    this.#watch();
  }

  get frames(): AsyncIterable<string> {
    return this.#in.frames;
  }

  send(frame: string): Promise<void> {
    return this.#out.send(frame);
  }

  /** Resolves when the far end's next answer has the reason, as `send` does when the runtime took a frame. */
  async close(reason?: TransporterError): Promise<void> {
    this.#begin(reason);
    await this.#told.promise;
  }

  /** See {@linkcode HttpAcceptor.stop}. */
  stop(): void {
    this.#stopping = true;
  }

  async poll(
    after: number,
    { waitMs, signal }: HttpPatience,
  ): Promise<HttpBatch> {
    const turn = this.#begins(after);
    try {
      const { gatherMs = GATHER_MS } = this.#options;
      const leastMs = this.#answeredAt + gatherMs - this.#timers.monotonic();
      return await this.#next(after, turn, { waitMs, leastMs, signal });
    } finally {
      this.#answeredAt = this.#timers.monotonic();
      this.#ends();
    }
  }

  async *stream(
    after: number,
    patience: HttpPatience,
  ): AsyncGenerator<HttpBatch & { readonly after: number }, void, undefined> {
    const turn = this.#begins(after);
    try {
      for (let position = after; turn === this.#turn;) {
        const batch = await this.#next(position, turn, patience);
        if (patience.signal.aborted) return;
        yield { after: position, ...batch };
        if (batch.close !== undefined) return;
        position += batch.frames.length;
      }
    } finally {
      this.#ends();
    }
  }

  /** Somebody asks, in place of whoever asked before. */
  #begins(after: number): number {
    this.#out.confirm(after);
    this.#out.after(after, 1); // which says when those after it are gone
    this.#out.notify(); // the one before has lost its reader
    this.#polls++;
    this.#stopWatching();
    return ++this.#turn;
  }

  #ends(): void {
    this.#polls--;
    this.#watch();
  }

  /** Waits for frames, and for more of them if it is too early. */
  async #next(
    after: number,
    turn: number,
    { waitMs, leastMs = 0, signal }: HttpPatience & {
      readonly leastMs?: number;
    },
  ): Promise<HttpBatch> {
    let waiting = !signal.aborted;
    let early = leastMs > 0;
    const stop = () => {
      waiting = false;
      this.#out.notify();
    };
    const enough = () => {
      early = false;
      this.#out.notify();
    };
    const stopWaiting = this.#timers.after(waitMs, stop);
    const stopGathering = early
      ? this.#timers.after(leastMs, enough)
      : undefined;
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (
        waiting && turn === this.#turn && this.#closing === undefined &&
        (this.#out.last === after || early || this.#stopping)
      ) await this.#out.changed;
      return turn === this.#turn && !signal.aborted
        ? this.#batch(after)
        : { frames: [] };
    } finally {
      stopWaiting();
      stopGathering?.();
      signal.removeEventListener("abort", stop);
    }
  }

  #batch(after: number): HttpBatch {
    const frames = this.#out.after(after, BATCH_CHARS_MAX);
    const whole = after + frames.length === this.#out.last;
    if (this.#closing === undefined || !whole) return { frames };
    this.#told.resolve();
    return { frames, close: this.#closing };
  }

  async push({ after, received = 0, frames, close }: HttpPush): Promise<void> {
    this.#out.confirm(received);
    await this.#room();
    try {
      this.#bound(frames);
      this.#in.take(after, frames);
    } catch (reason) {
      const error = TransporterError.from(reason);
      this.#in.close(error);
      this.#begin(error);
      throw error;
    }
    if (close !== undefined && after + frames.length === this.#in.last) {
      this.over(reasonOf(close));
    }
  }

  async #room(): Promise<void> {
    const late = Promise.withResolvers<boolean>();
    const stopWaiting = this.#timers.after(
      this.#options.roomMs ?? 20_000,
      () => late.resolve(true),
    );
    const room = Promise.race([this.#in.room, this.#over.promise]);
    const full = await Promise.race([room.then(() => false), late.promise]);
    stopWaiting();
    if (!full) return;
    throw new TransporterError(
      "slow_down",
      "Cannot take more frames as nobody reads those that wait",
    );
  }

  #bound(frames: readonly string[]): void {
    const { unansweredCharsMax = Infinity } = this.#options;
    if (this.#out.last > 0 || unansweredCharsMax === Infinity) return;
    for (const frame of frames) this.#chars += frame.length;
    if (this.#chars <= unansweredCharsMax) return;
    throw new TransporterError(
      "too_large",
      `Cannot take more than ${unansweredCharsMax} characters before the registration is answered`,
    );
  }

  /** Starts to wait for the next poll, when none is there. */
  #watch(): void {
    if (this.#polls > 0 || this.#isOver) return;
    this.#stopWatching();
    const { missingMs = 45_000 } = this.#options;
    this.#stopWatching = this.#timers.after(missingMs, () => {
      this.over(
        new TransporterError(
          "unavailable",
          `Cannot go on as the far end has asked for nothing for ${missingMs} ms`,
        ),
      );
    });
  }

  #begin(reason: TransporterError | undefined): void {
    if (this.#closing !== undefined) return;
    this.#closing = closeOf(reason);
    this.#out.close();
    const { closeMs = 5_000 } = this.#options;
    const alone = this.#stopping && this.#polls === 0;
    const waitMs = alone || reason?.code === "timeout"
      ? Math.min(SILENT_CLOSE_MS, closeMs)
      : closeMs;
    this.#stopWaiting = this.#timers.after(waitMs, () => this.over());
  }

  /** Ends it, whatever still waits. Idempotent. */
  over(error?: TransporterError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWatching();
    this.#stopWaiting();
    // What happens after a close of our own is its consequence.
    this.#in.close(this.#closing === undefined ? error : undefined);
    this.#closing ??= closeOf(undefined);
    this.#out.close();
    this.#told.resolve();
    this.#over.resolve();
    this.#left();
  }
}
