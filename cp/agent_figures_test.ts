import { deepStrictEqual } from "node:assert/strict";
import { figuresOf } from "./agent_figures.ts";

const at = "2026-11-23T05:04:27.000Z";

function figures(metrics?: Record<string, unknown>) {
  const frame = { type: "heartbeat", timestamp: "t" } as const;
  return figuresOf(
    metrics === undefined ? frame : { ...frame, metrics },
    Date.parse(at),
  );
}

Deno.test("figuresOf() takes what an agent says of itself", () => {
  const said = {
    running: 1,
    waiting: 2,
    unacknowledged: 3,
    journal_bytes: 4096,
    clock_offset_ms: -12,
    taking: false,
    types_not_taken: ["k8s_resource"],
  };
  deepStrictEqual(figures({ ...said, secret: "x" }), { at, ...said });
});

Deno.test("figuresOf() leaves out what is not what it should be", () => {
  deepStrictEqual(
    figures({
      running: -1,
      waiting: 1.5,
      unacknowledged: "3",
      journal_bytes: 2 ** 60,
      clock_offset_ms: null,
      taking: true,
      types_not_taken: ["k8s_resource", 1],
    }),
    { at, taking: true },
  );
});

Deno.test("figuresOf() is nothing when an agent says nothing of itself", () => {
  deepStrictEqual([figures(), figures({})], [undefined, undefined]);
});
