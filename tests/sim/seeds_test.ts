import { deepStrictEqual } from "node:assert/strict";
import { formatFailure, tallySeed } from "./batch.ts";
import { runSeeds } from "./pool.ts";
import { RECORDED } from "./recorded.ts";

Deno.test("the core keeps every guarantee for 2,000 seeds", async () => {
  const { failures } = await runSeeds({
    from: 1,
    seeds: 2000,
    jobs: navigator.hardwareConcurrency,
  });
  deepStrictEqual(failures.map(formatFailure), []);
});

Deno.test("two control planes over one store keep every guarantee for 500 seeds", async () => {
  const { failures } = await runSeeds({
    from: 1,
    seeds: 500,
    jobs: navigator.hardwareConcurrency,
    replicas: 2,
  });
  deepStrictEqual(failures.map(formatFailure), []);
});

Deno.test("the core keeps every guarantee for 400 seeds over requests, streams and messages", async () => {
  const { failures } = await runSeeds({
    from: 1,
    seeds: 400,
    jobs: navigator.hardwareConcurrency,
    wire: "any",
  });
  deepStrictEqual(failures.map(formatFailure), []);
});

Deno.test("the core keeps every guarantee for the seeds that once broke one", async () => {
  for (const { seed, commit, found, ...setting } of RECORDED) {
    const { failures } = await tallySeed(seed, setting);
    const broken = failures.map(formatFailure);
    deepStrictEqual(broken, [], `recorded at ${commit}: ${found}`);
  }
});
