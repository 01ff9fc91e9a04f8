import { TransporterError } from "../mod.ts";

/** Frames that a message has at most: all of them are taken in one turn of the event loop. */
const FRAMES_MAX = 32;

/** Characters of frames that are gathered unless told otherwise; a longer frame is a message of its own. */
const CHARS_MAX = 64 * 1024;

/** What {@linkcode Lines} does. */
export interface LinesOptions {
  /** Whether this end says, before the first frame, that it takes several in one message, too. */
  readonly says: boolean;
  /** Characters of frames that are gathered; 64 Ki when left out. */
  readonly charsMax?: number | undefined;
}

/** Where messages go. */
export interface LineSocket {
  /** Sends a message. */
  send(message: string): void;
  /** Runs something in this turn of the event loop, after what runs now. */
  later(run: () => void): void;
}

/**
 * Several frames in one WebSocket message, a line each: a message costs both
 * ends about as much as what is in it. JSON has no line break that is not
 * escaped, or need not be.
 *
 * Whoever takes such messages says so by an empty line before the first frame
 * that it sends. For anybody else that is white space before JSON.
 */
export class Lines {
  readonly #socket: LineSocket;
  readonly #charsMax: number;
  readonly #flush = () => {
    this.#due = false;
    this.flush();
  };
  #frames: string[];
  #chars = 0;
  #due = false;

  /** Sends to a far end that takes several. */
  constructor(socket: LineSocket, { says, charsMax }: LinesOptions) {
    this.#socket = socket;
    this.#charsMax = charsMax ?? CHARS_MAX;
    this.#frames = says ? [""] : [];
  }

  /** Sends a frame with those before and after it in this turn of the event loop. */
  send(frame: string): void {
    const full = this.#frames.length >= FRAMES_MAX ||
      this.#chars + frame.length > this.#charsMax;
    if (full && this.#chars > 0) this.flush();
    this.#frames.push(frame);
    this.#chars += frame.length + 1;
    if (this.#due) return;
    this.#due = true;
    this.#socket.later(this.#flush);
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#chars === 0) return;
    const message = this.#frames.join("\n");
    this.#frames = [];
    this.#chars = 0;
    this.#socket.send(message);
  }

  /** Forgets what was gathered: nothing can be sent any more. */
  end(): void {
    this.#frames = [];
    this.#chars = 0;
  }
}

/** Whether a message says that its sender takes several frames in one. */
export function saysLines(message: string): boolean {
  return message.startsWith("\n");
}

/** A first frame together with the word that this end takes several in one message; `undefined` for one that is too long for it. */
export function sayingLines(frame: string): string | undefined {
  return frame.length > CHARS_MAX ? undefined : `\n${frame}`;
}

/**
 * The frames of a message.
 *
 * @throws {TransporterError} `bad_frame` for more than one message may have.
 */
export function framesOf(message: string): readonly string[] {
  const frames = message.split("\n", FRAMES_MAX + 1);
  if (frames.length <= FRAMES_MAX) return frames;
  throw new TransporterError(
    "bad_frame",
    `Cannot take more than ${FRAMES_MAX} frames in one message`,
  );
}
