import { deepStrictEqual } from "node:assert/strict";
import { faultsOf, halfAMinute } from "../chaos/half_a_minute.ts";
import { REDIS } from "../chaos/redis.ts";

Deno.test("half a minute of chaos on a Redis kills it, stops it and has it sleep, and cuts one of two control planes off from it", async () => {
  const shared = await faultsOf("ws", 2);
  for (const faults of [shared, await faultsOf("ws", 1, "redis")]) {
    deepStrictEqual(
      ["kill9", "pause", "sleep"].filter((kind) =>
        !faults.has(`${REDIS} ${kind}`)
      ),
      [],
    );
  }
  deepStrictEqual(
    [...shared].filter((each) => /^cp2?-store-link black_hole$/.test(each)),
    ["cp2-store-link black_hole"],
  );
});

Deno.test("deno task chaos --replicas 2, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("ws", 2));

Deno.test("deno task chaos --store redis, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("ws", 1, "redis"));
