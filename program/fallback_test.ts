import { type Dial, TransporterError, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle, TestClock } from "@transporter/sdk/testing";
import { deepStrictEqual, rejects } from "node:assert/strict";
import { listLogger } from "../agent/testing/agent_bench.ts";
import { withFallback } from "./fallback.ts";

const URL_WS = new URL("wss://cp.example.org/ws");

/** A network that refuses as told, and what was dialled. */
class Network {
  readonly clock = new TestClock();
  readonly dialled: string[] = [];
  readonly lines: string[] = [];
  readonly fars: Wire[] = [];
  socketFault: TransporterError | undefined;
  pollFault: TransporterError | undefined;
  readonly dial: Dial;

  constructor() {
    const open = (fault: () => TransporterError | undefined): Dial => (url) => {
      this.dialled.push(url.protocol);
      const error = fault();
      if (error !== undefined) return Promise.reject(error);
      const [near, far] = memoryWires();
      this.fars.push(far);
      return Promise.resolve(near);
    };
    this.dial = withFallback(
      open(() => this.socketFault),
      open(() => this.pollFault),
      { clock: this.clock, log: listLogger(this.lines) },
    );
  }

  async try(): Promise<Wire> {
    const signal = new AbortController().signal;
    return await this.dial(URL_WS, { signal, frameBytesMax: 1024 });
  }

  async fail(times: number): Promise<void> {
    for (let i = 0; i < times; i++) await rejects(this.try());
  }
}

function refusal(details: Record<string, unknown>): TransporterError {
  return new TransporterError("unavailable", "No", { details });
}

for (
  const fault of [
    refusal({ connected: true }),
    refusal({ connected: true, status: 502 }),
    refusal({ connected: true, status: 403 }),
    new TransporterError("timeout", "Silence"),
  ]
) {
  Deno.test(`withFallback() uses long polls after three upgrades that ended so: ${JSON.stringify(fault)}`, async () => {
    const network = new Network();
    network.socketFault = fault;
    await network.fail(2);
    const wire = await network.try();
    deepStrictEqual(network.dialled, ["wss:", "wss:", "wss:", "https:"]);
    await wire.close();
    const next = await network.try(); // and at once from then on
    deepStrictEqual(network.dialled.slice(4), ["https:"]);
    await next.close();
  });
}

for (
  const fault of [
    refusal({}), // nobody was there
    refusal({ connected: true, status: 401 }),
    refusal({ connected: true, status: 429 }),
    refusal({ connected: true, status: 503 }),
  ]
) {
  Deno.test(`withFallback() stays with WebSockets when they fail so: ${JSON.stringify(fault)}`, async () => {
    const network = new Network();
    network.socketFault = fault;
    await network.fail(9);
    deepStrictEqual(new Set(network.dialled), new Set(["wss:"]));
  });
}

Deno.test("withFallback() counts only failures in a row", async () => {
  const network = new Network();
  for (let i = 0; i < 3; i++) {
    network.socketFault = refusal({ connected: true });
    await network.fail(2);
    network.socketFault = undefined;
    await (await network.try()).close();
  }
  deepStrictEqual(new Set(network.dialled), new Set(["wss:"]));
});

Deno.test("withFallback() tries WebSockets again when long polls do no better", async () => {
  const network = new Network();
  network.socketFault = refusal({ connected: true });
  network.pollFault = refusal({});
  await network.fail(4);
  deepStrictEqual(network.dialled.slice(2), [
    ...["wss:", "https:"],
    ...["wss:", "https:"],
  ]);
});

Deno.test("withFallback() tries a WebSocket every ten minutes, and ends the long polls when one opens", async () => {
  const network = new Network();
  network.socketFault = refusal({ connected: true });
  await network.fail(2);
  const wire = await network.try();
  const frames = Array.fromAsync(wire.frames);
  await network.fars[0]?.send("1");
  await network.clock.advance(599_999);
  deepStrictEqual(network.dialled.length, 4);
  await network.clock.advance(1);
  deepStrictEqual(network.dialled.slice(4), ["wss:"]);
  network.socketFault = undefined;
  await network.clock.advance(600_000);
  await settle();
  deepStrictEqual(await frames, ["1"]);
  const next = await network.try();
  deepStrictEqual(network.dialled.slice(5), ["wss:", "wss:"]);
  await next.close();
  deepStrictEqual(network.clock.sleeping ?? 0, 0);
});
