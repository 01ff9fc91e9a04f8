import { acceptWebSocket } from "@transporter/sdk/websocket";
import { deepStrictEqual, rejects } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { dials } from "./dials.ts";

const OPTIONS = {
  signal: new AbortController().signal,
  frameBytesMax: 1024,
};

/** A server that accepts WebSockets and says nothing; ends with the test. */
class Listener implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets: WebSocketServer;

  constructor(server: Server) {
    this.#server = server;
    this.sockets = new WebSocketServer({ server });
  }

  static async open(): Promise<Listener> {
    const server = createServer().listen(0, "127.0.0.1");
    const listener = new Listener(server);
    await once(server, "listening");
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sockets.close();
    this.#server.close();
    await once(this.#server, "close");
  }
}

for (
  const env of [
    { HTTP_PROXY: "http://proxy:3128" },
    { http_proxy: "http://proxy:3128" },
    { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "" },
    { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "example.com,other.net" },
    { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "p.example.org" },
    { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "a.cp.example.org" },
    { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "0.0.0.0/0,::/0" },
  ] as readonly Readonly<Record<string, string>>[]
) {
  Deno.test(`dials() refuses ws with ${JSON.stringify(env)}`, async () => {
    const url = new URL("ws://cp.example.org/ws");
    await rejects(dials(env)["ws"]!(url, OPTIONS), {
      code: "usage",
      message:
        'Cannot dial "ws://cp.example.org/ws" as a plain WebSocket does not go through the proxy in HTTP_PROXY: ' +
        'use wss, or add "cp.example.org" to NO_PROXY',
    });
  });
}

const PROXY = "http://127.0.0.1:9";

for (
  const env of [
    {},
    { HTTPS_PROXY: PROXY },
    { HTTP_PROXY: PROXY, NO_PROXY: "example.com, 127.0.0.1" },
    { HTTP_PROXY: PROXY, no_proxy: "127.0.0.1" },
    { HTTP_PROXY: PROXY, NO_PROXY: "*" },
    { HTTP_PROXY: PROXY, NO_PROXY: "example.com,127.0.0.0/8" },
  ]
) {
  Deno.test(`dials() dials ws with ${JSON.stringify(env)}`, async () => {
    await using listener = await Listener.open();
    const url = new URL(`ws://127.0.0.1:${listener.port}/ws`);
    const [near, [socket]] = await Promise.all([
      dials(env)["ws"]!(url, OPTIONS),
      once(listener.sockets, "connection") as Promise<[WebSocket]>,
    ]);
    const far = acceptWebSocket(socket);
    await near.send("hello");
    await near.close();
    deepStrictEqual(await Array.fromAsync(far.frames), ["hello"]);
    await far.close();
  });
}

Deno.test("dials() dials ws to the IPv6 address of this machine", async () => {
  const env = { HTTP_PROXY: PROXY, NO_PROXY: "localhost,127.0.0.1,::1" };
  // Nobody listens there: it was dialled.
  await rejects(dials(env)["ws"]!(new URL("ws://[::1]:1/ws"), OPTIONS), {
    code: "unavailable",
  });
});

Deno.test("dials() lets wss go its way through a proxy", async () => {
  const env = { HTTP_PROXY: "http://proxy:3128" };
  await using listener = await Listener.open();
  // It gets as far as the handshake, which a server without TLS cannot answer.
  await rejects(
    dials(env)["wss"]!(new URL(`wss://127.0.0.1:${listener.port}/`), OPTIONS),
    { code: "unavailable" },
  );
});

Deno.test("dials() refuses NATS over TCP where a proxy is set, and names its WebSocket form", async () => {
  const env = { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "localhost" };
  for (const scheme of ["nats", "tls"]) {
    const url = new URL(`${scheme}://me:s3cret@broker:4222`);
    await rejects(dials(env)[scheme]!(url, OPTIONS), {
      code: "usage",
      message:
        `Cannot dial "${scheme}://broker:4222" as NATS over TCP does not go through the proxy in HTTPS_PROXY: ` +
        'use nats+wss, or add "broker" to NO_PROXY',
    });
  }
  const near = new URL("nats://localhost:1");
  await rejects(
    dials(env)["nats"]!(near, { ...OPTIONS, agentId: "edge" }),
    { code: "unavailable" },
  );
});
