import { type LogFrame, utf8Length } from "@transporter/sdk";
import type { LogChunk } from "./store/store.ts";

/** What a piece takes besides its text, in bytes: without it, millions of tiny ones could wait. */
const PIECE_OVERHEAD_BYTES = 512;

/** Characters by which a piece is told from another one of the same length at the same place. */
const PIECE_CHARS = 64;

/** What tells a piece from the others of its event. */
export function pieceOf(
  { attempt, stream, off, data }: Omit<LogChunk, "trunc">,
): string {
  const begin = data.slice(0, PIECE_CHARS);
  return `${attempt} ${stream} ${off} ${data.length} ${begin}`;
}

/** How much of what may wait it takes, in bytes. */
export function sizeOf({ data }: LogFrame): number {
  return utf8Length(data) + PIECE_OVERHEAD_BYTES;
}

/** Which attempt it is of. */
export function nameOf({ event_id: id, attempt }: LogFrame): string {
  return `${id} ${attempt}`;
}
