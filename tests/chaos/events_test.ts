import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Random } from "../sim/random.ts";
import { planEvents } from "./events.ts";

function draw(seed: number) {
  const random = new Random(`events ${seed}`);
  return planEvents({
    random,
    count: 2000,
    runMs: 60_000,
    agents: ["a1", "a2"],
  });
}

Deno.test("planEvents() makes the same of the same seed, by their time, each with an id of its own", () => {
  const events = draw(1);
  deepStrictEqual(events, draw(1));
  strictEqual(new Set(events.map(({ facts }) => facts.event)).size, 2000);
  const times = events.map(({ atMs }) => atMs);
  deepStrictEqual(times, [...times].sort((a, b) => a - b));
  ok((times.at(-1) ?? 0) < 60_000);
});

Deno.test("planEvents() draws every sort of event", () => {
  const events = draw(2);
  const sorts: Record<string, (event: typeof events[number]) => boolean> = {
    repeatable: ({ facts }) => facts.repeatable,
    once: ({ facts }) => !facts.repeatable,
    "with a key": ({ facts }) => facts.key !== undefined,
    slow: ({ payload }) => payload.ms >= 200,
    failing: ({ payload }) => payload.failures !== undefined,
    urgent: ({ facts }) => facts.priority > 0,
    "with little time": ({ facts }) => facts.ttlMs <= 30_000,
  };
  for (const [sort, is] of Object.entries(sorts)) {
    const count = events.filter(is).length;
    ok(count > 40 && count < 1960, `${sort}: ${count}`);
  }
});
