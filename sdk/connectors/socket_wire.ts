import { closeCodeOf, Queue, TransporterError, type Wire } from "../mod.ts";

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
  send(frame: string): void;
  close(code: number, reason: string): void;
  /** Drops the connection, where the runtime can. */
  drop(): void;
  pause(): void;
  resume(): void;
}

/**
 * A wire over a socket of either kind: how much may wait in both directions, for
 * how long, and who is told why it ended.
 */
export class SocketWire implements Wire {
  readonly frames: AsyncIterable<string>;
  readonly #socket: Socket;
  readonly #times: WebSocketTimes;
  readonly #incoming = new Queue<string>(Infinity);
  #over: PromiseWithResolvers<void> | undefined;
  #isOver = false;
  #unread = 0;
  #late = 0;
  #paused = false;
  #listening = true;
  #open = true;
  #closing = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<unknown> | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, times: WebSocketTimes) {
    this.#socket = socket;
    this.#times = times;
    this.frames = this.#read();
  }

  async *#read(): AsyncGenerator<string, void, undefined> {
    try {
      for await (const frame of this.#incoming) {
        this.#unread -= frame.length;
        if (this.#paused && this.#unread < READ_HIGH / 2) this.#resume();
        yield frame;
      }
    } finally {
      this.#listening = false;
      this.#resume();
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** A frame arrived. Those that were sent before the far end heard of a close still do. */
  receive(frame: string): void {
    if (!this.#listening) {
      // Whoever floods does not answer a close; reading on costs us more than it costs them.
      this.#late += frame.length + 100;
      if (this.#late > LATE_MAX) this.#socket.drop();
      return;
    }
    this.#unread += frame.length;
    this.#incoming.push(frame);
    if (this.#unread > READ_MAX) {
      this.fail(
        new TransporterError(
          "slow_down",
          "Cannot take more frames as nobody reads those that wait",
        ),
      );
    } else if (this.#unread > READ_HIGH && this.#open && !this.#paused) {
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
    const before = this.#turn ?? Promise.resolve();
    const turn = before.then(() => this.#write(frame));
    this.#turn = turn.catch(() => {}); // whoever sent it is told
    await turn;
  }

  async #write(frame: string): Promise<void> {
    const { stallMs = 30_000 } = this.#times;
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
    this.#socket.send(frame);
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
    this.#shut();
    this.#resume();
    if (open) {
      const code = reason === undefined ? 1000 : closeCodeOf(reason.code);
      this.#socket.close(code, shorten(reason?.message ?? ""));
    }
    const { closeMs = 5_000 } = this.#times;
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
    this.#wake?.();
  }
}

/** Cuts a reason to what a close frame takes, between two characters. */
function shorten(text: string): string {
  const bytes = new Uint8Array(REASON_BYTES_MAX);
  const { read } = encoder.encodeInto(text, bytes);
  return text.slice(0, read);
}
