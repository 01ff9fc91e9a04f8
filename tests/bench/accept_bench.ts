import { deepStrictEqual } from "node:assert/strict";
import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { cpuMs, memoryMb, runLoad, writtenBytes } from "./process.ts";
import { PEERS } from "./peers.ts";

const EVENTS = 60_000;
const AGENTS = 16;
const BATCH = 50;
const REQUESTS = 4;

/** How many events a second one process takes, keeps, and sees through five statuses each. */
export async function accepts(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  const { pid } = cp.program;
  const shape = { url: cp.url, agents: AGENTS, batch: BATCH };
  await runLoad({ ...shape, closed: { events: 5000, requests: REQUESTS } }); // warms it up
  const [cpu, written] = [await cpuMs(pid), await writtenBytes(pid)];
  const closed = { events: EVENTS, requests: REQUESTS };
  const outcome = await runLoad({ ...shape, closed });
  deepStrictEqual(outcome.refused, {});
  const events = outcome.accepted;
  const note =
    `${BATCH} a request, ${REQUESTS} requests at a time, ${AGENTS} agents, SQLite FULL`;
  const perEvent = [
    `${((await cpuMs(pid) - cpu) * 1000 / events).toFixed(0)} µs CPU`,
    `${
      ((await writtenBytes(pid) - written) / events).toFixed(0)
    } bytes written`,
  ].join(" and ");
  const rss = await memoryMb(pid, "VmHWM");
  return [
    {
      what: "durable accepts, each with five statuses recorded",
      value: events / outcome.endedSeconds,
      unit: "/s",
      bar: { atLeast: 5000 },
      peer: PEERS.accepts,
      note: `${note}; ${perEvent} an event; RSS at most ${
        rss.toFixed(0)
      } MB; answered at ${(events / outcome.seconds).toFixed(0)}/s`,
    },
    {
      what: "durable accepts, answer to a request, p99",
      value: outcome.acceptMs[1],
      unit: "ms",
      bar: { atMost: 50 },
      note: `p50 ${outcome.acceptMs[0].toFixed(1)} ms`,
    },
  ];
}
