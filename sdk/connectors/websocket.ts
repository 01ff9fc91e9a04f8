/**
 * Wires over WebSocket, both ends: the agent dials with the runtime's own
 * `WebSocket`, the control plane hands over the sockets it accepted.
 *
 * @example A control plane accepts what an agent dials
 * ```ts
 * import { acceptWebSocket, dialWebSocket } from "@transporter/sdk/websocket";
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import { deepStrictEqual, ok } from "node:assert/strict";
 * import { WebSocketServer } from "ws";
 *
 * const server = createServer().listen(0, "127.0.0.1");
 * const sockets = new WebSocketServer({ server });
 * await once(server, "listening");
 * const address = server.address();
 * ok(typeof address === "object" && address !== null);
 *
 * const [near, [socket]] = await Promise.all([
 *   dialWebSocket(new URL(`ws://127.0.0.1:${address.port}`), {
 *     signal: new AbortController().signal,
 *     frameBytesMax: 1024,
 *   }),
 *   once(sockets, "connection"),
 * ]);
 * const far = acceptWebSocket(socket);
 * await near.send("hello");
 * await near.close();
 * deepStrictEqual(await Array.fromAsync(far.frames), ["hello"]);
 * await far.close();
 * server.close();
 * ```
 *
 * @module
 */
import { setImmediate } from "node:timers";
import {
  codeOfClose,
  type DialOptions,
  type ErrorCode,
  shownUrl,
  TransporterError,
  type Wire,
} from "../mod.ts";
import {
  AcceptedSocket,
  type Connection,
  type ServerSocket,
} from "./accepted_socket.ts";
import { PromptReceipt } from "./prompt_receipt.ts";
import { SocketWire, type WebSocketTimes } from "./socket_wire.ts";

export type { Connection, ServerSocket, WebSocketTimes };

/** Why the far end closed, or the medium broke. */
function reasonOf(
  code: number,
  text: string,
  fault: TransporterError | undefined,
): TransporterError | undefined {
  if (fault !== undefined) return fault;
  const found = codeOfClose(code);
  if (found === undefined) return undefined;
  return new TransporterError(
    found,
    text === "" ? `Cannot go on as the connection was closed: ${code}` : text,
  );
}

/** Options of {@linkcode acceptWebSocket}. */
export interface AcceptOptions extends WebSocketTimes {
  /**
   * What the socket reads from and writes to, so that frames that are sent together become one write, and a
   * far end that waits until the header of a frame is acknowledged does not wait long.
   */
  readonly connection?: Connection;
}

/**
 * Takes over a socket that a server accepted: nobody else may read from it,
 * send on it or close it. The server bounds the length of frames (`maxPayload`
 * of `ws`) and refuses compression.
 *
 * @param socket The open socket.
 * @param options How long it waits for the far end, and where its frames are gathered.
 * @returns The wire.
 */
export function acceptWebSocket(
  socket: ServerSocket,
  { connection, ...times }: AcceptOptions = {},
): Wire {
  let fault: TransporterError | undefined;
  const receipt = new PromptReceipt(socket);
  const wire = new SocketWire(
    new AcceptedSocket(socket, receipt, connection),
    times,
  );
  const arrived = () => receipt.schedule();
  if (connection === undefined) socket.on("message", arrived);
  else connection.on("data", arrived);
  socket.on("message", (data, binary) => {
    if (binary) wire.fail(binaryFrame());
    else wire.receive(String(data));
  });
  socket.on("error", (error) => fault = faultOf(error));
  socket.on("close", (code, reason) => {
    receipt.cancel();
    wire.ended(reasonOf(code, String(reason), fault));
  });
  return wire;
}

function binaryFrame(): TransporterError {
  return new TransporterError(
    "bad_frame",
    "Cannot read a binary frame: frames are text",
  );
}

/** What broke a server's socket: the medium, or what the far end sent. */
function faultOf(cause: Error): TransporterError {
  const name = "code" in cause ? String(cause.code) : "";
  const code: ErrorCode = name === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
    ? "too_large"
    : name.startsWith("WS_ERR")
    ? "bad_frame"
    : "unavailable";
  return new TransporterError(
    code,
    `Cannot go on as the connection broke: ${cause.message}`,
    { cause },
  );
}

