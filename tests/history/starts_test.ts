import { deepStrictEqual } from "node:assert/strict";
import type { Operate } from "./entry.ts";
import { end, found, read, restore, start, submit } from "./sample.ts";
import { startedOnce } from "./starts.ts";

const killed = { kind: "exit", process: "edge-1", at: 10 } as const;
const second = { attempt: 2, process: "edge-2" };

function operate(op: Operate["op"], event: string, at: number): Operate {
  return { kind: "operate", op, event, at, end: at, outcome: "ok" };
}

Deno.test("startedOnce() is content with one start, and with a second attempt after the first process died", () => {
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1),
      start("a", 5),
      killed,
      start("a", 15, second),
      end("a", 20, { attempt: 2 }),
      read("a", 30, "completed", { attempt: 2 }),
    ),
    [],
  );
});

Deno.test("startedOnce() finds an attempt that starts twice duplicated", () => {
  const again = start("a", 15, { process: "edge-2" });
  deepStrictEqual(found(startedOnce, start("a", 5), killed, again), [
    "duplicated a",
  ]);
});

Deno.test("startedOnce() finds a second attempt duplicated whose first one still runs", () => {
  deepStrictEqual(
    found(startedOnce, submit("a", 1), start("a", 5), start("a", 7, second)),
    ["duplicated a"],
  );
});

Deno.test("startedOnce() finds an attempt duplicated that starts after a later one", () => {
  deepStrictEqual(
    found(
      startedOnce,
      start("a", 5, { attempt: 2 }),
      killed,
      start("a", 15, { process: "edge-2" }),
    ),
    ["duplicated a"],
  );
});

Deno.test("startedOnce() finds any second start of what may not be repeated duplicated, unless the first one failed", () => {
  const once = { repeatable: false };
  deepStrictEqual(
    found(
      startedOnce,
      submit("cut off", 1, once),
      start("cut off", 5),
      submit("done", 1, once),
      start("done", 5),
      end("done", 6),
      submit("failed", 1, once),
      start("failed", 5),
      end("failed", 6, { outcome: "failed" }),
      killed,
      start("cut off", 15, second),
      start("done", 15, second),
      start("failed", 15, second),
    ),
    ["duplicated cut off", "duplicated done"],
  );
});

Deno.test("startedOnce() finds a start after an end that somebody saw duplicated", () => {
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1),
      read("a", 3, "cancelled"),
      start("a", 5),
    ),
    ["duplicated a"],
  );
});

Deno.test("startedOnce() lets an operator's retry start again what has ended", () => {
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1, { repeatable: false }),
      start("a", 2),
      end("a", 3, { outcome: "failed" }),
      read("a", 4, "failed"),
      operate("retry", "a", 5),
      start("a", 6, { attempt: 2 }),
    ),
    [],
  );
});

Deno.test("startedOnce() lets a restored store start what never came to an end, and nothing else", () => {
  deepStrictEqual(
    found(
      startedOnce,
      submit("cancelled", 1),
      read("cancelled", 20, "cancelled"),
      submit("completed", 1),
      start("completed", 5),
      end("completed", 6),
      read("completed", 20, "completed"),
      submit("cut off", 1),
      start("cut off", 5),
      read("cut off", 20, "failed"),
      { kind: "exit", at: 10, process: "edge-1" },
      submit("cancelled between two", 1),
      start("cancelled between two", 5),
      end("cancelled between two", 6, { outcome: "failed" }),
      read("cancelled between two", 20, "cancelled"),
      restore(30, 2),
      start("cancelled", 40),
      start("completed", 40, { attempt: 2 }),
      start("cut off", 40, { attempt: 2 }),
      start("cancelled between two", 40, { attempt: 2 }),
    ),
    ["duplicated completed"],
  );
});

Deno.test("startedOnce() lets an attempt start that an operator asked for, and that a restored store does not know", () => {
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1),
      start("a", 2),
      end("a", 3),
      operate("retry", "a", 5),
      restore(6, 4),
      read("a", 7, "completed"),
      start("a", 8, { attempt: 2 }),
    ),
    [],
  );
});

Deno.test("startedOnce() finds a new attempt after a cancellation was answered duplicated", () => {
  const cancel = { ...operate("cancel", "a", 10), attempt: 1 };
  const late = start("a", 15, second);
  const failed = end("a", 6, { outcome: "failed" });
  const before = [submit("a", 1), start("a", 5), failed];
  deepStrictEqual(found(startedOnce, ...before, cancel, late), [
    "duplicated a",
  ]);
  const unanswered = { ...cancel, outcome: "unknown" } as const;
  deepStrictEqual(found(startedOnce, ...before, unanswered, late), []);
  const known = { ...cancel, attempt: 2 };
  deepStrictEqual(found(startedOnce, ...before, known, late), []);
  const retry = operate("retry", "a", 12);
  deepStrictEqual(found(startedOnce, ...before, cancel, retry, late), []);
  const slow = { ...cancel, end: 14 };
  const asked = operate("retry", "a", 12);
  deepStrictEqual(found(startedOnce, ...before, slow, asked, late), []);
  const earlier = operate("retry", "a", 9);
  deepStrictEqual(found(startedOnce, ...before, earlier, slow, late), [
    "duplicated a",
  ]);
  const older = restore(8, 4);
  deepStrictEqual(found(startedOnce, ...before, older, cancel, late), []);
});

Deno.test("startedOnce() finds more starts than the policy allows duplicated", () => {
  const failed = { outcome: "failed" } as const;
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1, { startsMax: 1 }),
      start("a", 5),
      end("a", 6, failed),
      start("a", 7, { attempt: 2 }),
    ),
    ["duplicated a"],
  );
});

Deno.test("startedOnce() finds the start of a refused event unexpected", () => {
  deepStrictEqual(
    found(startedOnce, submit("a", 1, { outcome: "fail" }), start("a", 5)),
    ["unexpected a"],
  );
});

Deno.test("startedOnce() finds what is reported as completed and was not done unexpected", () => {
  deepStrictEqual(
    found(
      startedOnce,
      start("never done", 5),
      read("never done", 10, "completed"),
      start("failed", 5),
      end("failed", 6, { outcome: "failed" }),
      read("failed", 10, "completed"),
      start("done later", 5),
      end("done later", 12),
      read("done later", 10, "completed"),
    ),
    ["unexpected never done", "unexpected failed", "unexpected done later"],
  );
});

Deno.test("startedOnce() lets an agent of version 1 start again what it does not remember", () => {
  deepStrictEqual(
    found(
      startedOnce,
      { kind: "boot", at: 0, process: "edge-1", concurrency: 1, link: 1 },
      submit("a", 1),
      start("a", 2),
      start("a", 5),
    ),
    [],
  );
});

Deno.test("startedOnce() lets an agent that was deleted start what it has", () => {
  const operate = { kind: "operate", outcome: "ok", at: 3, end: 5 } as const;
  deepStrictEqual(
    found(
      startedOnce,
      submit("a", 1),
      { ...operate, op: "delete", agent: "edge" },
      read("a", 6, "failed"),
      start("a", 7),
      submit("b", 1),
      { ...operate, op: "delete", agent: "other" },
      submit("of another", 1, { agent: "third" }),
      read("of another", 6, "failed"),
      start("of another", 7, { agent: "third" }),
    ),
    ["duplicated of another"],
  );
});
