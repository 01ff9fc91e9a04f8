import { closeCodeOf, Queue, TransporterError, type Wire } from "../mod.ts";
import { isLonger, tooLong } from "./frame_limit.ts";
import { framesOf, Lines, sayingLines, saysLines } from "./lines.ts";

/** How long a wire waits for the far end; all in milliseconds. */
export interface WebSocketTimes {
  /** How long {@linkcode Wire.close} waits for the far end to answer; 5 s when left out. One that is closed with `timeout` is hardly waited for. */
  readonly closeMs?: number;
  /** How long a write may make no progress before the wire ends; 30 s when left out. */
  readonly stallMs?: number;
}

/** Bytes that may wait to be written before `send` waits. */
const WRITE_HIGH = 1024 * 1024;

/** Characters that may wait for the consumer before a socket that can pause does. */
const READ_HIGH = 1024 * 1024;

/** Characters that may wait for the consumer at all: more than two of the longest messages. */
const READ_MAX = 32 * 1024 * 1024;

/** Characters, and a hundred for each frame, that a far end may send on after the wire has ended because of it. */
const LATE_MAX = 1024 * 1024;

/** How often a full buffer is looked at, in milliseconds: sockets of a runtime do not say when it drains. */
const POLL_MS = 10;

/**
 * How long a far end that was silent for too long already is waited for, in
 * milliseconds: enough for the close frame to go out.
 */
const SILENT_CLOSE_MS = 100;

/** The longest reason that a close frame takes, in bytes. @see {@link https://www.rfc-editor.org/rfc/rfc6455#section-5.5} */
const REASON_BYTES_MAX = 123;

const encoder = new TextEncoder();

/** What the two kinds of sockets have in common. */
export interface Socket {
  readonly bufferedAmount: number;
  send(message: string): void;
  /** Runs something in this turn of the event loop, after what runs now. */
  later(run: () => void): void;
  close(code: number, reason: string): void;
  /** Drops the connection, where the runtime can. */
  drop(): void;
  pause(): void;
  resume(): void;
}

/** Options of {@linkcode SocketWire}. */
export interface SocketWireOptions extends WebSocketTimes {
  /** The longest frame that may arrive, in bytes; any when left out. */
  readonly frameBytesMax?: number;
  /** Characters of frames that go together in one message; 64 Ki when left out. */
  readonly gatheredMax?: number;
  /** Whether it is the first to say that it takes several frames in one message; the other end says so when it has heard it. */
  readonly saysFirst?: boolean;
}

/**
 * A wire over a socket of either kind: how much may wait in both directions, for
 * how long, and who is told why it ended.
 */
