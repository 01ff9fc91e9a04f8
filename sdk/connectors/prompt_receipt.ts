import { clearImmediate, setImmediate } from "node:timers";

/** Milliseconds from one receipt to the next: each is a write, and where much arrives one is enough for all of it. */
const RECEIPT_MS = 5;

/**
 * Makes the kernel acknowledge what arrived at once. The runtime's WebSocket
 * leaves Nagle's algorithm on: its next small frame, and what follows the header
 * of a long one, waits for the acknowledgement of what was written last, and a
 * kernel with nothing to send holds that back for 40 ms. Any frame carries it; an unsolicited pong is the smallest one.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3}
 */
export class PromptReceipt {
  readonly #socket: { pong(): void };
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextAt = 0;

  /** Makes one for the server's end of a connection. */
  constructor(socket: { pong(): void }) {
    this.#socket = socket;
  }

  /** Something arrived: once for all of one turn of the event loop. */
  schedule(): void {
    if (this.#immediate !== undefined || this.#timer !== undefined) return;
    const waitMs = this.#nextAt - performance.now();
    if (waitMs > 0) this.#timer = setTimeout(() => this.#send(), waitMs);
    else this.#immediate = setImmediate(() => this.#send());
  }

  /** Something is being sent, which does as well; or the connection is over. */
  cancel(): void {
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#immediate = this.#timer = undefined;
  }

  #send(): void {
    this.cancel();
    this.#nextAt = performance.now() + RECEIPT_MS;
    this.#socket.pong();
  }
}
