import type { PromptReceipt } from "./prompt_receipt.ts";
import type { Socket } from "./socket_wire.ts";

/** What the accepting end needs of a socket; those of the npm package `ws` fit. */
export interface ServerSocket {
  /** Bytes that wait to be written. */
  readonly bufferedAmount: number;
  /** Calls back with each message. */
  on(
    event: "message",
    listener: (data: unknown, binary: boolean) => void,
  ): unknown;
  /** Calls back once, when the connection is over. */
  on(
    event: "close",
    listener: (code: number, reason: unknown) => void,
  ): unknown;
  /** Calls back when it breaks; a `close` follows. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Sends one text message. */
  send(text: string, done: (error?: Error) => void): void;
  /** Sends an empty pong, which nobody asked for. */
  pong(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Drops the connection. */
  terminate(): void;
  /** Stops reading from the network. */
  pause(): void;
  /** Reads again. */
  resume(): void;
}

/** A connection that says when something arrives, and can hold back what is written, such as those of `node:net`. */
export interface Connection {
  /** Calls back with whatever arrives. */
  on(event: "data", listener: () => void): unknown;
  /** Holds back what is written from now on. */
  cork(): void;
  /** Writes it. */
  uncork(): void;
}

/** What a wire uses of a server's socket. A class: closures of each would take more memory. */
export class AcceptedSocket implements Socket {
  readonly #socket: ServerSocket;
  readonly #receipt: PromptReceipt;
  readonly #connection: Connection | undefined;
  #corked = false;

  constructor(
    socket: ServerSocket,
    receipt: PromptReceipt,
    connection: Connection | undefined,
  ) {
    this.#socket = socket;
    this.#receipt = receipt;
    this.#connection = connection;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: string): void {
    this.#receipt.cancel(); // it goes with the message
    this.#gather();
    this.#socket.send(message, ignore); // a failed write is followed by "close"
  }

  later(run: () => void): void {
    // By its global name: an agent shares this module, and does without `process`. From within a
    // microtask, as it would otherwise not wait for any of them.
    queueMicrotask(() => globalThis.process.nextTick(run));
  }

  /** What is sent before anything else can happen goes out as one write. */
  #gather(): void {
    if (this.#corked || this.#connection === undefined) return;
    this.#corked = true;
    this.#connection.cork();
    this.later(() => {
      this.#corked = false;
      this.#connection?.uncork();
    });
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  drop(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

function ignore(): void {}
