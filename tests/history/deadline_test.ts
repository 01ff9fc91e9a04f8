import { deepStrictEqual } from "node:assert/strict";
import { inTime } from "./deadline.ts";
import { found, start, submit } from "./sample.ts";

Deno.test("inTime() is content with a start before the deadline, and 2 s after it", () => {
  const starts = [start("a", 900), start("a", 3001)];
  deepStrictEqual(found(inTime, submit("a", 0), ...starts), []);
});

Deno.test("inTime() finds a later start late", () => {
  deepStrictEqual(found(inTime, submit("a", 0), start("a", 3002)), ["late a"]);
});

Deno.test("inTime() gives an event whose acceptance is not known exactly the benefit of the doubt", () => {
  const calls = [
    submit("a", 0, { outcome: "unknown" }),
    submit("a", 500, { end: 600 }),
  ];
  deepStrictEqual(found(inTime, ...calls, start("a", 3600)), []);
  deepStrictEqual(found(inTime, ...calls, start("a", 3601)), ["late a"]);
});

Deno.test("inTime() starts the time anew with an operator's retry", () => {
  const call = { kind: "operate", op: "retry", event: "a" } as const;
  const retry = { ...call, at: 5000, end: 5001, outcome: "ok" } as const;
  deepStrictEqual(
    found(inTime, submit("a", 0), retry, start("a", 8001)),
    [],
  );
  deepStrictEqual(
    found(inTime, submit("a", 0), retry, start("a", 8002)),
    ["late a"],
  );
});

Deno.test("inTime() finds what started before it may early", () => {
  deepStrictEqual(
    found(
      inTime,
      submit("early", 1, { notBefore: 900 }),
      start("early", 500),
      submit("then", 1, { notBefore: 400 }),
      start("then", 400),
    ),
    ["early early"],
  );
});

Deno.test("inTime() asks no agent of version 1 for its time", () => {
  deepStrictEqual(
    found(
      inTime,
      { kind: "boot", at: 0, process: "edge-1", concurrency: 1, link: 1 },
      submit("a", 1),
      start("a", 9000),
    ),
    [],
  );
});
