import { type Logger, TransporterError, type Wire } from "@transporter/sdk";
import { acceptWebSocket } from "@transporter/sdk/websocket";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import type { ListenAddress } from "./config.ts";
import { Connections } from "./connections.ts";
import { boundFirst } from "./first_message.ts";
import { framesIn, severalFramesATurn } from "./frames_a_turn.ts";
import type { HttpApp } from "./http/app.ts";
import { type Problem, rawProblem } from "./http/problem.ts";
import { linger } from "./read_fairly.ts";
import { SERVER_LIMITS, type ServerLimits } from "./server_limits.ts";
import { Turns } from "./turns.ts";

/** Options of {@linkcode HttpServer.listen}. */
export interface HttpServerOptions {
  /** Where. */
  readonly address: ListenAddress;
  /** Answers a request. */
  readonly app: HttpApp;
  /** Looks at an upgrade; throws when it is not to be. */
  readonly admit: (request: IncomingMessage) => void;
  /** Takes over the wire of an agent; resolves when it is over, never rejects. */
  readonly serve: (wire: Wire, remote: string) => Promise<void>;
  /** Makes an answer of what went wrong. */
  readonly problem: (reason: unknown) => Problem;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** For what happens. */
  readonly log: Logger;
  /** Limits that differ from {@linkcode SERVER_LIMITS}. */
  readonly limits?: Partial<ServerLimits>;
}

/** What is wrong with a request that no handler sees. */
function faultOf(error: Error): TransporterError {
  const code = "code" in error ? String(error.code) : "";
  if (code === "HPE_HEADER_OVERFLOW") {
    return new TransporterError(
      "header_too_large",
      "Cannot read the request as its headers are too long",
    );
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new TransporterError(
      "slow_request",
      "Cannot wait any longer for the rest of the request",
    );
  }
  return new TransporterError(
    "bad_request",
    "Cannot read the request: it is no valid HTTP",
    {
      cause: error,
    },
  );
}

function ignore(): void {}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * The listener: HTTP, and WebSocket for agents on the same port. Whatever bytes
 * arrive, the answer is one of ours.
 */
export class HttpServer {
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  readonly #options: HttpServerOptions;
  readonly #address: ListenAddress;
  readonly #connections: Connections;
  /** When frames of agents are taken. */
  readonly #frames = new Turns();
  readonly #startLoop = framesIn(this.#frames);

  private constructor(
    server: Server,
    options: HttpServerOptions,
    { limits, connections }: {
      readonly limits: ServerLimits;
      readonly connections: Connections;
    },
  ) {
    this.#server = server;
    this.#connections = connections;
    this.#options = options;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: limits.frameBytesMax,
      clientTracking: false,
      // One message a turn, or some: else an agent that floods keeps the event loop for itself for
      // as long as it goes on, and nobody else is answered.
      allowSynchronousEvents: false,
      handleProtocols: () => false,
    });
    const { headers, problem } = options;
    this.#webSockets.on("headers", (lines) => {
      for (const [name, value] of Object.entries(headers)) {
        lines.push(`${name}: ${value}`);
      }
    });
    this.#webSockets.on("wsClientError", (error, socket) => {
      const reason = new TransporterError(
        "bad_request",
        "Cannot upgrade to WebSocket",
        { cause: error },
      );
      refuse(
        socket as Socket,
        rawProblem(problem(reason), {
          ...headers,
          "sec-websocket-version": "13",
        }),
      );
    });
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head) => {
      this.#upgrade(request, socket, head);
    });
    server.on("connect", (_: IncomingMessage, socket: Socket) => {
      const reason = new TransporterError(
        "method_not_allowed",
        "Cannot CONNECT: this is no proxy",
      );
      refuse(socket, rawProblem(problem(reason), headers));
    });
    server.on("clientError", (error: Error, socket: Socket) => {
      refuse(socket, rawProblem(problem(faultOf(error)), headers));
    });
    const bound = server.address();
    if (typeof bound !== "object" || bound === null) {
      throw new TypeError("Server does not listen");
    }
    this.#address = { host: options.address.host, port: bound.port };
  }

  /**
   * Starts to listen.
   *
   * @throws {TransporterError} `port_in_use`, `usage` when the address is not this machine's.
   */
  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const limits = { ...SERVER_LIMITS, ...options.limits };
    const server = createServer(
      {
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.idleMs,
        connectionsCheckingInterval: limits.checkMs,
        maxHeaderSize: limits.headerBytesMax,
        requireHostHeader: false, // the guard says so in our words
        shouldUpgradeCallback: isWebSocket, // another upgrade that is offered may be declined by an answer
      } as Parameters<typeof createServer>[0],
    );
    const connections = new Connections();
    server.on("connection", (socket: Socket) => connections.opened(socket));
    // A client that waits for a word gets it from whoever reads the body.
    for (const name of ["request", "checkContinue", "checkExpectation"]) {
      server.on(name, (incoming: IncomingMessage, outgoing: ServerResponse) => {
        if (!connections.began(incoming.socket, outgoing)) return;
        outgoing.once("finish", () => linger(incoming));
        options.app({ incoming, outgoing }).catch((error: unknown) => {
          options.log.error("Answer could not be written", { error });
          outgoing.destroy();
        });
      });
    }
    await bind(server, options.address);
    return new HttpServer(server, options, { limits, connections });
  }

  /** Where it is reached. */
  get url(): string {
    const { host, port } = this.#address;
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  #upgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Parameters<WebSocketServer["handleUpgrade"]>[2],
  ): void {
    const { admit, serve, problem, headers } = this.#options;
    this.#connections.upgraded(socket);
    socket.on("error", ignore); // it closes, and that is dealt with
    try {
      admit(request);
    } catch (reason) {
      return refuse(socket, rawProblem(problem(reason), headers));
    }
    const remote = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const wire = acceptWebSocket(webSocket, { connection: socket });
      boundFirst(webSocket, { socket, wire });
      severalFramesATurn(webSocket, this.#startLoop);
      serve(wire, remote);
    });
  }

  /** Takes no more connections. Resolves when every one is closed; `signal` closes those that are left. */
  async close(signal: AbortSignal): Promise<void> {
    const closed = once(this.#server, "close");
    const drop = () => this.#connections.drop();
    signal.addEventListener("abort", drop, { once: true });
    this.#server.close();
    this.#connections.stop();
    await closed;
    this.#frames[Symbol.dispose]();
    signal.removeEventListener("abort", drop);
  }
}

/** Answers on a connection that no handler has, unless an answer has begun, and closes it. */
function refuse(socket: Socket, text: string): void {
  const answering =
    (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage;
  if (!socket.writable || answering?.headersSent) socket.destroy();
  else socket.end(text, () => socket.destroy());
}

async function bind(
  server: Server,
  { host, port }: ListenAddress,
): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause
      ? cause.code
      : undefined;
    const at = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    if (code === "EADDRINUSE") {
      throw new TransporterError(
        "port_in_use",
        `Cannot listen on "${at}" as another program does: stop it, or choose another port with --listen`,
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransporterError("usage", `Cannot listen on "${at}": ${reason}`, {
      cause,
    });
  }
}
