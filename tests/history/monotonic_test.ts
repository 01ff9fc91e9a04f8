import { deepStrictEqual } from "node:assert/strict";
import type { HistoryRead } from "./entry.ts";
import { monotonic } from "./monotonic.ts";
import { found, read, restore, submit } from "./sample.ts";

function told(
  event: string,
  at: number,
  ...names: readonly (string | undefined)[]
): HistoryRead {
  const entries = names.flatMap((name, i) => {
    const [state, phase] = name?.split("/") ?? [];
    const entry = { revision: i + 1, state, ...(phase ? { phase } : {}) };
    return name === undefined ? [] : [entry as HistoryRead["entries"][number]];
  });
  return { kind: "history", at, end: at, event, entries };
}

Deno.test("monotonic() is content with an account that grows", () => {
  deepStrictEqual(
    found(
      monotonic,
      submit("a", 1),
      read("a", 5, "queued"),
      read("a", 6, "queued", { revision: 5 }),
      read("a", 7, "completed"),
      read("a", 8, "completed", { revision: 7 }),
    ),
    [],
  );
});

Deno.test("monotonic() finds a revision that goes back undone", () => {
  const back = read("a", 6, "queued", { revision: 4 });
  deepStrictEqual(found(monotonic, read("a", 5, "assigned"), back), [
    "undone a",
  ]);
});

Deno.test("monotonic() lets calls that overlap be answered either way round", () => {
  const slow = read("a", 4, "queued", { revision: 4, end: 9 });
  deepStrictEqual(found(monotonic, read("a", 5, "assigned"), slow), []);
});

Deno.test("monotonic() compares with the newest answer, not with the last one", () => {
  deepStrictEqual(
    found(
      monotonic,
      read("a", 1, "assigned", { revision: 5, end: 3 }),
      read("a", 2, "queued", { revision: 4, end: 6 }),
      read("a", 7, "queued", { revision: 4 }),
    ),
    ["undone a"],
  );
});

Deno.test("monotonic() finds an end that is left undone, unless an operator asked for it", () => {
  const left = [read("a", 5, "failed"), read("a", 8, "queued")];
  const retry = {
    kind: "operate",
    op: "retry",
    event: "a",
    at: 6,
    end: 7,
    outcome: "ok",
  } as const;
  deepStrictEqual(found(monotonic, ...left), ["undone a"]);
  deepStrictEqual(found(monotonic, ...left, retry), []);
  const refused = { ...retry, outcome: "fail" } as const;
  deepStrictEqual(found(monotonic, ...left, refused), ["undone a"]);
  const earlier = { ...retry, at: 1, end: 2 };
  deepStrictEqual(found(monotonic, ...left, earlier), ["undone a"]);
});

Deno.test("monotonic() finds one revision with two states undone", () => {
  const other = read("a", 6, "failed", { revision: 5 });
  deepStrictEqual(found(monotonic, read("a", 5, "completed"), other), [
    "undone a",
  ]);
});

Deno.test("monotonic() finds an event undone that was accepted, or seen, and is not there", () => {
  deepStrictEqual(
    found(monotonic, submit("a", 1), read("a", 5, "absent")),
    ["undone a"],
  );
  deepStrictEqual(
    found(monotonic, read("a", 4, "queued"), read("a", 5, "absent")),
    ["undone a"],
  );
  deepStrictEqual(
    found(monotonic, submit("a", 1, { end: 9 }), read("a", 5, "absent")),
    [],
  );
});

Deno.test("monotonic() lets a store that was put back forget what is newer than the copy, and no more", () => {
  const seen = [
    read("a", 5, "assigned"),
    read("a", 20, "queued", { revision: 4 }),
  ];
  deepStrictEqual(found(monotonic, ...seen, restore(10, 3)), []);
  deepStrictEqual(found(monotonic, ...seen, restore(10, 6)), ["undone a"]);
});

Deno.test("monotonic() finds a history that loses or changes a line undone", () => {
  const before = told("a", 5, "queued", "assigned", "in_progress/received");
  const after = (...names: readonly (string | undefined)[]) =>
    found(monotonic, before, told("a", 6, ...names));
  deepStrictEqual(
    after("queued", "assigned", "in_progress/received", "completed/completed"),
    [],
  );
  deepStrictEqual(after("queued", "assigned", undefined, "completed"), []);
  deepStrictEqual(after("completed"), ["undone a"]);
  deepStrictEqual(after("queued", "queued"), ["undone a"]);
});

Deno.test("monotonic() finds a history that is out of order undone", () => {
  const read = told("a", 5, "queued", "assigned");
  const entries = [...read.entries].reverse();
  deepStrictEqual(found(monotonic, { ...read, entries }), ["undone a"]);
});

Deno.test("monotonic() finds an event in a list of another state undone", () => {
  const events = [{ event: "a", state: "completed" }] as const;
  const list = { kind: "list", at: 1, end: 2, events } as const;
  deepStrictEqual(found(monotonic, { ...list, state: "completed" }), []);
  deepStrictEqual(found(monotonic, { ...list, state: "assigned" }), [
    "undone a",
  ]);
});
