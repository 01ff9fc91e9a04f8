/**
 * A TCP proxy that does to connections what networks do: makes them slow, cuts
 * them, forgets them, without telling anybody.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { TcpFault } from "./tcp_fault.ts";
import { Pump, type Weather } from "./tcp_pump.ts";

/** Options of {@linkcode TcpProxy.open}. */
export interface TcpProxyOptions {
  /** Where everything goes. */
  readonly hostname: string;
  /** Where everything goes. */
  readonly port: number;
  /** Where jitter comes from; the machine's by default. */
  readonly random?: () => number;
}

/** One connection through the proxy: both its sockets, both its ways. */
interface Connection {
  readonly sockets: readonly Socket[];
  /** From the client to the server, and back; none while it is silent. */
  readonly pumps: readonly Pump[];
}

/** See above. */
export class TcpProxy implements AsyncDisposable {
  readonly #options: TcpProxyOptions;
  readonly #server: Server;
  readonly #open = new Set<Connection>();
  readonly #closing = new AbortController();
  #fault: TcpFault | undefined;
  #changed = Promise.withResolvers<void>();

  /** Listens on a free port of 127.0.0.1 and passes everything on. */
  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const proxy = new TcpProxy(options, server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  /** Made by {@linkcode TcpProxy.open}. */
  constructor(options: TcpProxyOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    server.on("connection", (near) => this.#accept(near));
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") {
      throw new Error("Cannot tell the port of a proxy that does not listen");
    }
    return address.port;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** What is wrong with the network now; `undefined` when nothing is. */
  get fault(): TcpFault | undefined {
    return this.#fault;
  }

  /** Does something to the network, until it is set again; `undefined` heals it. */
  set fault(fault: TcpFault | undefined) {
    this.#fault = fault;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    if (fault?.kind === "forget") this.freeze();
    if (fault?.kind === "half_close") {
      for (const { pumps } of this.#open) pumps[0]?.cut();
    }
    if (fault?.kind === "reset" || fault?.kind === "accept_silence") {
      for (const { sockets } of this.#open) sockets.forEach(reset);
    }
  }

  /** Silences the connections that are open, for ever; new ones work. */
  freeze(): void {
    for (const { pumps } of this.#open) for (const pump of pumps) pump.forget();
  }

  /** Ends it with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.fault = undefined;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { sockets } of this.#open) sockets.forEach(reset);
    await Promise.all(
      [...this.#open].flatMap(({ pumps }) => pumps.map(({ done }) => done)),
    );
    await closed;
  }

  readonly #weather = (): Weather => ({
    fault: this.#fault,
    changed: this.#changed.promise,
    signal: this.#closing.signal,
    random: this.#options.random ?? Math.random,
  });

  #accept(near: Socket): void {
    near.on("error", () => {}); // its pump sees it, or nobody has to
    if (this.#fault?.kind === "reset" || this.#closing.signal.aborted) {
      return reset(near);
    }
    if (this.#fault?.kind === "accept_silence") {
      near.on("end", () => near.destroy()).resume();
      return this.#keep({ sockets: [near], pumps: [] });
    }
    const { hostname: host, port } = this.#options;
    const far = connect({ host, port, allowHalfOpen: true });
    far.on("error", () => {}); // that nobody listens there, too, is for its pump to pass on
    for (const socket of [near, far]) socket.setNoDelay(true);
    this.#keep({
      sockets: [near, far],
      pumps: [
        new Pump(near, far, this.#weather),
        new Pump(far, near, this.#weather),
      ],
    });
  }

  /** Knows the connection until its last socket is closed. */
  #keep(connection: Connection): void {
    this.#open.add(connection);
    const closed = connection.sockets.map((socket) =>
      new Promise<void>((resolve) => socket.once("close", () => resolve()))
    );
    Promise.all(closed).then(() => this.#open.delete(connection));
  }
}

function reset(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