export class SocketWire implements Wire {
  readonly frames: AsyncIterable<string>;
  readonly #socket: Socket;
  readonly #options: SocketWireOptions;
  readonly #incoming = new Queue<string>(Infinity);
  #over: PromiseWithResolvers<void> | undefined;
  #isOver = false;
  #late = 0;
  #paused = false;
  #listening = true;
  #open = true;
  #closing = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<unknown> | undefined;
  /** What gathers frames, once the far end is known to take several in one message. */
  #lines: Lines | undefined;
  /** Whether the far end has yet to be told that this one does. */
  #says: boolean;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, options: SocketWireOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#says = options.saysFirst ?? false;
    this.frames = this.#read();
  }

  /** By hand: a generator takes more memory for each wire, and costs each frame several turns of the microtask queue. */
  #read(): AsyncIterableIterator<string, undefined> {
    const incoming = this.#incoming[Symbol.asyncIterator]();
    const frames: AsyncIterableIterator<string, undefined> = {
      next: () => {
        const next = incoming.next();
        if (this.#incoming.weight < READ_HIGH / 2) this.#resume();
        return next;
      },
      return: () => {
        this.#listening = false;
        this.#incoming.close();
        this.#resume();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => frames,
    };
    return frames;
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** A message arrived: a frame, or several of a far end that may send so. */
  receive(message: string): void {
    const { saysFirst = false, gatheredMax: charsMax } = this.#options;
    const says = this.#lines === undefined && saysLines(message);
    if (says) {
      this.#lines = new Lines(this.#socket, { says: !saysFirst, charsMax });
    }
    if (this.#lines === undefined) return this.#take(message);
    try {
      const frames = framesOf(says ? message.slice(1) : message);
      for (const frame of frames) this.#take(frame);
    } catch (error) {
      this.fail(TransporterError.from(error));
    }
  }

  /** A frame arrived. Those that were sent before the far end heard of a close still do. */
  #take(frame: string): void {
    if (!this.#listening) {
      // Whoever floods does not answer a close; reading on costs us more than it costs them.
      this.#late += frame.length + 100;
      if (this.#late > LATE_MAX) this.#socket.drop();
      return;
    }
    const { frameBytesMax = Infinity } = this.#options;
    if (isLonger(frame, frameBytesMax)) {
      return this.fail(tooLong(frameBytesMax));
    }
    this.#incoming.push(frame, frame.length);
    const unread = this.#incoming.weight;
    if (unread > READ_MAX) {
      this.fail(
        new TransporterError(
          "slow_down",
          "Cannot take more frames as nobody reads those that wait",
        ),
      );
    } else if (unread > READ_HIGH && this.#open && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** The connection is over, for a reason or without one. */
  ended(reason: TransporterError | undefined): void {
    clearTimeout(this.#deadline);
    this.#shut();
    // What happens after a close of our own is its consequence.
    this.#incoming.close(this.#closing ? undefined : reason);
    this.#closing = true;
    this.#isOver = true;
    this.#over?.resolve();
  }

  /** Ends the wire because of what the far end did. */
  fail(error: TransporterError): void {
    this.#incoming.close(error);
    this.#listening = false;
    this.#begin(error);
  }

  async send(frame: string): Promise<void> {
    if (this.#turn === undefined && this.#hasRoom) return this.#post(frame);
    const before = this.#turn ?? Promise.resolve();
    const writing = before.then(() => this.#write(frame));
    const turn = writing.catch(() => {}); // whoever sent it is told
    this.#turn = turn;
    try {
      await writing;
    } finally {
      if (this.#turn === turn) this.#turn = undefined;
    }
  }

  get #hasRoom(): boolean {
    return this.#open && this.#socket.bufferedAmount <= WRITE_HIGH;
  }

  async #write(frame: string): Promise<void> {
    const { stallMs = 30_000 } = this.#options;
    let least = Infinity;
    let waitedMs = 0;
    while (this.#open && this.#socket.bufferedAmount > WRITE_HIGH) {
      if (this.#socket.bufferedAmount < least) {
        least = this.#socket.bufferedAmount;
        waitedMs = 0;
      } else if (waitedMs >= stallMs) {
        this.#stall();
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      waitedMs += POLL_MS;
    }
    if (!this.#open) {
      throw new TransporterError(
        "unavailable",
        "Cannot send as the wire is closed",
      );
    }
    this.#post(frame);
  }

  /** Hands a frame over, by itself or with others of this turn of the event loop. */
  #post(frame: string): void {
    if (this.#lines !== undefined) return this.#lines.send(frame);
    const saying = this.#says ? sayingLines(frame) : undefined;
    if (saying !== undefined) this.#says = false;
    this.#socket.send(saying ?? frame);
  }

  #stall(): void {
    this.#incoming.close(
      new TransporterError(
        "unavailable",
        "Cannot send as the far end reads nothing",
      ),
    );
    this.#listening = false;
    this.#shut();
    this.#socket.drop();
  }

  async close(reason?: TransporterError): Promise<void> {
    this.#begin(reason);
    if (this.#isOver) return;
    this.#over ??= Promise.withResolvers();
    await this.#over.promise;
  }

  #begin(reason: TransporterError | undefined): void {
    if (this.#closing) return;
    this.#closing = true;
    const open = this.#open;
    if (open) this.#lines?.flush();
    this.#shut();
    this.#resume();
    if (open) {
      const code = reason === undefined ? 1000 : closeCodeOf(reason.code);
      this.#socket.close(code, shorten(reason?.message ?? ""));
    }
    const { closeMs = 5_000 } = this.#options;
    const waitMs = reason?.code === "timeout"
      ? Math.min(SILENT_CLOSE_MS, closeMs)
      : closeMs;
    this.#deadline = setTimeout(() => {
      this.#socket.drop();
      this.ended(undefined);
    }, waitMs);
  }

  /** Lets nobody send any more. */
  #shut(): void {
    this.#open = false;
    this.#lines?.end();
    this.#wake?.();
  }
}

/** Cuts a reason to what a close frame takes, between two characters. */
function shorten(text: string): string {
  const bytes = new Uint8Array(REASON_BYTES_MAX);
  const { read } = encoder.encodeInto(text, bytes);
  return text.slice(0, read);
}
