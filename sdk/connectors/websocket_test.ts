import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import {
  connect,
  createServer as createTcpServer,
  type Socket,
} from "node:net";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { TransporterError, type Wire } from "../mod.ts";
import { testDial, testWire, type WirePair } from "../testing/mod.ts";
import { acceptWebSocket, dialWebSocket } from "./websocket.ts";

const FRAME_BYTES_MAX = 512 * 1024;
const { signal } = new AbortController();

/** What a test of its own needs: an upgrade that it answers itself. */
interface Place extends AsyncDisposable {
  readonly url: URL;
  readonly requests: readonly IncomingMessage[];
}

async function listen(
  answer: (socket: Socket, request: IncomingMessage, head: Buffer) => void,
): Promise<Place> {
  const server = createServer();
  const sockets = new Set<Socket>();
  const requests: IncomingMessage[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the client went away
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head) => {
    requests.push(request);
    answer(socket, request, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  return {
    url: new URL(`ws://127.0.0.1:${address.port}/ws`),
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The upgrade by hand, so that what follows can be anything. */
function upgrade(socket: Socket, request: IncomingMessage): void {
  const accept = createHash("sha1")
    .update(
      `${
        request.headers["sec-websocket-key"]
      }258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    )
    .digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}

/** Connected pairs over one server; closed by the last of them. */
async function open(): Promise<WirePair> {
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  const [near, [socket]] = await Promise.all([
    dialWebSocket(new URL(`ws://127.0.0.1:${address.port}/ws`), {
      signal,
      frameBytesMax: FRAME_BYTES_MAX,
    }),
    once(sockets, "connection"),
  ]);
  server.close(); // takes no more; the connection goes on
  return [near, acceptWebSocket(socket), () => socket.terminate()];
}

testWire("websocket", { open });

testDial("websocket", {
  dial: dialWebSocket,
  nobody: new URL("ws://127.0.0.1:1/ws"),
  async silent() {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}); // the client went away
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    ok(typeof address === "object" && address !== null);
    return {
      url: new URL(`ws://127.0.0.1:${address.port}/ws`),
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, "close");
      },
    };
  },
});

async function pair(): Promise<AsyncDisposable & { near: Wire; far: Wire }> {
  const [near, far] = await open();
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      await Promise.all([near.close(), far.close()]);
    },
  };
}

async function endOf(wire: Wire): Promise<unknown> {
  try {
    for await (const _ of wire.frames) { /* only the end matters */ }
    return undefined;
  } catch (error) {
    return error instanceof TransporterError ? error.code : error;
  }
}