/** Which code an HTTP status means that came instead of the upgrade; anything else is `unavailable`. */
const REFUSALS: Readonly<Record<string, ErrorCode>> = {
  401: "unauthenticated",
  403: "denied",
  426: "unsupported_version",
  429: "slow_down",
};

/**
 * Characters that the runtime writes together with their header, if they are
 * ASCII. Of a longer message it writes the header by itself, and the rest waits
 * for the acknowledgement of that, which a kernel holds back for 40 ms.
 *
 * @see {@link https://docs.rs/fastwebsockets/latest/fastwebsockets/struct.WebSocket.html#method.set_writev_threshold}
 */
const GATHERED_MAX = 1000;

/** How the runtime says that somebody was there, who did not upgrade the connection. */
const ANSWERED_REGEXP =
  /status code|before message completed|upgrade header|HTTP version/;

function refused(url: URL, message: string): TransporterError {
  const status = /status code: (\d{3})/.exec(message)?.[1];
  const details = {
    ...(ANSWERED_REGEXP.test(message) ? { connected: true } : {}),
    ...(status === undefined ? {} : { status: Number(status) }),
  };
  return new TransporterError(
    REFUSALS[status ?? ""] ?? "unavailable",
    status === undefined
      ? `Cannot connect to "${url.host}": ${message}`
      : `Cannot connect to "${
        shownUrl(url)
      }": it answers with status ${status}${
        status === "404" ? '; agents connect to "/ws" of a control plane' : ""
      }`,
    { details },
  );
}

/** The close code a client may send: the runtime reserves some that servers use. */
function clientCode(code: number): number {
  return code === 1000 || code >= 4000 ? code : 4000;
}

/**
 * Opens a wire with the runtime's own `WebSocket`. A runtime's socket cannot be
 * dropped: one whose far end never answers a close stays behind, ignored, until
 * its connection ends.
 *
 * @param url Where the control plane listens: `ws:` or `wss:`.
 * @param options What {@linkcode Dial} gives, and how long the wire waits for the far end.
 * @returns The open wire.
 * @throws {TransporterError} `unavailable`, `unauthenticated`, `denied`, `unsupported_version` or
 * `slow_down`, with `details.connected` when somebody was there who did not upgrade, and the `status`; `usage` for a URL that is none; the signal's reason when it aborts first.
 */
export async function dialWebSocket(
  url: URL,
  options: DialOptions & WebSocketTimes,
): Promise<Wire> {
  const { signal, frameBytesMax, token, ...times } = options;
  signal.throwIfAborted();
  const socket = openSocket(url, token);
  socket.binaryType = "arraybuffer";
  let fault: TransporterError | undefined;
  const wire = new SocketWire({
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(message) {
      // One that is about to close takes nothing more, and says so by its end.
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    later: setImmediate,
    close: (code, reason) => socket.close(clientCode(code), reason),
    drop: () => socket.close(),
    pause: () => {},
    resume: () => {},
  }, { ...times, frameBytesMax, gatheredMax: GATHERED_MAX, saysFirst: true });
  const opened = Promise.withResolvers<Wire>();
  socket.onopen = () => opened.resolve(wire);
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") return wire.fail(binaryFrame());
    wire.receive(data);
  };
  socket.onerror = (event) => {
    const message = "message" in event ? String(event.message) : "";
    fault = new TransporterError(
      "unavailable",
      `Cannot go on as the connection broke: ${message}`,
    );
    opened.reject(refused(url, message));
  };
  socket.onclose = ({ code, reason }) => {
    opened.reject(refused(url, "the connection was closed"));
    wire.ended(reasonOf(code, reason, fault));
  };
  function abort() {
    opened.reject(signal.reason);
    socket.close();
  }
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await opened.promise;
  } catch (error) {
    await wire.close(); // until the runtime is done with it
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function openSocket(url: URL, token: string | undefined): WebSocket {
  try {
    return token === undefined
      ? new WebSocket(url)
      : new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  } catch (cause) {
    throw new TransporterError(
      "usage",
      `Cannot connect to "${
        shownUrl(url)
      }": it must be a "ws://" or "wss://" URL`,
      { cause },
    );
  }
}
