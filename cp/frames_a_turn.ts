// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import type { Turns } from "./turns.ts";

/** Frames of one connection that are taken in one go, before those of others. */
const FRAMES_MAX = 16;

const LINE_FEED = 10;

/** What `ws` reads frames with. */
export interface Receiver {
  /** Looked at before a frame is handed over: whether to do so at once, or by `setImmediate`. */
  _allowSynchronousEvents: boolean;
  /** Takes frames of what was read until none is left, or one has to wait. */
  startLoop(over: (error?: Error) => void): void;
}

/**
 * Takes several frames of a connection before everybody else has a turn. What
 * an agent says of an event often comes together, and with a turn for each
 * frame a control plane spends a sixth of its time on turns. With no bound an
 * agent that floods would keep the event loop for itself.
 *
 * `startLoop` has turns for all connections together: the runtime looks for
 * input only when nothing is left to be done, or after 61 rounds, and each
 * frame that waits for `setImmediate` begins another one. With many agents that
 * was more than half a second in which nobody else was heard.
 *
 * The fields are not for the public: without them there is one frame a round,
 * which the server asks for.
 */
export function severalFramesATurn(
  webSocket: WebSocket,
  startLoop: Receiver["startLoop"],
): void {
  const { _receiver: receiver } = webSocket as unknown as {
    readonly _receiver: Receiver;
  };
  let frames = 0;
  function count(more: number): void {
    // The one that had to wait is the first of the next ones.
    frames = frames >= FRAMES_MAX ? more : frames + more;
    receiver._allowSynchronousEvents = frames < FRAMES_MAX;
  }
  webSocket.on("message", (data) => count(linesOf(data as Uint8Array)))
    .on("ping", () => count(1)).on("pong", () => count(1));
  receiver.startLoop = startLoop;
}

/** How many frames a message may have: one for each of its lines. */
function linesOf(message: Uint8Array): number {
  let lines = 1;
  for (let at = -1; (at = message.indexOf(LINE_FEED, at + 1)) >= 0;) lines++;
  return lines;
}

/** How frames are taken when there is a turn for them: one function for all connections, as each keeps it. */
export function framesIn(turns: Pick<Turns, "run">): Receiver["startLoop"] {
  return function (this: Receiver, over) {
    const { startLoop }: Receiver = Object.getPrototypeOf(this);
    turns.run(() => startLoop.call(this, over));
  };
}
