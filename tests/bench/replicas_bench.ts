import { deepStrictEqual } from "node:assert/strict";
import { Replicas } from "../redis/replicas.ts";
import { startRedis } from "../redis/server.ts";
import { CpProcess } from "../system.ts";
import type { Figure } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { cpuMs, runLoad } from "./process.ts";

const AGENTS = 16;
const BATCH = 20;
const EVENTS = 6000;

/** How much of a core a control plane may have. */
const SHARE = 0.25;

/** Milliseconds between looks at what it had. */
const LOOK_MS = 5;

/** What may be saved up for later, in milliseconds of CPU time. */
const SAVED_MS_MAX = 20;

/** How much more two control planes do than one on the same Redis, and how soon the agents of one that is killed go on. */
export async function replicas(script: string): Promise<Figure[]> {
  const one = await measure(script, 1);
  const two = await measure(script, 2);
  return [
    {
      what:
        "two control planes on one Redis against one, accepts with five statuses each",
      value: two.perSecond / one.perSecond,
      unit: "x",
      bar: { atLeast: 1.7 },
      peer: PEERS.replicas,
      note: `${one.perSecond.toFixed(0)} and ${
        two.perSecond.toFixed(0)
      } events/s, ${one.cpuUs.toFixed(0)} and ${
        two.cpuUs.toFixed(0)
      } µs CPU an event; each held to a quarter of a core by SIGSTOP and SIGCONT; ${AGENTS} agents, half of the events for agents of the other one; Redis AOF always`,
      also: {
        one_per_s: one.perSecond,
        two_per_s: two.perSecond,
        one_cpu_per_event_us: one.cpuUs,
        two_cpu_per_event_us: two.cpuUs,
      },
    },
    await takeover(),
  ];
}

/** What came of one measurement. */
interface Measured {
  /** Events a second. */
  readonly perSecond: number;
  /** CPU time of all control planes for an event, in microseconds. */
  readonly cpuUs: number;
}

async function measure(script: string, count: 1 | 2): Promise<Measured> {
  await using redis = await startRedis();
  await using opened = new AsyncDisposableStack();
  const urls: string[] = [];
  const pids: number[] = [];
  for (let i = 0; i < count; i++) {
    const flags = ["--store", redis.url, "--replica-name", `cp-${i}`];
    // One that is overloaded is to be slow, and not to refuse.
    const patient = ["--waiting-time", "1m"];
    const cp = opened.use(
      await CpProcess.start({ script, flags: [...flags, ...patient] }),
    );
    urls.push(cp.url);
    pids.push(cp.program.pid);
  }
  const [url = "", ...others] = urls;
  const shape = { url, others, agents: AGENTS, batch: BATCH };
  await runLoad({ ...shape, closed: { events: 1000, requests: 4 } }); // warms them up
  using _held = hold(pids);
  const cpu = await cpuOf(pids);
  const outcome = await runLoad({
    ...shape,
    closed: { events: EVENTS * count, requests: 4 * count },
  });
  deepStrictEqual(outcome.refused, {});
  const { accepted, endedSeconds } = outcome;
  return {
    perSecond: accepted / endedSeconds,
    cpuUs: (await cpuOf(pids) - cpu) * 1000 / accepted,
  };
}

async function cpuOf(pids: readonly number[]): Promise<number> {
  const all = await Promise.all(pids.map(cpuMs));
  return all.reduce((sum, ms) => sum + ms, 0);
}

/** Lets each process have its share of a core, and no more. */
function hold(pids: readonly number[]): Disposable {
  const over = new AbortController();
  const held = pids.map((pid) => holdOne(pid, over.signal));
  return {
    [Symbol.dispose]() {
      over.abort();
      Promise.all(held).catch(() => {}); // it has ended
    },
  };
}

async function holdOne(pid: number, signal: AbortSignal): Promise<void> {
  let at = performance.now();
  let used = await cpuMs(pid);
  let left = 0;
  while (!signal.aborted) {
    const now = performance.now();
    const cpu = await cpuMs(pid);
    left = Math.min(SAVED_MS_MAX, left + (now - at) * SHARE - (cpu - used));
    [at, used] = [now, cpu];
    Deno.kill(pid, left > 0 ? "SIGCONT" : "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  Deno.kill(pid, "SIGCONT");
}

/** From the moment that a control plane is killed under load until each of its agents has done an event that came after that. */
async function takeover(): Promise<Figure> {
  await using all = await Replicas.start({ agents: 5 });
  const [a, b] = all.cps;
  const enough = new AbortController();
  const load = all.load(enough.signal);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const theirs = (await all.agentsOf(a)).filter(({ replica }) =>
    replica === "b"
  );
  const killedAt = performance.now();
  await b.crash();
  await Promise.all(theirs.map(async ({ id }) => {
    await all.submit(`after-${id}`, id);
    await all.ended(a, `after-${id}`);
  }));
  const seconds = (performance.now() - killedAt) / 1000;
  enough.abort();
  await load;
  const ended = await all.ended(a);
  const starts = await all.starts();
  deepStrictEqual(ended.length, all.accepted.size);
  deepStrictEqual(new Set(starts).size, starts.length);
  return {
    what:
      "a control plane killed under load: its agents go on at the other one",
    value: seconds,
    unit: "s",
    bar: { atMost: 10 },
    peer: PEERS.takeover,
    note:
      `${theirs.length} of 5 agents moved; ${all.accepted.size} events accepted, all done, none twice`,
    also: { agents_moved: theirs.length, accepted: all.accepted.size },
  };
}
