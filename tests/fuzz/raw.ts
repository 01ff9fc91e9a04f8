/**
 * A connection that sends exactly the bytes it is told to: an HTTP client would
 * tidy them up.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** How a connection ended: by the far end, by a reset, or not within its time. */
export type End = "closed" | "reset" | "open";

/** What came of an exchange. */
export interface Exchange {
  /** All that came. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How it ended. */
  readonly end: End;
  /** Milliseconds from the last byte that was sent, or from the beginning when not all could be sent. */
  readonly ms: number;
}

/** Options of {@linkcode exchange}. */
export interface ExchangeOptions {
  /** Milliseconds to wait for the end. */
  readonly msMax: number;
  /** Whether to say that nothing more will be sent; true unless told otherwise. */
  readonly half?: boolean;
}

/** A connection; what arrives is kept. */
export class RawSocket implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #take: (chunk: Uint8Array<ArrayBuffer>) => void;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #end: End = "open";
  #wake: (() => void) | undefined;

  private constructor(
    conn: Deno.TcpConn,
    take?: (chunk: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#conn = conn;
    this.#take = take ?? ((chunk) => void this.#chunks.push(chunk));
  }

  /**
   * Connects to a port of this machine.
   *
   * @param port Where.
   * @param take What to do with what arrives; by default it is kept.
   */
  static async connect(
    port: number,
    take?: (chunk: Uint8Array<ArrayBuffer>) => void,
  ): Promise<RawSocket> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    return new RawSocket(conn, take);
  }

  /** Begins to read, once: until then nothing is taken from the network. */
  listen(): void {
    this.#read();
  }

  /** How it ended; `open` while it has not. */
  get end(): End {
    return this.#end;
  }

  /** All that was kept. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#chunks);
  }

  /** Sends bytes; false when the far end takes no more. */
  async send(bytes: Uint8Array | string): Promise<boolean> {
    const whole = typeof bytes === "string" ? encode(bytes) : bytes;
    try {
      for (let at = 0; at < whole.length;) {
        at += await this.#conn.write(whole.subarray(at));
      }
      return true;
    } catch (error) {
      if (!isGone(error)) throw error;
      return false;
    }
  }

  /** Says that nothing more will be sent. */
  async half(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Waits until something holds, the connection is over or time is up; says whether it holds. */
  async until(condition: () => boolean, msMax: number): Promise<boolean> {
    const timer = setTimeout(() => this.#wake?.(), msMax);
    const started = performance.now();
    try {
      while (
        !condition() && this.#end === "open" &&
        performance.now() - started < msMax
      ) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
    return condition();
  }

  /** Drops it. */
  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        this.#take(buffer.slice(0, count));
        this.#wake?.();
      }
      this.#end = "closed";
    } catch (error) {
      if (!isGone(error)) throw error;
      this.#end = "reset";
    }
    this.#wake?.();
  }
}

/** Sends all of it, and waits for the far end to close. */
export async function exchange(
  port: number,
  sent: Iterable<Uint8Array | string>,
  { msMax, half = true }: ExchangeOptions,
): Promise<Exchange> {
  using socket = await RawSocket.connect(port);
  socket.listen();
  const begun = performance.now();
  let last = begun;
  for (const bytes of sent) {
    if (!await socket.send(bytes)) break;
    last = performance.now();
  }
  if (half) await socket.half();
  await socket.until(() => false, msMax);
  const { bytes, end } = socket;
  return { bytes, end, ms: performance.now() - last };
}

/** Each character as the byte of its code: what is written down is what is sent. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

/** Bytes as text, one character a byte. */
export function decode(bytes: Uint8Array): string {
  // The "latin1" of TextDecoder is Windows-1252.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1");
}

/** Joins pieces. */
export function concat(
  chunks: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    chunks.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The far end, or this one, has closed it. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
