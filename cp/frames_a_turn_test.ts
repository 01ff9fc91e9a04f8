import { deepStrictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { severalFramesATurn } from "./frames_a_turn.ts";

/** Sends so many frames at once, and returns how many were taken in each turn. */
async function turnsOf(
  frames: number,
  prepare: (webSocket: WebSocket) => void,
): Promise<readonly number[]> {
  const server = createServer().listen(0, "127.0.0.1");
  const webSockets = new WebSocketServer({
    server,
    allowSynchronousEvents: false,
  });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port ?? 0 : 0;
  const client = connect(port, "127.0.0.1");
  client.resume();
  client.write(
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [webSocket]: WebSocket[] = await once(webSockets, "connection");
  const turns: number[] = [];
  const all = Promise.withResolvers<void>();
  if (webSocket) prepare(webSocket);
  let taken = 0;
  let inTurn = 0;
  webSocket?.on("message", () => {
    if (++inTurn === 1) {
      queueMicrotask(() => {
        turns.push(inTurn);
        taken += inTurn;
        inTurn = 0;
        if (taken === frames) all.resolve();
      });
    }
  });
  const frame = [0x81, 0x81, 0, 0, 0, 0, 0x61]; // "a", behind a mask of zeros
  client.write(new Uint8Array(Array(frames).fill(frame).flat()));
  await all.promise;
  const closed = once(client, "close");
  webSocket?.terminate();
  await closed;
  webSockets.close();
  server.close();
  await once(server, "close");
  return turns;
}

Deno.test("severalFramesATurn() takes sixteen frames before others have a turn", async () => {
  deepStrictEqual(await turnsOf(40, severalFramesATurn), [16, 16, 8]);
  deepStrictEqual(await turnsOf(3, () => {}), [1, 1, 1]);
});
