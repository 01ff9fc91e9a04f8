import { TransporterError, type Wire } from "@transporter/sdk";
import type { Socket } from "node:net";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";

/** Bytes of the first message, a registration, with what surrounds it: twice what a registration may have. */
const FIRST_BYTES_MAX = 128 * 1024;

/**
 * Ends a connection whose first message is too long, before it fills memory:
 * nobody knows yet who that is, and a later message may be a hundred times as long.
 */
export function boundFirst(
  webSocket: WebSocket,
  { socket, wire }: { readonly socket: Socket; readonly wire: Wire },
): void {
  let bytes = 0;
  function count(chunk: Uint8Array): void {
    bytes += chunk.length;
    if (bytes <= FIRST_BYTES_MAX) return;
    // What still comes is thrown away, so that the far end gets to read why.
    socket.removeAllListeners("data").resume();
    wire.close(
      new TransporterError(
        "too_large",
        `Cannot take a registration of more than ${FIRST_BYTES_MAX} bytes`,
      ),
    );
  }
  socket.on("data", count);
  webSocket.once("message", () => socket.off("data", count));
}
