import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { TransporterError, type Wire } from "../mod.ts";
import { acceptWebSocket, dialWebSocket } from "./websocket.ts";

/** A wire from end to end, and the messages that went over it. */
interface Watched extends AsyncDisposable {
  readonly near: Wire;
  readonly far: Wire;
  readonly up: readonly string[];
  readonly down: readonly string[];
}

async function open(frameBytesMax: number = 512 * 1024): Promise<Watched> {
  const { near, accepted, up } = await openWith((url) =>
    dialWebSocket(new URL(url), {
      signal: new AbortController().signal,
      frameBytesMax,
    })
  );
  const down: string[] = [];
  const send = accepted.send.bind(accepted);
  accepted.send = (text: string, ...rest: never[]) => {
    down.push(text);
    send(text, ...rest);
  };
  const far = acceptWebSocket(accepted);
  return {
    near,
    far,
    up,
    down,
    async [Symbol.asyncDispose]() {
      await Promise.all([near.close(), far.close()]);
    },
  };
}

/** Opens a near end by itself, and the socket of the other. */
async function openWith<T>(dial: (url: string) => T | Promise<T>) {
  const server = createServer().listen(0, "127.0.0.1");
  const sockets = new WebSocketServer({ server });
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  const up: string[] = [];
  const [near, [accepted]] = await Promise.all([
    dial(`ws://127.0.0.1:${address.port}/ws`),
    once(sockets, "connection"),
  ]);
  accepted.on("message", (data: unknown) => up.push(String(data)));
  server.close(); // takes no more; the connection goes on
  return { near, accepted, up };
}

