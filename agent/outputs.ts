import type { Clock, Link, LogFrame } from "@transporter/sdk";
import { copied, joined, Output, type Piece } from "./output.ts";

/** Bytes that may wait in the link beside output: half of where statuses begin to wait. */
const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of pieces that may be under way: a quarter of what waits for a control plane's store before it leaves something out. */
const WINDOW_BYTES = 1024 * 1024;

/** How soon is looked again whether more goes, in milliseconds. */
const PACE_MS = 40;

/** What a piece takes besides its text, in bytes: without it, a million tiny ones would take a gigabyte. */
const PIECE_OVERHEAD_BYTES = 512;

/** Bytes of pieces that are kept until the control plane has them: eight attempts may write all that is kept of each. */
export const KEPT_BYTES_MAX = 17 * 1024 * 1024;

/** A piece that the control plane may not have. */
interface Kept {
  piece: Piece;
  /** As what it was sent. */
  frame?: LogFrame;
}

/** What the control plane at the other end of a link does with output. */
export interface Taker {
  /** Whether it takes any. */
  readonly takes: boolean;
  /** Whether it says what it has. */
  readonly acknowledges: boolean;
}

/**
 * What the attempts of an agent write, on its way to the control plane in the
 * order it was written. No attempt waits for it. A piece is kept until the
 * control plane says that it has it, and sent again over the next link if this
 * one ends before; of what is more than may be kept, the oldest is left out.
 */
export class Outputs {
  readonly #clock: Clock;
  readonly #held: () => boolean;
  /** The oldest first. */
  readonly #kept: Kept[] = [];
  #bytes = 0;
  /** How many of those were sent over this link, and how much that is. */
  #sent = 0;
  #sentBytes = 0;
  /** How many others were, which are not kept any more. */
  #done = 0;
  #link: Link | undefined;
  #taker: Taker | undefined;
  #pause: AbortController | undefined;
  #flushed = Promise.withResolvers<void>();

  /**
   * Makes one that has nowhere to send to, and keeps what comes.
   *
   * @param clock Where time comes from.
   * @param held Whether the control plane takes no statuses now, and so no output.
   */
  constructor(clock: Clock, held: () => boolean) {
    this.#clock = clock;
    this.#held = held;
  }

  /** Sends over a link from now on; first what the one before may have lost. */
  attach(link: Link, taker: Taker): void {
    this.#link = link;
    this.#taker = taker;
    this.#done = 0;
    this.#pump();
  }

  /** Sends nothing over a link any more. */
  detach(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#taker = undefined;
    this.#pause?.abort();
    this.#pause = undefined;
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** The control plane has, or never will have, so many of the pieces that were sent over this link. */
  acknowledged(upto: number): void {
    const count = Math.min(upto - this.#done, this.#sent);
    this.#forget(count);
    this.#pump();
  }

  /** Resolves when all that was written is sent. */
  async flushed(): Promise<void> {
    if (this.#sent < this.#kept.length) await this.#flushed.promise;
  }

  /** Begins the output of an attempt. */
  open(eventId: string, attempt: number): Output {
    return new Output({
      ...{ eventId, attempt, clock: this.#clock },
      take: (piece) => this.#take(piece),
    });
  }

  #take(piece: Piece): void {
    const last = this.#kept.at(-1);
    const unsent = last?.frame === undefined ? last : undefined;
    const both = unsent && joined(unsent.piece, piece);
    this.#bytes += piece.bytes;
    if (unsent && both) {
      unsent.piece = both;
    } else {
      if (unsent) unsent.piece = copied(unsent.piece);
      this.#kept.push({ piece });
      this.#bytes += PIECE_OVERHEAD_BYTES;
    }
    this.#pump();
    while (this.#bytes > KEPT_BYTES_MAX) this.#leaveOldestOut();
  }

  #leaveOldestOut(): void {
    const piece = this.#kept[0]?.piece;
    if (piece !== undefined) piece.source.lost[piece.stream] = endOf(piece);
    this.#forget(1);
  }

  /** Keeps so many of the oldest no longer: together, as each would move all behind it. */
  #forget(count: number): void {
    for (const { piece: { bytes } } of this.#kept.splice(0, count)) {
      this.#bytes -= bytes + PIECE_OVERHEAD_BYTES;
      if (this.#sent === 0) continue;
      this.#sent--;
      this.#sentBytes -= bytes + PIECE_OVERHEAD_BYTES;
      this.#done++;
    }
  }

  /** Sends what goes now; the rest is looked at again soon, or when the control plane has some. */
  #pump(): void {
    const [link, taker] = [this.#link, this.#taker];
    if (link === undefined || this.#pause !== undefined) return;
    for (;;) {
      const kept = this.#kept[this.#sent];
      if (kept === undefined) break;
      if (this.#sentBytes >= WINDOW_BYTES) return;
      if (this.#held() || link.bufferedBytes > BUFFERED_BYTES_MAX) {
        return this.#wait();
      }
      kept.frame = frameOf(kept);
      this.#sent++;
      this.#sentBytes += kept.piece.bytes + PIECE_OVERHEAD_BYTES;
      if (taker?.takes) link.send(kept.frame).catch(() => {}); // the next link has it again
      if (!taker?.acknowledges) this.#forget(1);
    }
    this.#flushed.resolve();
    this.#flushed = Promise.withResolvers();
  }

  #wait(): void {
    const { signal } = this.#pause = new AbortController();
    this.#clock.sleep(PACE_MS, { signal }).then(() => {
      this.#pause = undefined;
      this.#pump();
    }, () => {}); // the link is over, and the next one begins anew
  }
}

/** The piece as it is sent. */
function frameOf({ piece, frame }: Kept): LogFrame {
  const { source, stream, off, text } = piece;
  const { eventId, attempt, sent, lost } = source;
  const follows = off === lost[stream];
  if (frame !== undefined) {
    return { ...frame, trunc: follows || frame.trunc === true, again: true };
  }
  const trunc = follows || off !== sent[stream];
  sent[stream] = endOf(piece);
  return {
    ...{ type: "log", event_id: eventId, attempt, stream, off },
    data: text,
    trunc,
  };
}

/** Where what follows it begins. */
function endOf({ off, bytes }: Piece): number {
  return off + bytes;
}
