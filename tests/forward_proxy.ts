/**
 * The proxy of a company: clients ask it for what is outside, by CONNECT for
 * TLS and by whole URLs for plain HTTP.
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
import { pipeline } from "node:stream";

/** See above; everything outside is a port of this machine. */
export class ForwardProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #login: string | undefined;
  /** What was asked for, as `CONNECT localhost:443` or `GET http://localhost/path`, without queries. */
  readonly asked: string[] = [];
  /** How often somebody came without the right name and password. */
  turnedAway = 0;

  /**
   * Listens on a free port of 127.0.0.1.
   *
   * @param login `name:password` that clients have to show; none unless given.
   */
  static async open(login?: string): Promise<ForwardProxy> {
    const server = createServer();
    const proxy = new ForwardProxy(server, login);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  /** Made by {@linkcode ForwardProxy.open}. */
  constructor(server: Server, login: string | undefined) {
    this.#server = server;
    this.#login = login === undefined ? undefined : `Basic ${btoa(login)}`;
    server.on("connection", (socket: Socket) => this.#keep(socket));
    server.on("connect", (incoming: IncomingMessage, near: Socket) => {
      this.#tunnel(incoming, near);
    });
    server.on("request", (incoming, outgoing) => {
      this.#forward(incoming, outgoing);
    });
  }

  /** Its address, as clients are told it. */
  url(login = ""): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("Cannot tell the port of a proxy that does not listen");
    }
    return `http://${login && `${login}@`}127.0.0.1:${address.port}`;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // one side went away: the other one is told
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #admits({ headers, method, url = "" }: IncomingMessage): boolean {
    this.asked.push(`${method} ${url.split("?")[0]}`);
    const shown = headers["proxy-authorization"];
    if (this.#login === undefined || shown === this.#login) return true;
    this.turnedAway++;
    return false;
  }

  #tunnel(incoming: IncomingMessage, near: Socket): void {
    if (!this.#admits(incoming)) {
      near.end("HTTP/1.1 407 Login\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    const far = connect(Number(incoming.url?.split(":").at(-1)), "127.0.0.1");
    this.#keep(far);
    near.write("HTTP/1.1 200 OK\r\n\r\n");
    pipeline(near, far, () => {}); // an end is no fault here
    pipeline(far, near, () => {});
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (!this.#admits(incoming)) return void outgoing.writeHead(407).end();
    const url = new URL(incoming.url ?? "");
    const outward = request({
      host: "127.0.0.1",
      port: url.port,
      method: incoming.method,
      path: url.pathname + url.search,
      headers: { ...incoming.headers, connection: "close" },
      agent: false,
    }, (back) => {
      outgoing.writeHead(back.statusCode ?? 502, back.headers);
      back.pipe(outgoing);
    });
    outward.on("error", () => outgoing.destroy());
    outgoing.once("close", () => outward.destroy());
    incoming.pipe(outward);
  }

  /** Ends it with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
