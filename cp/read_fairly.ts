import type { IncomingMessage } from "node:http";
import { clearTimeout, setTimeout } from "node:timers";

/** Pieces of a body that are read in a turn; a piece may be a single byte. */
const TURN_PIECES_MAX = 1000;

/** Bytes of a body that are read in a turn. */
const TURN_BYTES_MAX = 1024 * 1024;

/**
 * Reads what a request brings, so much a turn of the event loop. A listener
 * for `data` reads for as long as the client is faster than we are, and until
 * then the runtime answers nobody else and lets no timer go off. Only a timer
 * gives the others their turn: `setImmediate` does not.
 *
 * @param incoming The request.
 * @param take Gets each piece.
 * @returns Dispose it to read no further.
 */
export function readFairly(
  incoming: IncomingMessage,
  take: (chunk: Uint8Array) => void,
): Disposable {
  let pieces = 0;
  let bytes = 0;
  let pause: ReturnType<typeof setTimeout> | undefined;
  function read(): void {
    while (pause === undefined) {
      const chunk: Uint8Array | null = incoming.read();
      if (chunk === null) return;
      bytes += chunk.length;
      pieces++;
      if (pieces >= TURN_PIECES_MAX || bytes >= TURN_BYTES_MAX) {
        [pieces, bytes] = [0, 0];
        pause = setTimeout(goOn, 0);
      }
      take(chunk);
    }
  }
  function goOn(): void {
    pause = undefined;
    read();
  }
  incoming.on("readable", read);
  return {
    [Symbol.dispose]() {
      incoming.off("readable", read);
      clearTimeout(pause);
    },
  };
}

/** How long a client may go on sending a body that was refused, in milliseconds. */
const LINGER_MS = 500;

/**
 * Ends a request that was answered before all of it was read. Closing at once
 * would throw away the answer with what the client is still sending.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9112#section-9.6}
 */
export function linger(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  const { socket } = incoming;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  const reading = readFairly(incoming, () => {});
  function over(): void {
    clearTimeout(timer);
    reading[Symbol.dispose]();
  }
  incoming.once("end", over);
  socket.once("close", over);
}
