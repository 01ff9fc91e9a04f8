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
  /** Starts what it needs besides; where its agents dial is found out later. */
  prepare(): Promise<
    AsyncDisposable & {
      /** More flags of the control plane. */
      readonly flags: readonly string[];
      address(cp: CpProcess): string;
    }
  >;
}

const CARRIERS: readonly Carrier[] = [
  {
    name: "WebSocket",
    atMostMs: 50,
    prepare: () =>
      Promise.resolve({
        flags: [],
        address: ({ url }) => agentAddress(url),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
  {
    name: "NATS",
    atMostMs: 80,
    async prepare() {
      const server = await NatsServer.start();
      return {
        flags: ["--agent-broker", server.url],
        address: () => server.url,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
];

/** How long an event takes over each kind of wire, from its request to a reader's hearing of its end. */
export async function wires(script: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const carrier of CARRIERS) figures.push(...await one(carrier, script));
  return figures;
}

async function one(
  { name, atMostMs, prepare }: Carrier,
  script: string,
): Promise<Figure[]> {
  await using place = await prepare();
  const { flags } = place;
  await using cp = await CpProcess.start({ script, flags });
  const { pid } = cp.program;
  const load = {
    url: cp.url,
    address: place.address(cp),
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
        (await memoryMb(pid, "VmHWM")).toFixed(0)
      } MB`,
  }];
}
