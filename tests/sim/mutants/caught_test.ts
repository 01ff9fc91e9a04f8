import { deepStrictEqual } from "node:assert/strict";
import { isWell } from "./hunt.ts";
import { MUTANTS } from "./mod.ts";
import { huntAll } from "./pool.ts";

Deno.test("every fault that is planted is caught, and those that are harmless survive", async () => {
  const hunts = await huntAll(MUTANTS, {
    from: 1,
    search: false,
    jobs: navigator.hardwareConcurrency,
  });
  const bad = hunts.filter((hunt) => !isWell(hunt));
  deepStrictEqual(
    bad.map(({ mutant, verdict, message }) =>
      `${mutant} is ${verdict}: ${message}`
    ),
    [],
  );
});
