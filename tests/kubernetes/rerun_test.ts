import { ok } from "node:assert/strict";
import { testCluster } from "./cluster.ts";
import { runSeed, World } from "./rerun/run.ts";

/** Few, as each takes seconds; `rerun/main.ts` runs as many as one likes. */
const SEEDS = [2, 5, 8, 12];

Deno.test("random bundles and random kills: running again ends in the state of one undisturbed run", async (t) => {
  await using kube = await testCluster();
  await using world = await World.open(kube);
  for (const seed of SEEDS) {
    await t.step(`seed ${seed}`, () => runSeed(world, seed));
  }
  ok(world.kills >= SEEDS.length, `${world.kills} kills`);
});
