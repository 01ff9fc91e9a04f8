/**
 * A proxy in front of a control plane that does to HTTP what proxies and the
 * networks behind them do: takes no upgrade, loses answers, sends requests
 * again, allows only short bodies, and keeps an answer until all of it is there.
 *
 * @module
 */

import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";

/** What happens to a request. */
export type WebFault =
  /** The connection ends, and it does not reach the server. */
  | "lost"
  /** It reaches the server, and the connection ends before the answer. */
  | "answer lost"
  /** It reaches the server twice; the second answer goes back. */
  | "twice"
  /** A proxy answers so, and it does not reach the server. */
  | { readonly status: number };

/** What the proxy does. */
export interface WebWeather {
  /** What happens to a request, by its number from 1; nothing unless given. */
  readonly fault?: (request: number) => WebFault | undefined;
  /** What happens to upgrades: passed on, cut, or answered so. */
  readonly upgrade?: "pass" | "cut" | { readonly status: number };
  /** The longest body of a request, in bytes; a longer one is answered with 413. */
  readonly bodyMax?: number;
  /** How long an answer may go on, in milliseconds, before the connection ends. */
  readonly streamMs?: number;
  /** Whether an answer is kept until all of it is there. */
  readonly keepsAnswers?: boolean;
}

/** See above. */
export class WebProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #requests = 0;
  /** How many upgrades were asked for. */
  upgrades = 0;
  /** How many answers went on for too long. */
  ended = 0;
  /** How many bodies were too long. */
  tooLong = 0;
  /** What it does, from the next request on. */
  weather: WebWeather;

  /** Listens on a free port of 127.0.0.1. */
  static async open(target: string, weather: WebWeather): Promise<WebProxy> {
    const server = createServer();
    const proxy = new WebProxy(server, new URL(target), weather);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  /** Made by {@linkcode WebProxy.open}. */
  constructor(server: Server, target: URL, weather: WebWeather) {
    this.#server = server;
    this.#target = target;
    this.weather = weather;
    server.on("connection", (socket: Socket) => this.#keep(socket));
    server.on("request", (incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
    server.on("upgrade", (incoming: IncomingMessage, socket: Socket) => {
      this.#upgrade(incoming, socket);
    });
  }

  /** Where it listens, as `http://127.0.0.1:PORT`. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("Cannot tell the port of a proxy that does not listen");
    }
    return `http://127.0.0.1:${address.port}`;
  }

  /** How many requests came. */
  get requests(): number {
    return this.#requests;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // one side went away: the other one is told
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async #serve(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const fault = this.weather.fault?.(++this.#requests);
    const body = await buffer(incoming);
    if (fault === "lost") return void incoming.socket.destroy();
    if (typeof fault === "object") return answer(outgoing, fault.status);
    if (body.length > (this.weather.bodyMax ?? Infinity)) {
      this.tooLong++;
      return answer(outgoing, 413);
    }
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    if (fault === "twice") {
      await this.#forward(incoming, body, gone.signal);
    }
    const back = await this.#forward(incoming, body, gone.signal);
    if (fault === "answer lost") {
      await buffer(back);
      return void incoming.socket.destroy();
    }
    const kept = this.weather.keepsAnswers ? await buffer(back) : undefined;
    outgoing.writeHead(back.statusCode ?? 502, back.headers);
    this.#limit(outgoing, gone.signal);
    if (kept === undefined) back.pipe(outgoing);
    else outgoing.end(kept);
  }

  #limit(outgoing: ServerResponse, signal: AbortSignal): void {
    if (this.weather.streamMs === undefined) return;
    const timer = setTimeout(() => {
      this.ended++;
      outgoing.destroy();
    }, this.weather.streamMs);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** Passes a request on, over a connection of its own. */
  async #forward(
    incoming: IncomingMessage,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const outward = request({
      host: this.#target.hostname,
      port: this.#target.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, connection: "close" },
      agent: false,
    });
    signal.addEventListener("abort", () => outward.destroy());
    outward.on("error", () => {}); // shows below, or has been read
    outward.end(body);
    const [back] = await once(outward, "response");
    return back;
  }

  #upgrade(incoming: IncomingMessage, near: Socket): void {
    this.upgrades++;
    const { upgrade = "pass" } = this.weather;
    if (upgrade === "cut") return void near.destroy();
    if (typeof upgrade === "object") {
      return void near.end(
        `HTTP/1.1 ${upgrade.status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      );
    }
    const far = connect(Number(this.#target.port), this.#target.hostname);
    this.#keep(far);
    const headers = Object.entries(incoming.headers).map(([name, value]) =>
      `${name}: ${value}\r\n`
    );
    far.write(
      `${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join("")}\r\n`,
    );
    far.pipe(near).on("close", () => far.destroy());
    near.pipe(far).on("close", () => near.destroy());
  }

  /** Ends it with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** What a proxy answers for itself: a page, as they do. */
function answer(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status, { "content-type": "text/html" });
  outgoing.end("<html><body>This is a proxy</body></html>");
}
