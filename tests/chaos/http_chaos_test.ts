import { halfAMinute } from "./half_a_minute.ts";

Deno.test("deno task chaos --wire poll, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("poll"));

Deno.test("deno task chaos --wire sse, half a minute of it, finds nothing lost, nothing done twice and nothing undone", () =>
  halfAMinute("sse"));
