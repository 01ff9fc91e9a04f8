import { deepStrictEqual } from "node:assert/strict";
import { bounded } from "./bounded.ts";
import { end, found, start } from "./sample.ts";

const boot = {
  kind: "boot",
  at: 0,
  process: "edge-1",
  concurrency: 2,
} as const;

Deno.test("bounded() is content while no more runs than may", () => {
  deepStrictEqual(
    found(
      bounded,
      boot,
      start("a", 1),
      start("b", 2),
      end("a", 3),
      start("c", 4),
      start("other process", 5, { process: "edge-2" }),
    ),
    [],
  );
});

Deno.test("bounded() finds a process flooded that runs more", () => {
  deepStrictEqual(
    found(bounded, boot, start("a", 1), start("b", 2), start("c", 3)),
    ["flooded edge-1"],
  );
});

Deno.test("bounded() lets an attempt begin in the moment in which another one ends", () => {
  const boot = {
    kind: "boot",
    at: 0,
    process: "edge-1",
    concurrency: 1,
  } as const;
  const history = [boot, start("a", 1), end("a", 2), start("b", 2)];
  deepStrictEqual(found(bounded, ...history), []);
});
