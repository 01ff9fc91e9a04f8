/**
 * Wires over HTTP requests alone, both ends, for networks that let no WebSocket
 * through: what goes down waits for a long poll, what goes up is posted. Each
 * direction counts its frames, so that a lost answer loses and doubles nothing.
 *
 * @example The accepting end, whose routes hand over what comes
 * ```ts
 * import { HttpAcceptor } from "@transporter/sdk/http";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * using acceptor = new HttpAcceptor();
 * const { session, wire } = acceptor.open();
 * await wire.send("hello");
 * const { signal } = new AbortController();
 * const answer = await acceptor.poll(session, 0, { waitMs: 30_000, signal });
 * deepStrictEqual(answer, { frames: ["hello"] });
 * ```
 *
 * @module
 */
import {
  type DialOptions,
  fullJitter,
  isRecord,
  systemRng,
  TransporterError,
  type Wire,
} from "../mod.ts";
import { CountedIn, CountedOut } from "./counted.ts";
import { isLonger, tooLong } from "./frame_limit.ts";
import {
  BATCH_CHARS_MAX,
  batchOf,
  closeOf,
  type HttpClose,
  reasonOf,
  SILENT_CLOSE_MS,
} from "./http_batch.ts";
import {
  ask,
  baseOf,
  isPassing,
  type Place,
  retryAfterOf,
} from "./http_request.ts";

export type {
  HttpAcceptorOptions,
  HttpPatience,
  HttpTimes,
} from "./accepted_wire.ts";
export { HttpAcceptor } from "./http_accept.ts";
export type { HttpBatch, HttpClose, HttpPush } from "./http_batch.ts";

/** How long the dialling end waits; all in milliseconds. */
export interface HttpDialTimes {
  /** For the far end to answer a close; 5 s when left out. */
  readonly closeMs?: number;
  /** For requests to succeed again, before the wire has broken; 5 s when left out. */
  readonly retryMs?: number;
  /** How long a poll may wait for a frame; 30 s when left out. */
  readonly waitMs?: number;
}

/** How long an answer may take that waits for nothing, in milliseconds. */
const ANSWER_MS_MAX = 30_000;

/** Bytes of an answer besides its frames. */
const ANSWER_BYTES = 64 * 1024;

/**
 * Opens a wire with long polls.
 *
 * @param url Where the control plane is: `http:` or `https:`. Its path may be that of the WebSocket.
 * @param options What {@linkcode Dial} gives, and how long the wire waits for the far end.
 * @returns The open wire.
 * @throws {TransporterError} `unavailable`, `unauthenticated`, `denied`, `unsupported_version`,
 * `slow_down`, or another code of the control plane; the signal's reason when it aborts first.
 */
export async function dialHttp(
  url: URL,
  options: DialOptions & HttpDialTimes,
): Promise<Wire> {
  const { signal, frameBytesMax, token, ...times } = options;
  const place = {
    base: baseOf(url),
    token,
    // JSON may write a character of a frame as two.
    bytesMax: 2 * Math.max(frameBytesMax, BATCH_CHARS_MAX * 3) + ANSWER_BYTES,
  };
  const answer = await ask(place, {
    path: "v2/link/sessions",
    body: { frames: [] },
    timeoutMs: ANSWER_MS_MAX,
    signal,
  });
  const session = isRecord(answer) ? answer["session"] : undefined;
  if (typeof session !== "string") {
    throw new TransporterError(
      "unavailable",
      `Cannot connect to "${url.host}": it answers without a session, so that something else may have answered`,
    );
  }
  return new DialledWire({ place, session, frameBytesMax, times });
}

/** What a wire is made of. */
interface DialledParts {
  readonly place: Place;
  readonly session: string;
  readonly frameBytesMax: number;
  readonly times: HttpDialTimes;
}

class DialledWire implements Wire {
  readonly #in = new CountedIn();
  readonly #out = new CountedOut();
  readonly #parts: DialledParts;
  readonly #times: Required<HttpDialTimes>;
  readonly #polling = new AbortController();
  readonly #pushing = new AbortController();
  readonly #over: Promise<unknown>;
  #closing: HttpClose | undefined;
  #heard = false;
  #batchCharsMax = BATCH_CHARS_MAX;

  constructor(parts: DialledParts) {
    this.#parts = parts;
    this.#times = {
      closeMs: 5_000,
      retryMs: 5_000,
      waitMs: 30_000,
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
    const timer = setTimeout(() => this.#drop(), waitMs);
    await this.#over;
    clearTimeout(timer);
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
    const { session, frameBytesMax } = this.#parts;
    const { waitMs } = this.#times;
    const { signal } = this.#polling;
    const name = encodeURIComponent(session);
    while (true) {
      await this.#in.room;
      if (signal.aborted) return;
      const after = this.#in.last;
      const wait = Math.ceil(waitMs / 1000);
      const path = `v2/link/frames?session=${name}&after=${after}&wait=${wait}`;
      const { frames, close } = batchOf(
        await this.#asked({ path, timeoutMs: waitMs + 10_000, signal }),
      );
      if (frames.some((frame) => isLonger(frame, frameBytesMax))) {
        throw tooLong(frameBytesMax);
      }
      this.#in.take(after, frames);
      if (close === undefined) continue;
      this.#in.close(
        this.#closing === undefined ? reasonOf(close) : undefined,
      );
      this.#heard = true;
      return this.#begin(undefined); // which tells the far end, if it is still there
    }
  }

  async #push(): Promise<void> {
    const { session } = this.#parts;
    const { signal } = this.#pushing;
    while (true) {
      const after = this.#out.confirmed;
      const frames = this.#out.after(after, this.#batchCharsMax);
      const close = after + frames.length === this.#out.last
        ? this.#closing
        : undefined;
      if (frames.length === 0 && close === undefined) {
        await this.#out.changed;
        continue;
      }
      const body = { session, after, frames, close };
      try {
        const path = "v2/link/frames";
        await this.#asked({ path, body, timeoutMs: ANSWER_MS_MAX, signal });
      } catch (reason) {
        if (!this.#canCut(reason, frames)) throw reason;
        continue;
      }
      this.#out.confirm(after + frames.length);
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
  async #asked(request: Parameters<typeof ask>[1]): Promise<unknown> {
    let since: number | undefined;
    for (let failures = 0;; failures++) {
      try {
        return await ask(this.#parts.place, request);
      } catch (reason) {
        const error = TransporterError.from(reason);
        since ??= performance.now();
        const pauseMs = Math.max(
          retryAfterOf(error),
          fullJitter(failures, systemRng, { initialMs: 100, maxMs: 2_000 }),
        );
        const restMs = since + this.#times.retryMs - performance.now();
        const vain = this.#heard || request.signal.aborted;
        if (vain || pauseMs > restMs || !isPassing(error)) throw ofWire(error);
        await pause(pauseMs, request.signal);
      }
    }
  }
}

/** What ends a wire: a session that is not known is one that broke. */
function ofWire(error: TransporterError): TransporterError {
  if (error.code !== "not_found" && error.code !== "timeout") return error;
  return new TransporterError("unavailable", error.message, { cause: error });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => resolve();
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}
