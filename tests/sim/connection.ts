import {
  closeCodeOf,
  codeOfClose,
  Queue,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import type { Process } from "./machine.ts";
import type { Packet, Pipe } from "./pipe.ts";

/** Characters on their way beyond which `send` waits: buffers of sockets are small. */
const BUFFER_CHARS = 16 * 1024;

/** How long `close` waits for the far end, in milliseconds. */
const CLOSE_MS = 5_000;

/** How long a write may make no progress before the wire ends, in milliseconds. */
const STALL_MS = 30_000;

/** How often a full buffer is looked at, in milliseconds. */
const POLL_MS = 10;

/** Sees what the control plane's end of a connection does. */
export interface EndObserver {
  /** It sends a frame. */
  sent(text: string): void;
  /** It takes a frame. */
  took(text: string): void;
  /** It closes the connection, or hears that the other end did, or that it is broken. */
  over(
    by: "control-plane" | "agent" | "network",
    reason?: TransporterError,
  ): void;
}

/** One end of a connection: a wire as a WebSocket makes one. */
export class End implements Wire {
  readonly frames: AsyncIterable<string>;
  readonly #process: Process;
  readonly #observer: EndObserver | undefined;
  readonly #incoming = new Queue<string>(Infinity);
  readonly #over = Promise.withResolvers<void>();
  #outgoing: Pipe | undefined;
  #open = true;
  #closing = false;

  /** Makes one end; {@linkcode attach} gives it its way out. */
  constructor(process: Process, observer?: EndObserver) {
    this.#process = process;
    this.#observer = observer;
    this.frames = this.#incoming;
  }

  /** Whether it may send. */
  get open(): boolean {
    return this.#open;
  }

  /** Says where its frames go. */
  attach(outgoing: Pipe): void {
    this.#outgoing = outgoing;
  }

  async send(frame: string): Promise<void> {
    const { clock } = this.#process;
    const giveUpAt = clock.monotonic() + STALL_MS;
    while (this.#open && this.#size > BUFFER_CHARS) {
      if (clock.monotonic() >= giveUpAt) {
        this.#broken("Cannot send as the far end reads nothing");
      } else await clock.sleep(POLL_MS);
    }
    if (!this.#open) {
      throw new TransporterError(
        "unavailable",
        "Cannot send as the wire is closed",
      );
    }
    this.#observer?.sent(frame);
    this.#outgoing?.send({ kind: "frame", text: frame });
  }

  async close(reason?: TransporterError): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      if (this.#open) {
        this.#open = false;
        this.#observer?.over("control-plane", reason);
        this.#outgoing?.send({ kind: "close", reason });
      }
      this.#process.clock.sleep(CLOSE_MS).then(() => this.#end(undefined));
    }
    await this.#over.promise;
  }

  /** Something arrived. */
  take(packet: Packet): void {
    switch (packet.kind) {
      case "frame":
        this.#observer?.took(packet.text);
        return this.#incoming.push(packet.text);
      case "close":
        if (this.#open) this.#observer?.over("agent", packet.reason);
        this.#outgoing?.send({ kind: "closed" });
        return this.#end(told(packet.reason));
      case "closed":
        return this.#end(undefined);
      case "broken":
        return this.#broken("Cannot go on as the connection is broken");
    }
  }

  get #size(): number {
    return this.#outgoing?.size ?? 0;
  }

  #broken(message: string): void {
    if (this.#open) this.#observer?.over("network");
    this.#end(new TransporterError("unavailable", message));
  }

  #end(error: TransporterError | undefined): void {
    this.#open = false;
    // What happens after a close of our own is its consequence.
    this.#incoming.close(this.#closing ? undefined : error);
    this.#over.resolve();
  }
}

/** The reason of the far end, as far as a close code carries it. */
function told(reason?: TransporterError): TransporterError | undefined {
  if (reason === undefined) return undefined;
  const code = codeOfClose(closeCodeOf(reason.code));
  return code && new TransporterError(code, reason.message);
}
