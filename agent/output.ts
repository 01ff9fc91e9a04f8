import {
  type Clock,
  IN_TIME,
  type OutputStream,
  utf8Length,
} from "@transporter/sdk";

/** Bytes of an attempt's output that go out as they come, and as many of its end. */
const HEAD_BYTES_MAX = 1024 * 1024;
const TAIL_BYTES_MAX = 1024 * 1024;

/** Pieces of its end that are kept: of two streams in turns each may be one character, and takes a hundred times that. */
const TAIL_PIECES_MAX = 16 * 1024;

/** Characters of a piece: short enough that a status need not wait long behind it. */
const PIECE_CHARS_MAX = 16 * 1024;

/** How long passes between two frames at least, in milliseconds: one for each line would be mostly frame. */
const GATHER_MS = 40;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whose output it is. */
export interface Source {
  /** Which event writes. */
  readonly eventId: string;
  /** Which attempt. */
  readonly attempt: number;
  /** Up to where each stream was sent: what begins elsewhere follows something that was left out. */
  readonly sent: Record<OutputStream, number>;
  /** Up to where each stream was left out, which may have been sent: what follows says that something is missing. */
  readonly lost: Partial<Record<OutputStream, number>>;
}

/** A piece of output, and where it was written. */
export interface Piece {
  /** What wrote it. */
  readonly source: Source;
  /** Where to. */
  readonly stream: OutputStream;
  /** Bytes of its stream before it. */
  readonly off: number;
  /** How many it has itself. */
  readonly bytes: number;
  /** The text. */
  readonly text: string;
}

/** Options of {@linkcode Output}. */
export interface OutputOptions extends Pick<Source, "eventId" | "attempt"> {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Takes what is to be sent, in the order it was written. */
  readonly take: (piece: Piece) => void;
}

/**
 * The output of one attempt: its beginning goes out as it comes, of the rest
 * the end is kept, which goes out when the attempt is over.
 */
export class Output {
  readonly #clock: Clock;
  readonly #take: (piece: Piece) => void;
  readonly #source: Source;
  readonly #written: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  #headBytes = 0;
  #waiting: Piece[] = [];
  #tail: Piece[] = [];
  #tailBytes = 0;
  /** How many of its first are left out: they go together, as each would move all behind it. */
  #tailGone = 0;
  readonly #over = new AbortController();
  #gathering = false;

  /** Made by {@linkcode Outputs.open}. */
  constructor({ eventId, attempt, clock, take }: OutputOptions) {
    this.#clock = clock;
    this.#take = take;
    this.#source = {
      ...{ eventId, attempt, sent: { stdout: 0, stderr: 0 }, lost: {} },
    };
  }

  /** Goes on behind what an earlier process passed on; before anything is written. */
  from(bytes: Readonly<Record<OutputStream, number>>): void {
    Object.assign(this.#written, bytes);
    this.#headBytes = bytes.stdout + bytes.stderr;
    // Of more than goes out as it comes, the rest was kept for the end, and is gone with that process.
    if (this.#headBytes > HEAD_BYTES_MAX) return;
    Object.assign(this.#source.sent, bytes);
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

  /** Sends what waits and the end of what was written; nothing is taken any more. Idempotent. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(IN_TIME);
    this.#flush();
    this.#dropGone();
    for (const piece of this.#tail.splice(0)) this.#take(piece);
  }

  #add(stream: OutputStream, text: string): void {
    const bytes = utf8Length(text);
    const [source, off] = [this.#source, this.#written[stream]];
    const piece = { source, stream, off, bytes, text };
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
    while (
      this.#tailBytes > TAIL_BYTES_MAX ||
      this.#tail.length - this.#tailGone > TAIL_PIECES_MAX
    ) {
      this.#tailBytes -= this.#tail[this.#tailGone++]?.bytes ?? 0;
    }
    if (this.#tailGone * 4 > this.#tail.length) this.#dropGone();
  }

  #dropGone(): void {
    this.#tail.splice(0, this.#tailGone);
    this.#tailGone = 0;
  }

  /** Sends what waits: at once after a pause, so that a line is seen when it is written; else when that was a moment ago. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#flush();
    const { signal } = this.#over;
    this.#clock.sleep(GATHER_MS, { signal }).then(() => {
      this.#gathering = false;
      if (this.#waiting.length > 0) this.#gather();
    }, () => {}); // the attempt is over, and all of it was sent
  }

  #flush(): void {
    for (const piece of this.#waiting.splice(0)) this.#take(piece);
  }
}

/** Both pieces as one, if the second goes on where the first ends and they are not too long for that. */
export function joined(first: Piece, second: Piece): Piece | undefined {
  const joins = first.source === second.source &&
    first.stream === second.stream && first.off + first.bytes === second.off &&
    first.text.length + second.text.length <= PIECE_CHARS_MAX;
  if (!joins) return undefined;
  return {
    ...first,
    bytes: first.bytes + second.bytes,
    text: first.text + second.text,
  };
}

/**
 * The piece with a text of its own, for one that waits: what is joined of single
 * characters takes more than twenty times its length, and what is cut out of a
 * long text keeps all of that.
 */
export function copied(piece: Piece): Piece {
  return { ...piece, text: DECODER.decode(ENCODER.encode(piece.text)) };
}

/** Adds a piece, to the last one if both are one piece together. */
function put(pieces: Piece[], piece: Piece): void {
  const last = pieces.pop();
  const both = last === undefined ? undefined : joined(last, piece);
  if (both !== undefined) pieces.push(both);
  else if (last === undefined) pieces.push(piece);
  else pieces.push(copied(last), piece);
}

/** Where a piece may end: at a place, but not in the middle of a character. */
function endOf(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
