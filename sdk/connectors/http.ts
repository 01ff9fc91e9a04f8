/**
 * Wires over HTTP requests alone, both ends, for networks that let no WebSocket
 * through: what goes down waits for a long poll or comes by a stream, what goes up
 * is posted. Each direction counts its frames, so that a lost answer loses and
 * doubles nothing.
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
import { type DialOptions, systemRng, type Wire } from "../mod.ts";
import type { HttpDialTimes } from "./dialled_wire.ts";
import { BATCH_CHARS_MAX } from "./http_batch.ts";
import { ask, baseOf } from "./http_request.ts";
import { dialRequests } from "./http_session.ts";
import { readStream } from "./http_stream.ts";
import { systemTimers } from "./timers.ts";

export type {
  HttpAcceptorOptions,
  HttpPatience,
  HttpTimes,
} from "./accepted_wire.ts";
export type { HttpDialTimes } from "./dialled_wire.ts";
export { HttpAcceptor } from "./http_accept.ts";
export type { HttpBatch, HttpClose, HttpPush } from "./http_batch.ts";
export type { Timers } from "./timers.ts";

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
  return await dial(url, options, false);
}

/**
 * Opens a wire with one answer that has no end in place of long polls. A
 * network that holds it back, or ends it at once, gets long polls after all.
 *
 * @param url Where the control plane is: `http:` or `https:`, or `http+sse:` and `https+sse:`.
 * @param options As for {@linkcode dialHttp}.
 * @returns The open wire.
 * @throws {TransporterError} as {@linkcode dialHttp} does.
 */
export async function dialSse(
  url: URL,
  options: DialOptions & HttpDialTimes,
): Promise<Wire> {
  return await dial(url, options, true);
}

async function dial(
  url: URL,
  options: DialOptions & HttpDialTimes,
  streams: boolean,
): Promise<Wire> {
  const { signal, frameBytesMax, token, ...times } = options;
  const place = {
    base: baseOf(url),
    token,
    // JSON may write a character of a frame as two.
    bytesMax: 2 * Math.max(frameBytesMax, BATCH_CHARS_MAX * 3) + ANSWER_BYTES,
  };
  return await dialRequests({
    requests: {
      ask: (request) => ask(place, request),
      stream: (stream) => readStream(place, stream),
    },
    timers: systemTimers,
    rng: systemRng,
    streams,
    frameBytesMax,
    times,
  }, { signal, host: url.host });
}