Deno.test("dialWebSocket() says why it was refused", async () => {
  const codes = {
    401: "unauthenticated",
    403: "denied",
    404: "unavailable",
    426: "unsupported_version",
    429: "slow_down",
    503: "unavailable",
  };
  for (const [status, code] of Object.entries(codes)) {
    await using place = await listen((socket) => {
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\n\r\n`);
    });
    await rejects(
      dialWebSocket(place.url, { signal, frameBytesMax: FRAME_BYTES_MAX }),
      (error) =>
        error instanceof TransporterError && error.code === code &&
        error.message.includes(status) &&
        error.message.includes('connect to "/ws"') === (status === "404"),
    );
  }
});

Deno.test("dialWebSocket() sends its token, and no Origin", async () => {
  await using place = await listen((socket) => {
    socket.end("HTTP/1.1 401 No\r\nConnection: close\r\n\r\n");
  });
  await rejects(dialWebSocket(place.url, {
    signal,
    frameBytesMax: FRAME_BYTES_MAX,
    token: "t0ken",
  }));
  const headers = place.requests[0]?.headers;
  strictEqual(headers?.authorization, "Bearer t0ken");
  strictEqual(headers?.origin, undefined);
});

Deno.test("dialWebSocket() rejects what is no WebSocket URL", async () => {
  await rejects(
    dialWebSocket(new URL("ftp://127.0.0.1/ws"), { signal, frameBytesMax: 1 }),
    { code: "usage" },
  );
});

Deno.test("SocketWire ends both ends with too_large for a long frame, either way", async () => {
  for (const direction of ["there", "back"]) {
    await using wires = await pair();
    const [from, to] = direction === "there"
      ? [wires.near, wires.far]
      : [wires.far, wires.near];
    // Two bytes a character, so that counting characters would not do.
    await from.send("é".repeat(FRAME_BYTES_MAX / 2 + 1));
    deepStrictEqual(await Promise.all([endOf(from), endOf(to)]), [
      "too_large",
      "too_large",
    ]);
  }
});

Deno.test("SocketWire takes a frame of exactly the longest length", async () => {
  for (const direction of ["there", "back"]) {
    await using wires = await pair();
    const [from, to] = direction === "there"
      ? [wires.near, wires.far]
      : [wires.far, wires.near];
    await from.send("é".repeat(FRAME_BYTES_MAX / 2));
    await from.close();
    strictEqual(await endOf(to), undefined);
  }
});

Deno.test("acceptWebSocket() refuses binary frames with 4400", async () => {
  const [near, far] = await (async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    ok(typeof address === "object" && address !== null);
    const client = new WebSocket(`ws://127.0.0.1:${address.port}/`);
    const [socket] = await once(sockets, "connection");
    server.close();
    return [client, acceptWebSocket(socket)] as const;
  })();
  if (near.readyState !== WebSocket.OPEN) await once(near, "open");
  near.send(new Uint8Array(3));
  const [[event], end] = await Promise.all([once(near, "close"), endOf(far)]);
  strictEqual(event.code, 4400);
  strictEqual(end, "bad_frame");
  await far.close();
});

Deno.test("dialWebSocket() refuses binary frames with 4400", async () => {
  const closed = Promise.withResolvers<number>();
  await using place = await listen((socket, request) => {
    upgrade(socket, request);
    socket.write(Uint8Array.of(0x82, 1, 7));
    socket.once("data", (frame: Uint8Array) => {
      closed.resolve(
        ((frame[6] ?? 0) ^ (frame[2] ?? 0)) << 8 |
          ((frame[7] ?? 0) ^ (frame[3] ?? 0)),
      );
      socket.end(Uint8Array.of(0x88, 0));
    });
  });
  const wire = await dialWebSocket(place.url, {
    signal,
    frameBytesMax: FRAME_BYTES_MAX,
  });
  strictEqual(await endOf(wire), "bad_frame");
  strictEqual(await closed.promise, 4400);
  await wire.close();
});

Deno.test("Wire.close() is over in bounded time when the far end never answers", async () => {
  await using place = await listen(upgrade);
  const wire = await dialWebSocket(place.url, {
    signal,
    frameBytesMax: FRAME_BYTES_MAX,
    closeMs: 20,
  });
  await wire.close();
  strictEqual(await endOf(wire), undefined);
});

Deno.test("Wire.close() hardly waits for a far end that was silent for too long", async () => {
  await using place = await listen(upgrade);
  const wire = await dialWebSocket(place.url, {
    signal,
    frameBytesMax: FRAME_BYTES_MAX,
    closeMs: 3_600_000,
  });
  await wire.close(new TransporterError("timeout", "Silent"));
  strictEqual(await endOf(wire), undefined);
});

Deno.test("acceptWebSocket() drops a socket that never answers a close", async () => {
  const accepted = Promise.withResolvers<Wire>();
  const sockets = new WebSocketServer({ noServer: true });
  const gone = Promise.withResolvers<void>();
  await using place = await listen((socket, request, head) => {
    socket.on("close", () => gone.resolve());
    sockets.handleUpgrade(
      request,
      socket,
      head,
      (webSocket) =>
        accepted.resolve(acceptWebSocket(webSocket, { closeMs: 20 })),
    );
  });
  const client = createClient(place.url);
  const wire = await accepted.promise;
  await wire.close();
  await gone.promise;
  client.destroy();
});

Deno.test("acceptWebSocket() drops a socket that goes on sending after the wire has ended because of it", async () => {
  const gone = Promise.withResolvers<void>();
  const accepted = Promise.withResolvers<Wire>();
  const sockets = new WebSocketServer({ noServer: true });
  await using place = await listen((socket, request, head) => {
    socket.on("close", () => gone.resolve());
    sockets.handleUpgrade(
      request,
      socket,
      head,
      (webSocket) =>
        accepted.resolve(acceptWebSocket(webSocket, { closeMs: 600_000 })),
    );
  });
  const client = createClient(place.url);
  client.resume();
  const wire = await accepted.promise;
  client.write(Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 1)); // binary
  strictEqual(await endOf(wire), "bad_frame");
  const hello = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69);
  const flood = new Uint8Array(hello.length * 20_000);
  for (let at = 0; at < flood.length; at += hello.length) flood.set(hello, at);
  client.write(flood);
  await gone.promise;
  client.destroy();
  await wire.close();
});

