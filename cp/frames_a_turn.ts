// @ts-types="@types/ws"
import type { WebSocket } from "ws";

/** Frames of one connection that are taken in a turn of the event loop. */
const FRAMES_MAX = 16;

/** What `ws` looks at before it hands over a frame: whether to do so at once, or in the next turn. */
interface Receiver {
  _allowSynchronousEvents: boolean;
}

/**
 * Takes several frames of a connection before everybody else has a turn. What
 * an agent says of an event often comes together, and with a turn for each
 * frame a control plane spends a sixth of its time on turns. With no bound an
 * agent that floods would keep the event loop for itself.
 *
 * The field is not for the public: without it there is one frame a turn, which
 * the server asks for.
 */
export function severalFramesATurn(webSocket: WebSocket): void {
  const { _receiver: receiver } = webSocket as unknown as {
    readonly _receiver: Receiver;
  };
  let frames = 0;
  function count(): void {
    // The one that had to wait is the first of its turn.
    frames = frames === FRAMES_MAX ? 1 : frames + 1;
    receiver._allowSynchronousEvents = frames < FRAMES_MAX;
  }
  webSocket.on("message", count).on("ping", count).on("pong", count);
}
