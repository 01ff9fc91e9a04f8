import { deepStrictEqual } from "node:assert/strict";
import type { Operate } from "./entry.ts";
import { found, restore, start, submit } from "./sample.ts";
import { superseded } from "./superseded.ts";

const older = submit("older", 10);
const newer = submit("newer", 20, { supersedes: "older" });

Deno.test("superseded() finds an event that starts after the one that takes its place", () => {
  const wrong = [older, newer, start("newer", 30), start("older", 40)];
  deepStrictEqual(found(superseded, ...wrong), ["disordered older"]);
  const retry: Operate = {
    kind: "operate",
    op: "retry",
    event: "older",
    at: 32,
    end: 33,
    outcome: "ok",
  };
  deepStrictEqual(found(superseded, ...wrong, retry), []);
  deepStrictEqual(found(superseded, ...wrong, restore(35, 25)), []);
});

Deno.test("superseded() lets an event go on that had started before, or that came later", () => {
  const began = [start("older", 25), start("newer", 30), start("older", 40)];
  deepStrictEqual(found(superseded, older, newer, ...began), []);
  const starts = [start("newer", 30), start("older", 40)];
  const later = submit("older", 22);
  deepStrictEqual(found(superseded, newer, later, ...starts), []);
  const unknown = { ...older, outcome: "unknown" } as const;
  deepStrictEqual(found(superseded, unknown, newer, ...starts), []);
});
