import { halfAMinute } from "../chaos/half_a_minute.ts";

Deno.test("deno task chaos --replicas 2, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("ws", 2));

Deno.test("deno task chaos --store redis, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("ws", 1, "redis"));
