/**
 * Clients that send more than anybody can take, for as long as they may.
 *
 * @module
 */

import { registration } from "./frames.ts";
import { concat, encode, RawSocket } from "./raw.ts";
import { frame } from "./web_socket.ts";

/** One of them. */
export interface Flood {
  /** What it sends. */
  readonly name: string;
  /** What is sent first, and then again and again. */
  readonly sends: { readonly first: Uint8Array; readonly again: Uint8Array };
  /** What becomes of the connection: it may go on, it is refused, or either. */
  readonly end: "open" | "refused" | "either";
  /** Whether the flood reads what comes. */
  readonly deaf?: boolean;
}

const UPGRADE = encode(
  "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
);

const CHUNKED = encode(
  "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    "Transfer-Encoding: chunked\r\n\r\n",
);

const NOTHING = new Uint8Array();

/** About 60 KB of the same. */
function much(bytes: Uint8Array): Uint8Array {
  return concat(Array(Math.ceil(60_000 / bytes.length)).fill(bytes));
}

function http(
  name: string,
  again: string,
  end: Flood["end"],
  first: Uint8Array = NOTHING,
): Flood {
  return { name, sends: { first, again: much(encode(again)) }, end };
}

/** Frames of a registered agent, which may say that it sends `several` in one message. */
function frames(
  name: string,
  again: Uint8Array,
  { several = false, ...options }: Pick<Flood, "end" | "deaf"> & {
    readonly several?: boolean;
  },
): Flood {
  const hello = JSON.stringify(
    registration(`flood of ${name}`.replaceAll(/\W/g, "-"), 2),
  );
  return {
    name,
    sends: {
      first: concat([UPGRADE, frame(several ? `\n${hello}` : hello)]),
      again: much(again),
    },
    ...options,
  };
}

function json(value: unknown): Uint8Array {
  return frame(JSON.stringify(value));
}

function lines(value: unknown, count: number): string {
  return Array(count).fill(JSON.stringify(value)).join("\n");
}

const STATUS = {
  type: "status_update",
  event_id: "never-was",
  agent_id: "a",
  state: "in_progress",
  timestamp: "2026-11-23T05:04:27Z",
};

const BEAT = { type: "heartbeat", timestamp: "2026-11-23T05:04:27Z" };

const PING = frame("x".repeat(125), { opcode: 9 });

/** All of them. */
export const FLOODS: readonly Flood[] = [
  http(
    "requests, without reading an answer",
    "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "refused",
  ),
  http(
    "submissions, without reading an answer",
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "refused",
  ),
  http("empty lines", "\r\n", "open"),
  http("a body in chunks of a byte", "1\r\n \r\n", "either", CHUNKED),
  http(
    "a body in chunks with extensions",
    `1;${"a".repeat(100)}\r\n \r\n`,
    "either",
    CHUNKED,
  ),
  frames("heartbeats", json(BEAT), { end: "open" }),
  frames("heartbeats, 32 in a message", frame(lines(BEAT, 32)), {
    end: "open",
    several: true,
  }),
  frames("frames that are hardly any, 32 in a message", frame(lines({}, 32)), {
    end: "refused",
    several: true,
  }),
  frames(
    "frames of unknown types, 32 in a message",
    frame(lines({ type: "" }, 32)),
    {
      end: "open",
      several: true,
    },
  ),
  frames("heartbeats, without reading an answer", json(BEAT), {
    end: "refused",
    deaf: true,
  }),
  frames("frames of unknown types", json({ type: "teleport" }), {
    end: "open",
  }),
  frames("statuses of events that never were", json(STATUS), {
    end: "either",
  }),
  frames("statuses, without reading an answer", json(STATUS), {
    end: "refused",
    deaf: true,
  }),
  frames(
    "output of events that never were",
    json({
      type: "log",
      event_id: "never-was",
      attempt: 1,
      stream: "stdout",
      off: 0,
      data: "x",
    }),
    { end: "open" },
  ),
  frames("credits", json({ type: "credit", limit_seq: 1 }), { end: "open" }),
  frames("pings", PING, { end: "open" }),
  frames("pings, without reading an answer", PING, {
    end: "refused",
    deaf: true,
  }),
  frames("pongs", frame("", { opcode: 10 }), { end: "open" }),
  frames("empty fragments", frame("", { opcode: 0, fin: false }), {
    end: "refused",
  }),
  frames("frames after one that is refused", frame("no JSON"), {
    end: "refused",
  }),
];

/**
 * Floods a port until it is enough; `enough` is told how long it has been, in milliseconds.
 *
 * @returns Whether the connection was refused.
 */
export async function flood(
  port: number,
  { sends, deaf = false }: Flood,
  enough: (ms: number) => boolean,
): Promise<boolean> {
  using socket = await RawSocket.connect(port, () => {});
  if (!deaf) socket.listen();
  let over = false;
  async function send(): Promise<void> {
    await socket.send(sends.first);
    while (!over && await socket.send(sends.again));
    over = true;
  }
  // A send that the far end does not take waits until the connection is dropped.
  const sending = send();
  const began = performance.now();
  while (
    !over && socket.end === "open" && !enough(performance.now() - began)
  ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const refused = over || socket.end !== "open";
  over = true;
  socket[Symbol.dispose]();
  await sending;
  return refused;
}
