import { deepStrictEqual } from "node:assert/strict";
import type { Operate } from "./entry.ts";
import { paused } from "./paused.ts";
import { found, restore, start, submit } from "./sample.ts";

function operate(op: Operate["op"], at: number): Operate {
  const call = { agent: "edge", end: at + 1, outcome: "ok" } as const;
  return { kind: "operate", op, at, ...call };
}

Deno.test("paused() finds an event unexpected that was submitted during a pause and started", () => {
  const pause = operate("pause", 10);
  const late = [submit("late", 20), start("late", 30)];
  deepStrictEqual(found(paused, pause, ...late), ["unexpected late"]);
  deepStrictEqual(found(paused, pause, operate("resume", 25), ...late), []);
  deepStrictEqual(found(paused, pause, restore(25, 5), ...late), []);
  const unanswered = { ...pause, outcome: "unknown" } as const;
  deepStrictEqual(found(paused, unanswered, ...late), []);
});

Deno.test("paused() lets an event start that may have been released before", () => {
  const early = [submit("early", 5), start("early", 30)];
  deepStrictEqual(found(paused, operate("pause", 10), ...early), []);
});

Deno.test("paused() does not know when a call to resume had its effect that was not answered", () => {
  const resume = { ...operate("resume", 5), outcome: "unknown" } as const;
  const late = [submit("late", 20), start("late", 30)];
  deepStrictEqual(found(paused, resume, operate("pause", 10), ...late), []);
});
