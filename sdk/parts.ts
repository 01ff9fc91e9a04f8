import { TransporterError } from "./error.ts";
import type { PartFrame } from "./frame.ts";

/** The longest message that may come in parts, in bytes: an event with its largest body, with room. */
export const MESSAGE_BYTES_MAX = 12 * 1024 * 1024;

/** The longest frame, in bytes. */
export const FRAME_BYTES_MAX = 512 * 1024;

/** What the fields of a part besides its text take at most, in bytes. */
const PART_OVERHEAD_BYTES = 200;

/** Parts of one message: more than the longest message has in the shortest frames. */
const PARTS_MAX = 65_536;

const encoder = new TextEncoder();

/** What takes more than one byte. */
const BEYOND_ASCII_REGEXP = /[\u0080-\uffff]/;

/** How many bytes a text takes in UTF-8; most have no need to be encoded for that. */
export function utf8Length(text: string): number {
  return BEYOND_ASCII_REGEXP.test(text)
    ? encoder.encode(text).length
    : text.length;
}

/**
 * Cuts the JSON text of a message into frames that fit.
 *
 * @param text The message.
 * @param msg The name of the message on this link.
 * @param frameBytesMax The longest frame the peer takes, in bytes.
 * @returns The encoded part frames, in order.
 */
export function split(
  text: string,
  msg: string,
  frameBytesMax: number,
): string[] {
  const room = frameBytesMax - PART_OVERHEAD_BYTES;
  const slices: string[] = [];
  for (let at = 0; at < text.length;) {
    let size = Math.min(room, text.length - at);
    while (
      size > 1 && utf8Length(JSON.stringify(text.slice(at, at + size))) > room
    ) {
      size = Math.ceil(size / 2);
    }
    slices.push(text.slice(at, at + size));
    at += size;
  }
  return slices.map((slice, i) =>
    JSON.stringify(
      {
        type: "part",
        msg,
        i,
        n: slices.length,
        text: slice,
      } satisfies PartFrame,
    )
  );
}

/** Puts the parts of one message at a time together again. */
export class Assembler {
  #msg: string | undefined;
  #count = 0;
  #slices: string[] = [];
  #chars = 0;

  /**
   * Takes the next part.
   *
   * @returns The text of the message with its last part, else `undefined`.
   * @throws {TransporterError} `bad_frame` for a part out of turn, `too_large` beyond the limits.
   */
  add(part: PartFrame): string | undefined {
    if (part.i === 0 && this.#msg === undefined) {
      this.#msg = part.msg;
      this.#count = part.n;
    }
    if (part.n > PARTS_MAX) {
      throw new TransporterError(
        "too_large",
        `Cannot take a message in ${part.n} parts: ${PARTS_MAX} are the most`,
      );
    }
    if (
      part.msg !== this.#msg || part.n !== this.#count ||
      part.i !== this.#slices.length || part.i >= part.n
    ) {
      throw new TransporterError(
        "bad_frame",
        `Cannot take part ${part.i} of message "${
          part.msg.slice(0, 40)
        }" as it is out of turn`,
      );
    }
    this.#chars += part.text.length;
    if (this.#chars > MESSAGE_BYTES_MAX) {
      throw new TransporterError(
        "too_large",
        `Cannot take a message in parts of more than ${MESSAGE_BYTES_MAX} bytes`,
      );
    }
    this.#slices.push(part.text);
    if (this.#slices.length < part.n) return undefined;
    const whole = this.#slices.join("");
    this.#msg = undefined;
    this.#slices = [];
    this.#chars = 0;
    return whole;
  }
}
