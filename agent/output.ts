import {
  type Clock,
  IN_TIME,
  type Link,
  type LogFrame,
  type OutputStream,
  utf8Length,
} from "@transporter/sdk";

/** Bytes of an attempt's output that go out as they come, and as many of its end. */
const HEAD_BYTES_MAX = 1024 * 1024;
const TAIL_BYTES_MAX = 1024 * 1024;

/** Characters of a piece: short enough that a status need not wait long behind it. */
const PIECE_CHARS_MAX = 16 * 1024;

/** How long passes between two frames at least, in milliseconds: one for each line would be mostly frame. */
const GATHER_MS = 40;

/** Bytes that may wait in the link beside output: half of where statuses begin to wait. */
const BUFFERED_BYTES_MAX = 2 * 1024 * 1024;

/** A piece of output, and where it was written. */
interface Piece {
  readonly stream: OutputStream;
  /** Bytes of its stream before it. */
  readonly off: number;
  readonly bytes: number;
  readonly text: string;
}

/**
 * What the attempts of an agent write, on its way to the control plane. Best
 * effort: nothing waits for it, and what nobody can take is left out.
 */
export class Outputs {
  readonly #clock: Clock;
  readonly #held: () => boolean;
  #link: Link | undefined;

  /**
   * Makes one that has nowhere to send to.
   *
   * @param clock Where time comes from.
   * @param held Whether the control plane takes no statuses now, and so no output.
   */
  constructor(clock: Clock, held: () => boolean) {
    this.#clock = clock;
    this.#held = held;
  }

  /** Sends over a link from now on, whose control plane takes output. */
  attach(link: Link): void {
    this.#link = link;
  }

  /** Sends nothing over a link any more. */
  detach(link: Link): void {
    if (this.#link === link) this.#link = undefined;
  }

  /** Begins the output of an attempt. */
  open(eventId: string, attempt: number): Output {
    return new Output({
      clock: this.#clock,
      send: (piece, trunc) =>
        this.#send({
          type: "log",
          event_id: eventId,
          attempt,
          stream: piece.stream,
          off: piece.off,
          data: piece.text,
          trunc,
        }),
    });
  }

  #send(frame: LogFrame): Promise<void> | undefined {
    const link = this.#link;
    const busy = link === undefined || this.#held() ||
      link.bufferedBytes > BUFFERED_BYTES_MAX;
    return busy ? undefined : link.send(frame);
  }
}

/** Options of {@linkcode Output}. */
export interface OutputOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /**
   * Sends a piece, and whether something before it is missing. Resolves when it
   * is written, and rejects when it is not; `undefined` when there is no way.
   */
  readonly send: (piece: Piece, trunc: boolean) => Promise<void> | undefined;
}

/**
 * The output of one attempt: its beginning goes out as it comes, of the rest
 * the end is kept, which goes out when the attempt is over, at the pace of the
 * link.
 */
export class Output {
  readonly #options: OutputOptions;
  readonly #written: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  /** Up to where the far end has all of a stream. */
  readonly #sent: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  #headBytes = 0;
  #waiting: Piece[] = [];
  #tail: Piece[] = [];
  #tailBytes = 0;
  readonly #over = new AbortController();
  #gathering = false;

  /** Made by {@linkcode Outputs.open}. */
  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Takes a piece of any length; never waits. */
  write(stream: OutputStream, text: string): void {
    if (this.#over.signal.aborted) return;
    const whole = text.toWellFormed();
    for (let at = 0; at < whole.length;) {
      const end = endOf(whole, at + PIECE_CHARS_MAX);
      this.#add(stream, whole.slice(at, end));
      at = end;
    }
  }

  /** Sends what waits and the end of what was written; nothing is taken any more. Idempotent; nobody need wait for it. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(IN_TIME);
    this.#flush();
    this.#sendTail();
  }

  #add(stream: OutputStream, text: string): void {
    const bytes = utf8Length(text);
    const piece = { stream, off: this.#written[stream], bytes, text };
    this.#written[stream] += bytes;
    if (this.#tail.length === 0 && this.#headBytes + bytes <= HEAD_BYTES_MAX) {
      this.#headBytes += bytes;
      put(this.#waiting, piece);
      if (this.#waiting.length > 1) this.#flush();
      else this.#gather();
      return;
    }
    put(this.#tail, piece);
    this.#tailBytes += bytes;
    while (this.#tailBytes > TAIL_BYTES_MAX) {
      this.#tailBytes -= this.#tail.shift()?.bytes ?? 0;
    }
  }

  /** Sends what waits: at once after a pause, so that a line is seen when it is written; else when that was a moment ago. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#flush();
    const { signal } = this.#over;
    this.#options.clock.sleep(GATHER_MS, { signal }).then(() => {
      this.#gathering = false;
      if (this.#waiting.length > 0) this.#gather();
    }, () => {}); // the attempt is over, and all of it was sent
  }

  #flush(): void {
    const pieces = this.#waiting;
    this.#waiting = [];
    for (const piece of pieces) this.#send(piece);
  }

  /** One piece after the other: all at once would be more than the link takes. */
  async #sendTail(): Promise<void> {
    for (const piece of this.#tail) await this.#send(piece);
  }

  /** Resolves when a piece is written, or will not be. */
  async #send(piece: Piece): Promise<void> {
    const { stream, off, bytes } = piece;
    const trunc = off !== this.#sent[stream];
    const sending = this.#options.send(piece, trunc);
    // What was not sent is missing before the next one.
    this.#sent[stream] = sending === undefined ? -1 : off + bytes;
    await sending?.catch(() => this.#sent[stream] = -1);
  }
}

/** Adds a piece, to the last one if it goes on where that ends and both are one piece together. */
function put(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  const joins = last !== undefined && last.stream === piece.stream &&
    last.text.length + piece.text.length <= PIECE_CHARS_MAX;
  if (!joins) {
    pieces.push(piece);
    return;
  }
  pieces[pieces.length - 1] = {
    ...last,
    bytes: last.bytes + piece.bytes,
    text: last.text + piece.text,
  };
}

/** Where a piece may end: at a place, but not in the middle of a character. */
function endOf(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