Deno.test("Wire.send() ends the wire when the far end reads nothing for too long", async () => {
  const accepted = Promise.withResolvers<Wire>();
  const sockets = new WebSocketServer({ noServer: true });
  await using place = await listen((socket, request, head) => {
    sockets.handleUpgrade(
      request,
      socket,
      head,
      (webSocket) =>
        accepted.resolve(acceptWebSocket(webSocket, { stallMs: 50 })),
    );
  });
  const client = createClient(place.url);
  client.pause();
  const wire = await accepted.promise;
  await rejects(
    (async () => {
      while (true) await wire.send("x".repeat(256 * 1024));
    })(),
    { code: "unavailable" },
  );
  strictEqual(await endOf(wire), "unavailable");
  await wire.close();
  client.destroy();
});

Deno.test("acceptWebSocket() answers a frame with a pong when it has nothing else to say", async () => {
  const accepted = Promise.withResolvers<Wire>();
  const sockets = new WebSocketServer({ noServer: true });
  await using place = await listen((socket, request, head) => {
    sockets.handleUpgrade(
      request,
      socket,
      head,
      (webSocket) => accepted.resolve(acceptWebSocket(webSocket)),
    );
  });
  const client = createClient(place.url);
  const wire = await accepted.promise;
  const hello = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69);
  let bytes = "";
  client.on("data", (chunk) => bytes += chunk.toString("latin1"));
  async function until(end: string): Promise<void> {
    while (!bytes.endsWith(end)) await once(client, "data");
    bytes = "";
  }
  await until("\r\n\r\n");
  client.write(hello);
  await until("\x8a\x00");
  const frames = wire.frames[Symbol.asyncIterator]();
  await frames.next();
  client.write(hello);
  await frames.next();
  await wire.send("yes"); // says it all
  await until("\x81\x03yes");
  client.write(hello);
  await until("\x8a\x00");
  client.destroy();
  await endOf(wire);
  await wire.close();
});

Deno.test("acceptWebSocket() answers the header of a frame with a pong, as the rest may wait for that", async () => {
  const accepted = Promise.withResolvers<Wire>();
  const sockets = new WebSocketServer({ noServer: true });
  await using place = await listen((socket, request, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      accepted.resolve(acceptWebSocket(webSocket, { connection: socket }));
    });
  });
  const client = createClient(place.url);
  const wire = await accepted.promise;
  let bytes = "";
  client.on("data", (chunk) => bytes += chunk.toString("latin1"));
  while (!bytes.endsWith("\r\n\r\n")) await once(client, "data");
  client.write(Uint8Array.of(0x81, 0x82, 0, 0, 0, 0)); // "hi" is to follow
  while (!bytes.endsWith("\x8a\x00")) await once(client, "data");
  client.write("hi");
  const { value } = await wire.frames[Symbol.asyncIterator]().next();
  strictEqual(value, "hi");
  client.destroy();
  await endOf(wire);
  await wire.close();
});

/** A client that upgrades and then does nothing by itself. */
function createClient(url: URL): Socket {
  const client = connect(Number(url.port), "127.0.0.1");
  client.on("error", () => {}); // dropped, as it shall be
  client.write(
    `GET /ws HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  return client;
}
