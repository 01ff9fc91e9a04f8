import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { memoryMb } from "./process.ts";

const SOCKETS = 10_000;

/** Sockets that are opened at a time. */
const AT_ONCE = 50;

/** Bytes of an answer to an upgrade. */
const ANSWER_BYTES = 1024;

/** Opens a WebSocket, and says nothing on it. */
async function open(url: URL): Promise<Deno.Conn> {
  const { hostname, port, host } = url;
  const socket = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    "GET /ws HTTP/1.1",
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...["", ""],
  ];
  await socket.write(new TextEncoder().encode(lines.join("\r\n")));
  const answer = new Uint8Array(ANSWER_BYTES);
  const length = await socket.read(answer) ?? 0;
  const text = new TextDecoder().decode(answer.subarray(0, length));
  if (!text.startsWith("HTTP/1.1 101")) throw new Error(text);
  return socket;
}

/** What a connection costs before anything is said on it: all are opened sooner than the first has to register. */
export async function held(script: string): Promise<Figure> {
  await using cp = await CpProcess.start({ script });
  const { pid } = cp.program;
  const before = await memoryMb(pid, "VmRSS");
  const sockets: Deno.Conn[] = [];
  let begun = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (begun++ < SOCKETS) sockets.push(await open(new URL(cp.url)));
  }));
  const after = await memoryMb(pid, "VmRSS");
  for (const socket of sockets) socket.close();
  return {
    what:
      `${SOCKETS} WebSockets open before traffic: memory of the control plane for each`,
    value: (after - before) * 1e6 / SOCKETS / 1000,
    unit: "kB",
    bar: { atMost: 16 },
    peer: PEERS.held,
    note: "without TLS, before their registrations",
  };
}
