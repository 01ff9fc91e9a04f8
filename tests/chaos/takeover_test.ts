import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CpProcess, submit } from "../system.ts";

const TAKEOVERS = 1000;

/** An agent that only registers, as a v1 agent does. */
class Claimant {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #wake = Promise.withResolvers<void>();
  /** The code that the control plane closed with. */
  readonly closed: Promise<number>;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    const closed = Promise.withResolvers<number>();
    this.closed = closed.promise;
    this.#socket.onopen = () =>
      this.#socket.send(JSON.stringify({
        id: "edge",
        name: "edge",
        cluster_name: "edge",
        version: "0.1.0",
        capabilities: ["witness"],
      }));
    this.#socket.onmessage = ({ data }) => {
      this.#frames.push(String(data));
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    };
    this.#socket.onclose = ({ code }) => closed.resolve(code);
  }

  /** The next frame. */
  async next(): Promise<Record<string, unknown>> {
    while (this.#frames.length === 0) await this.#wake.promise;
    return JSON.parse(this.#frames.shift() ?? "");
  }

  /** Leaves. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}

Deno.test(`session.takeover (F21): of ${TAKEOVERS} sessions the newest always stays, and its predecessor gets 4409`, async () => {
  await using cp = await CpProcess.start();
  let current: Claimant | undefined;
  const codes = new Set<number>();
  for (let i = 0; i < TAKEOVERS; i++) {
    const next = new Claimant(cp.agentUrl);
    const { status } = await next.next();
    strictEqual(status, "registered");
    if (current !== undefined) codes.add(await current.closed);
    current = next;
  }
  deepStrictEqual([...codes], [4409]);
  const { connected } = await (await fetch(`${cp.url}/v2/agents/edge`)).json();
  strictEqual(connected, true);
  await submit(cp.url, {
    id: "after",
    type: "witness",
    target_agent: "edge",
    payload: {},
  });
  const frame = await current?.next();
  deepStrictEqual(
    [frame?.["type"], (frame?.["event"] as { id: string }).id],
    ["event", "after"],
  );
  await current?.close();
});
