import { strictEqual } from "node:assert/strict";
import { CpProcess, listEvents } from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import { runLoad } from "./process.ts";
import { PEERS } from "./peers.ts";

const EVENTS = 6000;
const ROUNDS = 30;

async function medianMs(work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return percentile(times, 0.5);
}

/** How long a list of many events takes: a page, and all pages. */
export async function lists(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  const closed = { events: EVENTS, requests: 4 };
  await runLoad({ url: cp.url, agents: 4, batch: 50, closed });
  const note = `median of ${ROUNDS}`;
  return [
    {
      what: `list of ${EVENTS} events, a page of 500`,
      value: await medianMs(async () => {
        const answer = await fetch(`${cp.url}/v2/events?limit=500`);
        strictEqual((await answer.json()).items.length, 500);
      }),
      unit: "ms",
      bar: { atMost: 20 },
      peer: PEERS.list,
      note,
    },
    {
      what: `list of ${EVENTS} events, all pages`,
      value: await medianMs(async () => {
        strictEqual((await listEvents(cp.url)).length, EVENTS);
      }),
      unit: "ms",
      bar: { atMost: 250 },
      peer: PEERS.listAll,
      note,
    },
  ];
}
