import { strictEqual } from "node:assert/strict";
import { NatsServer } from "../nats/server.ts";
import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { agentAddress } from "./load_agent.ts";
import { PEERS } from "./peers.ts";
import { cpuMs, memoryMb, runWireLoad } from "./process.ts";

const AGENTS = 500;
const RATE = 500;
const SECONDS = 20;

/** A kind of wire, and how slow it may be. */
interface Carrier {
  /** Its name. */
  readonly name: string;
  /** The bar of its p99, in milliseconds. */
  readonly atMostMs: number;
  /** What the control plane is told, given a broker. */
  flags?(broker: string): readonly string[];
  /** Where its agents dial. */
  address(cp: CpProcess, broker: string): string;
}

const CARRIERS: readonly Carrier[] = [
  {
    name: "WebSocket",
    atMostMs: 50,
    address: ({ url }) => agentAddress(url),
  },
  {
    name: "NATS",
    atMostMs: 80,
    flags: (broker) => ["--agent-broker", broker],
    address: (_, broker) => broker,
  },
  { name: "long poll", atMostMs: 250, address: ({ url }) => url },
  {
    name: "SSE and POST",
    atMostMs: 250,
    address: ({ url }) => url.replace("http:", "http+sse:"),
  },
];

/** How long an event takes over each kind of wire, from its request to a reader's hearing of its end. */
export async function wires(script: string): Promise<Figure[]> {
  await using broker = await NatsServer.start();
  const figures: Figure[] = [];
  for (const carrier of CARRIERS) {
    figures.push(...await one(carrier, { script, broker: broker.url }));
  }
  return figures;
}

async function one(
  { name, atMostMs, flags, address }: Carrier,
  { script, broker }: { readonly script: string; readonly broker: string },
): Promise<Figure[]> {
  await using cp = await CpProcess.start({
    script,
    flags: flags?.(broker) ?? [],
  });
  const { pid } = cp.program;
  const load = {
    url: cp.url,
    address: address(cp, broker),
    agents: AGENTS,
    rate: RATE,
  };
  await runWireLoad({ ...load, seconds: 2 }); // warms it up
  const cpu = await cpuMs(pid);
  const { events, ms: [p50, p99] } = await runWireLoad({
    ...load,
    seconds: SECONDS,
  });
  strictEqual(events, RATE * SECONDS);
  const perEvent = (await cpuMs(pid) - cpu) * 1000 / events;
  const rss = await memoryMb(pid, "VmHWM");
  return [{
    what:
      `${name}: POST to the end being told, ${RATE} events/s over ${AGENTS} agents, p99`,
    value: p99,
    unit: "ms",
    bar: { atMost: atMostMs },
    peer: PEERS.wireP99,
    note:
      `p50 ${
        p50.toFixed(1)
      } ms; SQLite FULL, five statuses each; control plane ` +
      `${perEvent.toFixed(0)} µs CPU an event, RSS at most ${
        rss.toFixed(0)
      } MB`,
    also: { p50_ms: p50, cpu_per_event_us: perEvent, rss_max_mb: rss },
  }];
}
