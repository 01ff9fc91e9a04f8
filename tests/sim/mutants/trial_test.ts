import { deepStrictEqual, match } from "node:assert/strict";
import { Runner } from "../../../agent/runner.ts";
import type { Plant } from "../plant.ts";
import { type Mutant, replace, withStore } from "./mutant.ts";
import { tryMutant } from "./trial.ts";

function planting(plant: Plant): Mutant {
  return {
    name: "sample",
    upstream: [],
    does: "Whatever it does.",
    breaks: ["G1"],
    budget: 1,
    plant: () => plant,
  };
}

Deno.test("tryMutant() finds nothing in a program without a fault", async () => {
  deepStrictEqual(await tryMutant(planting({}), 2), {
    seed: 2,
    violations: [],
  });
});

Deno.test("tryMutant() says when the planted code itself fails", async () => {
  const wrong = () => {
    throw new TypeError("it is not a function");
  };
  const plants: readonly Plant[] = [
    { core: (options) => withStore(options, () => ({ getEvent: wrong })) },
    { patch: () => replace(Runner.prototype, "add", () => wrong) },
    { patch: wrong },
  ];
  for (const plant of plants) {
    const { broken = "" } = await tryMutant(planting(plant), 2);
    match(broken, /TypeError: it is not a function/);
  }
});
