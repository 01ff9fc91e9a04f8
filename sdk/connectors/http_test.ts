import { ok } from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { TransporterError, type Wire } from "../mod.ts";
import { testDial, testWire, type WirePair } from "../testing/mod.ts";
import { dialHttp, dialSse, HttpAcceptor } from "./http.ts";

const FRAME_BYTES_MAX = 512 * 1024;
const { signal } = new AbortController();

/** A server that can be ended at once, with all its connections. */
class Place {
  readonly #server: Server | ReturnType<typeof createTcpServer>;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server | ReturnType<typeof createTcpServer>) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // the client went away
    });
  }

  async listen(): Promise<URL> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    ok(typeof address === "object" && address !== null);
    return new URL(`http://127.0.0.1:${address.port}/ws`);
  }

  /** Ends it, as a cut does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.cut();
    await closed;
  }
}

/** The routes, as small as they can be. */
class Routes {
  readonly acceptor = new HttpAcceptor({ closeMs: 1_000, missingMs: 2_000 });
  far: Wire | undefined;

  async answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    let status = 200;
    let body: unknown;
    try {
      body = await this.#serve(incoming, outgoing);
    } catch (reason) {
      const error = TransporterError.from(reason);
      status = error.status;
      body = error;
      outgoing.setHeader("content-type", "application/problem+json");
    }
    if (!outgoing.headersSent) outgoing.writeHead(status);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  }

  async #stream(
    query: URLSearchParams,
    outgoing: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const session = query.get("session") ?? "";
    const after = Number(query.get("after"));
    const patience = { waitMs: 10_000, signal };
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.write(": open\n\n");
    const batches = this.acceptor.stream(session, after, patience);
    for await (const { after, ...batch } of batches) {
      const id = after + batch.frames.length;
      outgoing.write(`id: ${id}\ndata: ${JSON.stringify(batch)}\n\n`);
    }
  }

  async #serve(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<unknown> {
    const { pathname, searchParams: query } = new URL(
      incoming.url ?? "",
      "http://host",
    );
    if (pathname === "/v2/link/sessions") {
      const { session, wire } = this.acceptor.open();
      this.far = wire;
      return { session };
    }
    if (incoming.method === "POST") {
      const { session, ...push } = JSON.parse(await text(incoming));
      await this.acceptor.push(session, push);
      return {};
    }
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    if (pathname === "/v2/link/stream") {
      return await this.#stream(query, outgoing, gone.signal);
    }
    return await this.acceptor.poll(
      query.get("session") ?? "",
      Number(query.get("after")),
      { waitMs: Number(query.get("wait")) * 1000, signal: gone.signal },
    );
  }
}

/** Runs something once, when two wires have been closed. */
function whenClosed(
  wires: readonly [Wire, Wire],
  end: () => Promise<void>,
): [Wire, Wire] {
  const open = new Set<Wire>(wires);
  const [near, far] = wires.map((wire) => ({
    frames: wire.frames,
    send: (frame: string) => wire.send(frame),
    async close(reason?: TransporterError) {
      await wire.close(reason);
      if (open.delete(wire) && open.size === 0) await end();
    },
  }));
  ok(near !== undefined && far !== undefined);
  return [near, far];
}

async function open(dial: typeof dialHttp): Promise<WirePair> {
  const routes = new Routes();
  const place = new Place(
    createServer((incoming, outgoing) => routes.answer(incoming, outgoing)),
  );
  const dialled = await dial(await place.listen(), {
    signal,
    frameBytesMax: FRAME_BYTES_MAX,
    closeMs: 1_000,
    retryMs: 200,
  });
  ok(routes.far !== undefined);
  const [near, far] = whenClosed([dialled, routes.far], async () => {
    routes.acceptor[Symbol.dispose]();
    await place[Symbol.asyncDispose]();
  });
  return [near, far, () => place.cut()];
}

testWire("http", { open: () => open(dialHttp) });

testWire("sse", { open: () => open(dialSse) });

for (const [name, dial] of [["http", dialHttp], ["sse", dialSse]] as const) {
  testDial(name, {
    dial,
    nobody: new URL("http://127.0.0.1:65534"),
    async silent() {
      const place = new Place(createTcpServer());
      const url = await place.listen();
      return { url, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
    },
  });
}
