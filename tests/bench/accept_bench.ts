import { deepStrictEqual } from "node:assert/strict";
import { startRedis } from "../redis/server.ts";
import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { cpuMs, memoryMb, runLoad, writtenBytes } from "./process.ts";
import { PEERS } from "./peers.ts";

const AGENTS = 16;
const BATCH = 50;
/** Under way at a time: four were answered half as soon, at the same rate. */
const REQUESTS = 2;

/** What is measured. */
interface Stored {
  /** What the control plane is started with. */
  readonly script: string;
  /** The store, as notes name it. */
  readonly store: string;
  /** Flags that name it. */
  readonly flags: readonly string[];
  /** Events that are sent. */
  readonly events: number;
  /** Accepts a second that are to be met. */
  readonly bar: number;
}

/** How many events a second one process takes, keeps, and sees through five statuses each. */
export async function accepts(script: string): Promise<Figure[]> {
  return await acceptsInto({
    script,
    store: "SQLite FULL",
    flags: [],
    events: 60_000,
    bar: 6000,
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
      peer: PEERS.none,
      note:
        `${stored} ended events of a script of 10 bytes, each with seven entries of history`,
    });
  }
  return figures;
}

async function acceptsInto(
  { script, store, flags, events: count, bar }: Stored,
): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script, flags });
  const { pid } = cp.program;
  const shape = { url: cp.url, agents: AGENTS, batch: BATCH };
  await runLoad({ ...shape, closed: { events: 3000, requests: REQUESTS } }); // warms it up
  const [cpu, written] = [await cpuMs(pid), await writtenBytes(pid)];
  const closed = { events: count, requests: REQUESTS };
  const outcome = await runLoad({ ...shape, closed });
  deepStrictEqual(outcome.refused, {});
  const events = outcome.accepted;
  const note =
    `${BATCH} a request, ${REQUESTS} requests at a time, ${AGENTS} agents, ${store}`;
  const cpuUs = (await cpuMs(pid) - cpu) * 1000 / events;
  const bytes = (await writtenBytes(pid) - written) / events;
  const answered = events / outcome.seconds;
  const rss = await memoryMb(pid, "VmHWM");
  return [
    {
      what: `${store}: accepts, each with five statuses recorded`,
      value: events / outcome.endedSeconds,
      unit: "/s",
      bar: { atLeast: bar },
      peer: PEERS.accepts,
      note: `${note}; ${cpuUs.toFixed(0)} µs CPU and ${
        bytes.toFixed(0)
      } bytes written an event; RSS at most ${rss.toFixed(0)} MB; answered at ${
        answered.toFixed(0)
      }/s`,
      also: {
        cpu_per_event_us: cpuUs,
        written_per_event_bytes: bytes,
        rss_max_mb: rss,
        answered_per_s: answered,
      },
    },
    {
      what: `${store}: answer to a request, p99`,
      value: outcome.acceptMs[1],
      unit: "ms",
      bar: { atMost: 50 },
      peer: PEERS.none,
      note: `p50 ${outcome.acceptMs[0].toFixed(1)} ms`,
      also: { p50_ms: outcome.acceptMs[0] },
    },
  ];
}
