import { fullJitter, type Rng, TransporterError, type Wire } from "../mod.ts";
import { CountedIn, CountedOut } from "./counted.ts";
import { isLonger, tooLong } from "./frame_limit.ts";
import {
  BATCH_CHARS_MAX,
  batchOf,
  closeOf,
  type HttpBatch,
  type HttpClose,
  reasonOf,
  SILENT_CLOSE_MS,
} from "./http_batch.ts";
import {
  ANSWER_MS_MAX,
  type Ask,
  isPassing,
  retryAfterOf,
} from "./http_request.ts";
import type { StreamOptions } from "./http_stream.ts";
import { pause, type Timers } from "./timers.ts";

/** How long the dialling end waits; all in milliseconds. */
export interface HttpDialTimes {
  /** For the far end to answer a close; 5 s when left out. */
  readonly closeMs?: number;
  /** For more frames before those that wait are posted: a receipt and what is said of its event next go in one request; 5 ms when left out. */
  readonly gatherMs?: number;
  /** For requests to succeed again, before the wire has broken; 5 s when left out. */
  readonly retryMs?: number;
  /** How long a poll may wait for a frame; 30 s when left out. */
  readonly waitMs?: number;
  /** For the first bytes of a stream, before polls are used instead; 5 s when left out. */
  readonly firstMs?: number;
}

/** A stream that ends earlier is not to be had here, in milliseconds. */
const STREAM_MS_MIN = 2_000;

/** Frames that come by a stream before the far end is told of it. */
const CONFIRM_FRAMES = 16;

/** What carries the requests of a wire. */
export interface Requests {
  /** As `ask()` of http_request.ts. */
  ask(request: Ask): Promise<unknown>;
  /** As `readStream()` of http_stream.ts. */
  stream(
    options: StreamOptions,
  ): AsyncIterable<HttpBatch & { readonly after: number }>;
}

/** What a wire is made of. */
export interface DialledParts {
  readonly requests: Requests;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly session: string;
  readonly streams: boolean;
  readonly frameBytesMax: number;
  readonly times: HttpDialTimes;
}

/** The dialling end of a wire: asks for what comes, by polls or by a stream, and posts what goes. */
export class DialledWire implements Wire {
  readonly #in = new CountedIn();
  readonly #out = new CountedOut();
  readonly #parts: DialledParts;
  readonly #times: Required<HttpDialTimes>;
  readonly #polling = new AbortController();
  readonly #pushing = new AbortController();
  readonly #over: Promise<unknown>;
  #closing: HttpClose | undefined;
  #heard = false;
  #streams: boolean;
  /** The number of the last frame that the far end knows to have come. */
  #confirmed = 0;
  #mustConfirm = false;
  #batchCharsMax = BATCH_CHARS_MAX;