async function take(wire: Wire, frames: number): Promise<readonly string[]> {
  const taken: string[] = [];
  const iterator = wire.frames[Symbol.asyncIterator]();
  while (taken.length < frames) {
    const { value, done } = await iterator.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** Reads a wire until it ends. */
async function drain(
  wire: Wire,
): Promise<{ readonly frames: readonly string[]; readonly code?: string }> {
  const frames: string[] = [];
  try {
    for await (const frame of wire.frames) frames.push(frame);
    return { frames };
  } catch (error) {
    return { frames, code: TransporterError.from(error).code };
  }
}

/** Lets both ends know that the other takes several frames in one message. */
async function greet({ near, far }: Watched): Promise<{
  readonly near: AsyncIterator<string>;
  readonly far: AsyncIterator<string>;
}> {
  const ends = {
    near: near.frames[Symbol.asyncIterator](),
    far: far.frames[Symbol.asyncIterator](),
  };
  await near.send("hello");
  strictEqual((await ends.far.next()).value, "hello");
  await far.send("welcome");
  strictEqual((await ends.near.next()).value, "welcome");
  return ends;
}

Deno.test("Lines: frames that are sent in one turn are one message, either way", async () => {
  await using wires = await open();
  const ends = await greet(wires);
  for (
    const [from, to] of [
      [wires.near, ends.far],
      [wires.far, ends.near],
    ] as const
  ) {
    const sending = ["1", "", "3"].map((frame) => from.send(frame));
    await Promise.all(sending);
    await from.send("4"); // a microtask later is the same turn
    for (const frame of ["1", "", "3", "4"]) {
      strictEqual((await to.next()).value, frame);
    }
  }
  deepStrictEqual(wires.up, ["\nhello", "1\n\n3\n4"]);
  deepStrictEqual(wires.down, ["\nwelcome", "1\n\n3\n4"]);
});

Deno.test("Lines: a message has 32 frames at most, and 64 Ki characters unless one is longer", async () => {
  await using wires = await open();
  await greet(wires);
  const long = "x".repeat(40_000);
  const longer = "y".repeat(100_000);
  const frames = [
    ...Array.from({ length: 70 }, (_, i) => `${i}`),
    ...[long, long, longer, "end"],
  ];
  await Promise.all(frames.map((frame) => wires.near.send(frame)));
  await wires.near.close();
  deepStrictEqual((await drain(wires.far)).frames, frames);
  deepStrictEqual(
    wires.up.slice(1).map((message) => message.split("\n").length),
    [32, 32, 6, 1, 1, 1, 1],
  );
});

Deno.test("Lines: what an agent gathers is short enough to be written with its header, what it is sent need not be", async () => {
  await using wires = await open();
  const ends = await greet(wires);
  const frames = Array.from({ length: 9 }, () => "x".repeat(300));
  for (
    const [from, to] of [
      [wires.near, ends.far],
      [wires.far, ends.near],
    ] as const
  ) {
    for (const frame of frames) from.send(frame);
    for (const frame of frames) strictEqual((await to.next()).value, frame);
  }
  const lengths = (messages: readonly string[]) =>
    messages.slice(1).map((message) => message.length);
  deepStrictEqual(lengths(wires.up), [902, 902, 902]);
  deepStrictEqual(lengths(wires.down), [9 * 301 - 1]);
});

Deno.test("Lines: what was sent goes before a close, also one with a reason", async () => {
  for (const reason of [undefined, new TransporterError("denied", "No")]) {
    await using wires = await open();
    const { far } = await greet(wires);
    wires.near.send("1");
    wires.near.send("2");
    await wires.near.close(reason);
    deepStrictEqual([(await far.next()).value, (await far.next()).value], [
      "1",
      "2",
    ]);
  }
});

Deno.test("Lines: a far end that does not say so gets a frame a message, and its line breaks are JSON", async () => {
  const { near, accepted, up } = await openWith((url) => new WebSocket(url));
  const far = acceptWebSocket(accepted);
  if (near.readyState !== WebSocket.OPEN) await once(near, "open");
  const down: string[] = [];
  const both = Promise.withResolvers<void>();
  near.onmessage = ({ data }) => {
    down.push(data);
    if (down.length === 2) both.resolve();
  };
  near.send('{\n"id": "a"\n}\n');
  deepStrictEqual(await take(far, 1), ['{\n"id": "a"\n}\n']);
  await Promise.all([far.send("1"), far.send("2")]);
  await both.promise;
  deepStrictEqual(down, ["1", "2"]);
  strictEqual(up.length, 1);
  await far.close();
});

Deno.test("Lines: a dialler sends a frame a message as long as the far end does not say that it takes more", async () => {
  const { near, accepted, up } = await openWith((url) =>
    dialWebSocket(new URL(url), {
      signal: new AbortController().signal,
      frameBytesMax: 1024,
    })
  );
  await near.send("hello");
  accepted.send('{"status":\n"registered"}');
  deepStrictEqual(await take(near, 1), ['{"status":\n"registered"}']);
  await Promise.all([near.send("1"), near.send("2")]);
  await near.close();
  deepStrictEqual(up, ["\nhello", "1", "2"]);
});

Deno.test("Lines: more frames in a message than there may be end the wire, either way", async () => {
  const many = "\n".repeat(33);
  {
    const { near, accepted } = await openWith((url) => new WebSocket(url));
    const far = acceptWebSocket(accepted);
    if (near.readyState !== WebSocket.OPEN) await once(near, "open");
    near.send("\nhello");
    near.send(many);
    const [{ code }, end] = await Promise.all([
      once(near, "close").then(([event]) => event),
      drain(far),
    ]);
    deepStrictEqual([code, end], [4400, {
      frames: ["hello"],
      code: "bad_frame",
    }]);
  }
  const { near, accepted } = await openWith((url) =>
    dialWebSocket(new URL(url), {
      signal: new AbortController().signal,
      frameBytesMax: 1024,
    })
  );
  accepted.send("\nhello");
  accepted.send(many);
  const [[code], end] = await Promise.all([
    once(accepted, "close"),
    drain(near),
  ]);
  deepStrictEqual([code, end], [4400, {
    frames: ["hello"],
    code: "bad_frame",
  }]);
});

Deno.test("Lines: the longest frame that may arrive bounds each of a message, not all of them together", async () => {
  await using wires = await open(1024);
  await greet(wires);
  const frames = ["a".repeat(1024), "b".repeat(1024), "c".repeat(1025)];
  await Promise.all(frames.map((frame) => wires.far.send(frame)));
  deepStrictEqual(await drain(wires.near), {
    frames: frames.slice(0, 2),
    code: "too_large",
  });
});

Deno.test("Lines: a first frame that is as long as it may be goes without another character", async () => {
  await using wires = await open();
  const long = "x".repeat(100_000);
  await wires.near.send(long);
  await wires.near.send("short");
  deepStrictEqual(await take(wires.far, 2), [long, "short"]);
  deepStrictEqual(wires.up, [long, "\nshort"]);
});
