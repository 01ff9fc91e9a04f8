import { deepStrictEqual } from "node:assert/strict";
import { startRedis } from "../redis/server.ts";
import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { cpuMs, memoryMb, runLoad, writtenBytes } from "./process.ts";
import { PEERS } from "./peers.ts";

const AGENTS = 16;
const BATCH = 50;
/** Requests under way at a time: of a few producers, who want an answer soon, and of as many as it takes until the control plane has no pause. */
const FEW = 2;
const MANY = 8;
/** Events of the few. */
const FEW_EVENTS = 20_000;

/** What is measured. */
interface Stored {
  /** What the control plane is started with. */
  readonly script: string;
  /** The store, as notes name it. */
  readonly store: string;
  /** Flags that name it. */
  readonly flags: readonly string[];
  /** Events that many send. */
  readonly events: number;
  /** Accepts a second that are to be met. */
  readonly bar: number;
  /** The same where there are few requests, if any are. */
  readonly fewBar?: number;
}

/** How many events a second one process takes, keeps, and sees through five statuses each. */
export async function accepts(script: string): Promise<Figure[]> {
  return await acceptsInto({
    script,
    store: "SQLite FULL",
    flags: [],
    events: 60_000,
    bar: 6000,
    fewBar: 5000,
  });
}

/** The same with Redis: synced before each answer, and once a second. */
export async function acceptsInRedis(script: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (
    const [appendfsync, bar] of [["always", 3000], ["everysec", 5000]] as const
  ) {
    await using redis = await startRedis({ appendfsync });
    figures.push(
      ...await acceptsInto({
        script,
        store: `Redis AOF ${appendfsync}`,
        // Redis has a process of its own: on a machine with two cores, it waits for its turn.
        flags: ["--store", redis.url, "--waiting-time", "2s"],
        events: 20_000,
        bar,
      }),
    );
    const bytes = /used_memory:(\d+)/.exec(await redis.ask("INFO", "memory"));
    const stored = await redis.ask("ZCARD", "tp:ended");
    figures.push({
      what: "memory of Redis, for each event that it keeps",
      value: Number(bytes?.[1]) / Number(stored) / 1000,
      unit: "kB",
      bar: { atMost: 5 },
      note:
        `${stored} ended events of a script of 10 bytes, each with seven entries of history`,
    });
  }
  return figures;
}

async function acceptsInto(
  { script, store, flags, events: count, bar, fewBar }: Stored,
): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script, flags });
  const { pid } = cp.program;
  const run = async (requests: number, events: number) => {
    const shape = { url: cp.url, agents: AGENTS, batch: BATCH };
    const outcome = await runLoad({ ...shape, closed: { events, requests } });
    deepStrictEqual(outcome.refused, {});
    return { ...outcome, rate: outcome.accepted / outcome.endedSeconds };
  };
  await run(FEW, 3000); // warms it up
  const few = await run(FEW, FEW_EVENTS);
  const [cpu, written] = [await cpuMs(pid), await writtenBytes(pid)];
  const many = await run(MANY, count);
  const perEvent = [
    `${((await cpuMs(pid) - cpu) * 1000 / count).toFixed(0)} µs CPU`,
    `${((await writtenBytes(pid) - written) / count).toFixed(0)} bytes written`,
  ].join(" and ");
  const rss = await memoryMb(pid, "VmHWM");
  return [
    {
      what: `${store}: accepts, each with five statuses recorded`,
      value: many.rate,
      unit: "/s",
      bar: { atLeast: bar },
      peer: PEERS.accepts,
      note:
        `${MANY} requests at a time, of ${BATCH} events, for ${AGENTS} agents; ${perEvent} an event; RSS at most ${
          rss.toFixed(0)
        } MB; p50, p99 of an answer ${
          many.acceptMs.map((ms) => ms.toFixed(0)).join(", ")
        } ms`,
    },
    ...(fewBar === undefined ? [] : [{
      what: `${store}: the same of few producers`,
      value: few.rate,
      unit: "/s",
      bar: { atLeast: fewBar },
      note: `${FEW} requests at a time`,
    }]),
    {
      what: `${store}: answer to a request of few producers, p99`,
      value: few.acceptMs[1],
      unit: "ms",
      bar: { atMost: 50 },
      note: `p50 ${few.acceptMs[0].toFixed(1)} ms, at ${few.rate.toFixed(0)}/s`,
    },
  ];
}