  constructor(parts: DialledParts) {
    this.#parts = parts;
    this.#streams = parts.streams;
    this.#times = {
      closeMs: 5_000,
      gatherMs: 5,
      retryMs: 5_000,
      waitMs: 30_000,
      firstMs: 5_000,
      ...parts.times,
    };
    const fail = (reason: unknown) => this.#fail(reason);
    this.#over = Promise.all([
      this.#pull().catch(fail),
      this.#push().catch(fail).finally(() => this.#stopPolling()),
    ]);
  }

  get frames(): AsyncIterable<string> {
    return this.#in.frames;
  }

  send(frame: string): Promise<void> {
    return this.#out.send(frame);
  }

  async close(reason?: TransporterError): Promise<void> {
    this.#begin(reason);
    const waitMs = reason?.code === "timeout"
      ? Math.min(SILENT_CLOSE_MS, this.#times.closeMs)
      : this.#times.closeMs;
    const { timers } = this.#parts;
    const stopWaiting = timers.after(waitMs, () => this.#drop());
    await this.#over;
    stopWaiting();
  }

  #begin(reason: TransporterError | undefined): void {
    this.#closing ??= closeOf(reason);
    this.#out.close();
  }

  #drop(): void {
    this.#stopPolling();
    this.#pushing.abort();
  }

  #stopPolling(): void {
    this.#in.close();
    this.#polling.abort();
  }

  /** Ends the wire; the far end is told unless it is gone. */
  #fail(reason: unknown): void {
    const error = TransporterError.from(reason);
    // What happens after a close of our own is its consequence.
    this.#in.close(this.#closing === undefined ? error : undefined);
    this.#begin(error);
    if (error.code !== "too_large" && error.code !== "bad_frame") this.#drop();
  }

  async #pull(): Promise<void> {
    const { signal } = this.#polling;
    while (true) {
      await this.#in.room;
      if (signal.aborted) return;
      if (this.#streams) await this.#readStream();
      else this.#take(this.#in.last, await this.#poll());
      if (this.#heard) return;
    }
  }

  async #poll(): Promise<HttpBatch> {
    const { waitMs } = this.#times;
    const { signal } = this.#polling;
    const wait = Math.ceil(waitMs / 1000);
    const path = `v2/link/frames?${this.#position()}&wait=${wait}`;
    return batchOf(
      await this.#asked({ path, timeoutMs: waitMs + 10_000, signal }),
    );
  }

  /** Reads one stream; whatever is wrong with it, polls go on or say why not. */
  async #readStream(): Promise<void> {
    const { requests, timers } = this.#parts;
    let openedAt = Infinity;
    const opened = () => openedAt = timers.monotonic();
    try {
      const path = `v2/link/stream?${this.#position()}`;
      const { firstMs } = this.#times;
      const { signal } = this.#polling;
      const stream = requests.stream({ path, firstMs, opened, signal });
      for await (const { after, ...batch } of stream) {
        this.#take(after, batch);
        this.#confirm();
        if (this.#heard) return;
        await this.#in.room;
      }
    } catch (reason) {
      const { code } = TransporterError.from(reason);
      if (code === "too_large" || code === "bad_frame") throw reason;
    }
    if (timers.monotonic() - openedAt < STREAM_MS_MIN) this.#streams = false;
  }

  #position(): string {
    const { session } = this.#parts;
    return `session=${encodeURIComponent(session)}&after=${this.#in.last}`;
  }

  #take(after: number, { frames, close }: HttpBatch): void {
    const { frameBytesMax } = this.#parts;
    if (frames.some((frame) => isLonger(frame, frameBytesMax))) {
      throw tooLong(frameBytesMax);
    }
    this.#in.take(after, frames);
    if (close === undefined) return;
    this.#in.close(this.#closing === undefined ? reasonOf(close) : undefined);
    this.#heard = true;
    this.#begin(undefined); // which tells the far end, if it is still there
  }

  /** Has the far end told what came, before it waits for that: nothing else does on a stream. */
  #confirm(): void {
    if (this.#in.last - this.#confirmed < CONFIRM_FRAMES) return;
    this.#mustConfirm = true;
    this.#out.notify();
  }

  async #push(): Promise<void> {
    const { session, timers } = this.#parts;
    const { signal } = this.#pushing;
    while (true) {
      const after = this.#out.confirmed;
      const frames = this.#out.after(after, this.#batchCharsMax);
      const close = after + frames.length === this.#out.last
        ? this.#closing
        : undefined;
      const isIdle = frames.length === 0 && close === undefined;
      if (isIdle && !this.#mustConfirm) {
        await this.#out.changed;
        if (this.#closing === undefined) {
          await pause(timers, this.#times.gatherMs, signal);
        }
        continue;
      }
      this.#mustConfirm = false;
      const received = this.#in.last;
      const body = { session, after, received, frames, close };
      try {
        const path = "v2/link/frames";
        await this.#asked({ path, body, timeoutMs: ANSWER_MS_MAX, signal });
      } catch (reason) {
        if (!this.#canCut(reason, frames)) throw reason;
        continue;
      }
      this.#out.confirm(after + frames.length);
      this.#confirmed = received;
      if (close !== undefined) return;
    }
  }

  /** Whether a request that was too long for whoever is on the way can be made shorter. */
  #canCut(reason: unknown, frames: readonly string[]): boolean {
    if (frames.length < 2) return false;
    if (TransporterError.from(reason).code !== "too_large") return false;
    let chars = 0;
    for (const frame of frames) chars += frame.length;
    this.#batchCharsMax = Math.floor(chars / 2);
    return true;
  }

  /** Asks until the answer is there, unless it takes too long or there will be none. */
  async #asked(request: Ask): Promise<unknown> {
    const { requests, timers, rng } = this.#parts;
    let since: number | undefined;
    for (let failures = 0;; failures++) {
      try {
        return await requests.ask(request);
      } catch (reason) {
        const error = TransporterError.from(reason);
        since ??= timers.monotonic();
        const pauseMs = Math.max(
          retryAfterOf(error),
          fullJitter(failures, rng, { initialMs: 100, maxMs: 2_000 }),
        );
        const restMs = since + this.#times.retryMs - timers.monotonic();
        const vain = this.#heard || request.signal.aborted;
        if (vain || pauseMs > restMs || !isPassing(error)) throw ofWire(error);
        await pause(timers, pauseMs, request.signal);
      }
    }
  }
}

/** What ends a wire: a session that is not known is one that broke. */
function ofWire(error: TransporterError): TransporterError {
  if (error.code !== "not_found" && error.code !== "timeout") return error;
  return new TransporterError("unavailable", error.message, { cause: error });
}
