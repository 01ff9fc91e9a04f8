/**
 * Runs seeds of the bundles that are sent while processes are killed:
 * `deno run -A tests/kubernetes/rerun/main.ts [--seeds N] [--from K]`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { parseArgs } from "node:util";
import { testCluster } from "../cluster.ts";
import { runSeed, World } from "./run.ts";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1" },
      from: { type: "string", default: "1" },
    },
  });
  const from = Number(values.from);
  await using kube = await testCluster();
  await using world = await World.open(kube);
  let failed = 0;
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    try {
      await runSeed(world, seed);
      console.log(`seed ${seed}: ok`);
    } catch (error) {
      failed++;
      console.log(error instanceof Error ? error.message : error);
    }
  }
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
