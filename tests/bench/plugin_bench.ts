import {
  openInProcess,
  openIsolated,
  readEntry,
} from "@transporter/agent/plugin";
import {
  type EventSpec,
  execute,
  type Executor,
  silentLogger,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import { pluginTools } from "../../program/plugin_tools.ts";
import { ROOT } from "../files.ts";
import { type Figure, percentile } from "./figures.ts";
import { PEERS } from "./peers.ts";

const SPEC = `${ROOT}examples/custom_executor/mod.ts`;
const ROUNDS = 20;
const EVENTS = 100;

/** One event from its first status to its last, as an agent runs it; in milliseconds. */
async function run(executor: Executor, id: string): Promise<number> {
  const spec: EventSpec = {
    id,
    type: "greet",
    target_agent: "bench",
    payload: { name: "Ada" },
    created_at: "2026-11-28T00:00:00Z",
    created_by: "bench",
    ttl: 60e9,
    priority: 0,
    labels: {},
  };
  const startedAt = performance.now();
  const last = await execute(executor, spec, {
    agentId: "bench",
    attempt: 1,
    deadline: systemClock.now() + 60_000,
    signal: new AbortController().signal,
    clock: systemClock,
    log: silentLogger,
    record: () => Promise.resolve(),
  });
  if (last.state !== "completed") throw new Error(last.message);
  return performance.now() - startedAt;
}

/** What isolation costs an event, one after the other and in turns, so that the machine is the same for both. */
export async function plugins(): Promise<Figure[]> {
  const tools = await pluginTools(Deno.env.toObject());
  const options = {
    tools,
    clock: systemClock,
    rng: systemRng,
    log: silentLogger,
    signal: new AbortController().signal,
  };
  const cwd = Deno.cwd();
  await using isolated = await openIsolated(
    readEntry(SPEC, { flag: "plugin", cwd }),
    options,
  );
  await using inProcess = await openInProcess(
    readEntry(SPEC, { flag: "plugin-in-process", cwd }),
    options,
  );
  const apart: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    for (
      const [executor, times] of [[isolated, apart], [
        inProcess,
        beside,
      ]] as const
    ) {
      for (let i = 0; i < EVENTS; i++) {
        const time = await run(executor, `e-${round}-${i}`);
        if (round > 0) times.push(time); // the first one warms it up
      }
    }
  }
  const p50 = percentile(apart, 0.5);
  const p99 = percentile(apart, 0.99);
  return [{
    what: "isolated plugin: an event over the same in the agent, p50",
    value: p50 - percentile(beside, 0.5),
    unit: "ms",
    bar: { atMost: 1 },
    peer: PEERS.none,
    note: `isolated p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
    also: { isolated_p50_ms: p50, isolated_p99_ms: p99 },
  }];
}
