import { deepStrictEqual } from "node:assert/strict";
import { ended } from "./ended.ts";
import { found, mark, read, restore, submit } from "./sample.ts";

Deno.test("ended() is content when all that was accepted has ended", () => {
  deepStrictEqual(
    found(
      ended,
      submit("a", 1),
      submit("b", 1),
      mark("settled", 50),
      read("a", 60, "completed"),
      read("b", 60, "failed"),
    ),
    [],
  );
});

Deno.test("ended() finds an accepted event that never ends lost", () => {
  deepStrictEqual(
    found(
      ended,
      submit("a", 1),
      mark("settled", 50),
      read("a", 40, "completed"), // before: what counts is what is so afterwards
      read("a", 60, "assigned"),
    ),
    ["lost a"],
  );
});

Deno.test("ended() finds an accepted event that is not there, or that nobody looked for, lost", () => {
  deepStrictEqual(
    found(
      ended,
      submit("a", 1),
      submit("b", 1),
      mark("settled", 50),
      read("a", 60, "absent"),
    ),
    ["lost a", "lost b"],
  );
});

Deno.test("ended() lets an event be absent of which nobody was told that it was accepted, but not hang", () => {
  const unknown = { outcome: "unknown" } as const;
  deepStrictEqual(
    found(
      ended,
      submit("a", 1, unknown),
      submit("b", 1, unknown),
      mark("settled", 50),
      read("a", 60, "absent"),
      read("b", 60, "queued"),
    ),
    ["lost b"],
  );
});

Deno.test("ended() finds a refused event that is there unexpected, unless a later call was not refused", () => {
  const fail = { outcome: "fail" } as const;
  deepStrictEqual(
    found(
      ended,
      submit("a", 1, fail),
      submit("b", 1, fail),
      submit("b", 5),
      mark("settled", 50),
      read("a", 60, "completed"),
      read("b", 60, "completed"),
    ),
    ["unexpected a"],
  );
});

Deno.test("ended() lets only what was accepted after the copy be forgotten with the store", () => {
  deepStrictEqual(
    found(
      ended,
      submit("old", 1),
      submit("new", 20),
      restore(30, 10),
      mark("settled", 50),
      read("old", 60, "absent"),
      read("new", 60, "absent"),
    ),
    ["lost old"],
  );
});
