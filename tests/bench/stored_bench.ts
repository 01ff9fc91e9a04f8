import { deepStrictEqual } from "node:assert/strict";
import { openSqliteStore } from "../../cp/store/sqlite.ts";
import { event, to } from "../../cp/store/testing/samples.ts";
import { CpProcess } from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { cpuMs, runLoad } from "./process.ts";

const STORED = [1000, 10_000, 100_000, 1_000_000];
const ROUNDS = 9;
const EVENTS = 2000;

/** Events that are written at a time, so that they are committed together. */
const TOGETHER = 1000;

/** Makes a data folder with so many events that have ended. */
async function filled(count: number): Promise<string> {
  const dataDir = await Deno.makeTempDir({ prefix: "transporter-cp-" });
  await using store = await openSqliteStore({
    path: `${dataDir}/transporter.db`,
  });
  for (let from = 0; from < count; from += TOGETHER) {
    const ids = Array.from({ length: TOGETHER }, (_, i) => `old-${from + i}`);
    await Promise.all(ids.map((id) => store.createEvent("default", event(id))));
    await Promise.all(
      ids.map((id) => store.changeEvent("default", id, to("completed"))),
    );
  }
  return dataDir;
}

/** What an event costs beside few and many that have ended, in turns, so that the machine is the same for all. */
export async function stored(script: string): Promise<Figure[]> {
  await using opened = new AsyncDisposableStack();
  const places: { readonly cp: CpProcess; readonly costs: number[] }[] = [];
  for (const count of STORED) {
    const dataDir = await filled(count);
    const flags = ["--events-max", "10000000", "--retention", "3650d"];
    const cp = opened.use(await CpProcess.start({ script, dataDir, flags }));
    places.push({ cp, costs: [] });
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { cp, costs } of places) {
      const before = await cpuMs(cp.program.pid);
      const outcome = await runLoad({
        url: cp.url,
        agents: 4,
        batch: 50,
        closed: { events: EVENTS, requests: 2 },
      });
      deepStrictEqual(outcome.refused, {});
      const cost = (await cpuMs(cp.program.pid) - before) * 1000 / EVENTS;
      if (round > 0) costs.push(cost); // the first one warms it up
    }
  }
  const medians = places.map(({ costs }) => percentile(costs, 0.5));
  const least = Math.min(...medians);
  return [{
    what:
      "CPU of an event beside 10^3, 10^4, 10^5, 10^6 stored, the most by the least",
    value: Math.max(...medians) / least,
    unit: "times",
    bar: { atMost: 1.5 },
    peer: PEERS.stored,
    note: `${
      medians.map((us) => us.toFixed(0)).join(", ")
    } µs, medians of ${ROUNDS} rounds in turns`,
    also: Object.fromEntries(
      medians.map((us, i) => [`cpu_beside_${STORED[i]}_us`, us]),
    ),
  }];
}
