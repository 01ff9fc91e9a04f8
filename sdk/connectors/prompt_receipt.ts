import { clearImmediate, setImmediate } from "node:timers";

/** Milliseconds from one receipt to the next: each is a write, and where much arrives one is enough for all of it. */
const RECEIPT_MS = 5;

/**
 * Makes the kernel acknowledge what arrived at once. The runtime's WebSocket
 * leaves Nagle's algorithm on: its next small frame waits for the
 * acknowledgement of the last one, and a kernel with nothing to send holds that
 * back for 40 ms. Any frame carries it; an unsolicited pong is the smallest one.
 *
 * @param socket The server's end of the connection.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3}
 */
export function promptReceipt(
  socket: { pong(): void },
): { schedule(): void; cancel(): void } {
  let immediate: ReturnType<typeof setImmediate> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let nextAt = 0;

  function cancel(): void {
    clearImmediate(immediate);
    clearTimeout(timer);
    immediate = timer = undefined;
  }
  function send(): void {
    cancel();
    nextAt = performance.now() + RECEIPT_MS;
    socket.pong();
  }
  return {
    /** Something arrived: once for all of one turn of the event loop. */
    schedule() {
      if (immediate !== undefined || timer !== undefined) return;
      const waitMs = nextAt - performance.now();
      if (waitMs > 0) timer = setTimeout(send, waitMs);
      else immediate = setImmediate(send);
    },
    /** Something is being sent, which does as well; or the connection is over. */
    cancel,
  };
}
