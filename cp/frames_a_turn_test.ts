import { deepStrictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { setImmediate } from "node:timers";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { framesIn, severalFramesATurn } from "./frames_a_turn.ts";

/** Sends so many messages at once, and returns how many were taken in each turn. */
async function turnsOf(
  messages: number,
  prepare: (webSocket: WebSocket) => void,
  message: string = "a",
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
        if (taken === messages) all.resolve();
      });
    }
  });
  const text = new TextEncoder().encode(message);
  const frame = [0x81, 0x80 + text.length, 0, 0, 0, 0, ...text]; // behind a mask of zeros
  client.write(new Uint8Array(Array(messages).fill(frame).flat()));
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
  const turns = { run: async <T>(work: () => T | Promise<T>) => await work() };
  deepStrictEqual(
    await turnsOf(
      40,
      (webSocket) => severalFramesATurn(webSocket, framesIn(turns)),
    ),
    [16, 16, 8],
  );
  deepStrictEqual(await turnsOf(3, () => {}), [1, 1, 1]);
});

Deno.test("severalFramesATurn() counts each line of a message", async () => {
  const turns = { run: async <T>(work: () => T | Promise<T>) => await work() };
  deepStrictEqual(
    await turnsOf(
      12,
      (webSocket) => severalFramesATurn(webSocket, framesIn(turns)),
      "a\nb\nc",
    ),
    [6, 6], // eighteen frames each
  );
});

Deno.test("severalFramesATurn() takes no frame before there is a turn for it", async () => {
  const asked = Promise.withResolvers<void>();
  const turn = Promise.withResolvers<void>();
  let taken = 0;
  const taking = turnsOf(40, (webSocket) => {
    webSocket.on("message", () => taken++);
    const run = async <T>(work: () => T | Promise<T>) => {
      asked.resolve();
      await turn.promise;
      return await work();
    };
    severalFramesATurn(webSocket, framesIn({ run }));
  });
  await asked.promise;
  await new Promise((resolve) => setImmediate(resolve));
  deepStrictEqual(taken, 0);
  turn.resolve();
  deepStrictEqual((await taking).reduce((sum, each) => sum + each, 0), 40);
});
