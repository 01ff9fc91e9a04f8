import { deepStrictEqual } from "node:assert/strict";
import { BROKER } from "../chaos/broker.ts";
import { faultsOf, halfAMinute } from "../chaos/half_a_minute.ts";

Deno.test("half a minute of chaos over NATS kills the server, ends it and stops it", async () => {
  const faults = await faultsOf("nats");
  deepStrictEqual(
    ["kill9", "term", "pause"].filter((kind) =>
      !faults.has(`${BROKER} ${kind}`)
    ),
    [],
  );
});

Deno.test("deno task chaos --wire nats, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("nats"));
