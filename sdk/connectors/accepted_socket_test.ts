import { deepStrictEqual } from "node:assert/strict";
import { acceptWebSocket, type ServerSocket } from "./websocket.ts";

Deno.test("acceptWebSocket() writes once what is sent at a time, in order", async () => {
  const done: string[] = [];
  const socket: ServerSocket = {
    bufferedAmount: 0,
    on: () => {},
    send: (text) => done.push(text),
    pong: () => {},
    close: () => {},
    terminate: () => {},
    pause: () => {},
    resume: () => {},
  };
  const wire = acceptWebSocket(socket, {
    connection: {
      on: () => {},
      cork: () => done.push("cork"),
      uncork: () => done.push("uncork"),
    },
  });
  async function sendAll(...frames: readonly string[]): Promise<void> {
    for (const frame of frames) await wire.send(frame);
  }
  await Promise.all([sendAll("a", "b"), sendAll("c")]);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await sendAll("d");
  await new Promise((resolve) => setTimeout(resolve, 0));
  deepStrictEqual(done, [
    ...["cork", "a", "c", "b", "uncork"],
    ...["cork", "d", "uncork"],
  ]);
});
