/**
 * A WebSocket client that breaks whatever rule it is told to.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6455#section-5.2}
 * @module
 */

import { ok } from "node:assert/strict";
import { concat, decode, encode, RawSocket } from "./raw.ts";
import { HANG_MS_MAX } from "./target.ts";

/** What a frame is made of; a text frame, masked and whole, unless told otherwise. */
export interface FrameParts {
  /** 1 text, 2 binary, 0 more of the last, 8 close, 9 ping, 10 pong; a text unless told otherwise. */
  readonly opcode?: number;
  /** Whether a message ends with it. */
  readonly fin?: boolean;
  /** The three reserved bits, as a number from 0 to 7. */
  readonly reserved?: number;
  /** Whether it is masked. */
  readonly masked?: boolean;
  /** The length that it claims; its own unless told otherwise. */
  readonly length?: number;
}

/** Writes one frame. */
export function frame(
  payload: Uint8Array | string,
  parts: FrameParts = {},
): Uint8Array<ArrayBuffer> {
  const { opcode = 1, fin = true, reserved = 0, masked = true } = parts;
  const bytes = typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : payload;
  const length = parts.length ?? bytes.length;
  const mask = masked ? 0x80 : 0;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  if (length < 126) head.push(mask | length);
  else if (length < 65_536) head.push(mask | 126, length >> 8, length & 0xff);
  else {
    const long = new DataView(new ArrayBuffer(8));
    long.setBigUint64(0, BigInt(length));
    head.push(mask | 127, ...new Uint8Array(long.buffer));
  }
  // Masked with zeros, which leaves the payload as it is.
  if (masked) head.push(0, 0, 0, 0);
  return concat([Uint8Array.from(head), bytes]);
}

/** A frame that came. */
export interface Received {
  readonly opcode: number;
  /** Its payload, one character a byte. */
  readonly text: string;
}

/** A connection that was upgraded, and says what it is told to. */
export class RawWebSocket implements Disposable {
  readonly #socket: RawSocket;
  #unread = "";
  #upgraded = false;
  /** The answer to the upgrade. */
  head = "";
  /** Whole frames that came so far, in order. */
  readonly received: Received[] = [];
  /** What came as text, parsed. */
  readonly messages: Record<string, unknown>[] = [];

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  /**
   * Connects and upgrades.
   *
   * @param port Where.
   * @param options `headers`: lines that end in CRLF; `deaf`: reads nothing, not even the answer.
   */
  static async connect(
    port: number,
    { headers = "", deaf = false }: {
      readonly headers?: string;
      readonly deaf?: boolean;
    } = {},
  ): Promise<RawWebSocket> {
    const socket = await RawSocket.connect(
      port,
      (chunk) => webSocket.#take(decode(chunk)),
    );
    const webSocket = new RawWebSocket(socket);
    if (!deaf) socket.listen();
    await socket.send(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
    );
    if (deaf) return webSocket;
    await socket.until(() => webSocket.#upgraded, HANG_MS_MAX);
    ok(webSocket.head.startsWith("HTTP/1.1 101 "), webSocket.head);
    return webSocket;
  }

  /** The code that the far end closed with; 1005 without one, 1006 when it only hung up, `undefined` while it is open. */
  get closeCode(): number | undefined {
    const close = this.received.find(({ opcode }) => opcode === 8);
    if (close === undefined) {
      return this.#socket.end === "open" ? undefined : 1006;
    }
    const { text } = close;
    return text.length < 2
      ? 1005
      : (text.charCodeAt(0) << 8) + text.charCodeAt(1);
  }

  /** Sends bytes as they are; false when the far end takes no more. */
  async send(bytes: Uint8Array): Promise<boolean> {
    return await this.#socket.send(bytes);
  }

  /** Sends a value as a text frame. */
  async json(value: unknown): Promise<boolean> {
    return await this.send(frame(JSON.stringify(value)));
  }

  /** Waits until something holds, the connection is over or time is up; says whether it holds. */
  async until(condition: () => boolean, msMax: number): Promise<boolean> {
    return await this.#socket.until(condition, msMax);
  }

  /** Waits for the code the far end closes with. */
  async closed(msMax: number): Promise<number | undefined> {
    await this.until(() => this.closeCode !== undefined, msMax);
    return this.closeCode;
  }

  /** Drops the connection. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #take(text: string): void {
    this.#unread += text;
    if (!this.#upgraded) {
      const end = this.#unread.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.head = this.#unread.slice(0, end);
      this.#unread = this.#unread.slice(end + 4);
      this.#upgraded = true;
    }
    for (;;) {
      const next = readFrame(this.#unread);
      if (next === undefined) return;
      this.#unread = this.#unread.slice(next.length);
      this.received.push(next.frame);
      if (next.frame.opcode === 1) {
        const text = new TextDecoder().decode(encode(next.frame.text));
        // The first line is empty where the far end says that it takes several.
        for (const line of text.split("\n")) {
          if (line !== "") this.messages.push(JSON.parse(line));
        }
      }
    }
  }
}

/** Reads a frame as a server sends it, not masked; `undefined` while it is not whole. */
function readFrame(
  text: string,
): { readonly frame: Received; readonly length: number } | undefined {
  const opcode = text.charCodeAt(0) & 0x0f;
  let length = text.charCodeAt(1) & 0x7f;
  const bytes = length === 127 ? 8 : length === 126 ? 2 : 0;
  const from = 2 + bytes;
  if (text.length < from) return undefined;
  if (bytes > 0) length = 0;
  for (let i = 2; i < from; i++) length = length * 256 + text.charCodeAt(i);
  if (text.length < from + length) return undefined;
  const payload = text.slice(from, from + length);
  return { frame: { opcode, text: payload }, length: from + length };
}
