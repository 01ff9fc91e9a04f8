import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Random } from "../sim/random.ts";
import type { ProcessFaultKind } from "./fault.ts";
import { plan, type PlanOptions, rounds } from "./plan.ts";

const KINDS: readonly ProcessFaultKind[] = [
  "kill9",
  "term",
  "pause",
  "few_files",
  "disk_full",
  "read_only",
  "clock",
];

function options(seed: number, rest: Partial<PlanOptions> = {}): PlanOptions {
  return {
    random: new Random(`plan ${seed}`),
    runMs: 600_000,
    everyMs: 10_000,
    processes: { cp: KINDS, a1: KINDS },
    links: ["a1-link", "reader-link"],
    ...rest,
  };
}

Deno.test("plan() makes the same of the same seed, and something else of another", () => {
  deepStrictEqual(plan(options(1)), plan(options(1)));
  ok(JSON.stringify(plan(options(1))) !== JSON.stringify(plan(options(2))));
});

Deno.test("plan() lets the faults of one target follow each other, and be over before each quiet gap", () => {
  const { roundMs, stormMs } = rounds(600_000);
  const faults = plan(options(3));
  const ends = new Map<string, number>();
  for (const { target, atMs, ms } of faults) {
    ok(atMs >= (ends.get(target) ?? 0), `${target} at ${atMs}`);
    ends.set(target, atMs + ms);
    const inRound = atMs % roundMs;
    ok(inRound < stormMs && inRound + ms <= stormMs + 1, `${atMs} for ${ms}`);
  }
});

Deno.test("plan() does something to each target about as often as asked for", () => {
  const faults = plan(options(4, { runMs: 36_000_000 }));
  for (const target of ["cp", "a1", "a1-link", "reader-link"]) {
    const own = faults.filter((fault) => fault.target === target);
    const everyMs = 36_000_000 * 0.8 / own.length;
    ok(everyMs > 8_000 && everyMs < 16_000, `${target}: ${everyMs} ms`);
  }
});

Deno.test("plan() draws every kind of fault", () => {
  const kinds = new Set(
    plan(options(5, { runMs: 3_600_000 })).map(({ fault }) => fault.kind),
  );
  strictEqual(kinds.size, KINDS.length + 10);
});
