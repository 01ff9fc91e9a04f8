import {
  closeCodeOf,
  codeOfClose,
  isRecord,
  TransporterError,
} from "../mod.ts";

/** Why a wire was closed: a close code of {@linkcode closeCodeOf} or 1000, and words for people. */
export interface HttpClose {
  /** The code. */
  readonly code: number;
  /** The words. */
  readonly reason: string;
}

/** What goes over in one request, or in one answer. */
export interface HttpBatch {
  /** The frames, in order. */
  readonly frames: readonly string[];
  /** That these were the last ones. */
  readonly close?: HttpClose;
}

/** What a request brings. */
export interface HttpPush extends HttpBatch {
  /** The number of the last frame before these. */
  readonly after: number;
  /** The number of the last frame that came the other way, for wires whose polls do not say it. */
  readonly received?: number;
}

/** Characters of frames that go in one request, or in one answer; a frame that is longer goes alone. */
export const BATCH_CHARS_MAX = 512 * 1024;

/** Characters of the words for people. */
const REASON_CHARS_MAX = 1000;

/** How long a far end that was silent for too long already is waited for, in milliseconds. */
export const SILENT_CLOSE_MS = 100;

/** What is sent of a reason. */
export function closeOf(reason: TransporterError | undefined): HttpClose {
  if (reason === undefined) return { code: 1000, reason: "" };
  return {
    code: closeCodeOf(reason.code),
    reason: reason.message.slice(0, REASON_CHARS_MAX).toWellFormed(),
  };
}

/** What was sent of one. */
export function reasonOf(
  { code, reason }: HttpClose,
): TransporterError | undefined {
  const found = codeOfClose(code);
  if (found === undefined) return undefined;
  return new TransporterError(
    found,
    reason || `Cannot go on as the wire was closed: ${code}`,
  );
}

/** Reads the answer to a poll. */
export function batchOf(answer: unknown): HttpBatch {
  if (answer === undefined) return { frames: [] };
  const { frames, close } = isRecord(answer) ? answer : {};
  const isBatch = Array.isArray(frames) &&
    frames.every((frame) => typeof frame === "string");
  if (!isBatch) {
    throw new TransporterError(
      "bad_frame",
      "Cannot read the answer to a poll: it has no frames",
    );
  }
  if (!isRecord(close)) return { frames };
  return {
    frames,
    close: { code: Number(close["code"]), reason: String(close["reason"]) },
  };
}
