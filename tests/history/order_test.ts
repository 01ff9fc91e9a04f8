import { deepStrictEqual } from "node:assert/strict";
import { inOrder } from "./order.ts";
import { found, read, restore, session, start, submit } from "./sample.ts";

const key = { key: "ns" };

Deno.test("inOrder() is content when events with a key start in the order of acceptance", () => {
  deepStrictEqual(
    found(
      inOrder,
      submit("a", 1, key),
      submit("b", 5, key),
      start("a", 10),
      start("b", 11),
    ),
    [],
  );
});

Deno.test("inOrder() finds an event disordered that a later one passed", () => {
  const passed = [start("b", 10), start("a", 11)];
  deepStrictEqual(
    found(inOrder, submit("a", 1, key), submit("b", 5, key), ...passed),
    ["disordered a"],
  );
});

Deno.test("inOrder() judges first starts, of one agent, with one key, accepted one after the other", () => {
  const passed = [start("b", 10), start("a", 11)];
  const other = [
    [submit("a", 1, key), submit("b", 5, { key: "other" })],
    [submit("a", 1), submit("b", 5)],
    [submit("a", 1, key), submit("b", 5, { ...key, agent: "other" })],
    [submit("a", 1, { ...key, end: 6 }), submit("b", 5, key)],
  ];
  for (const submits of other) {
    deepStrictEqual(found(inOrder, ...submits, ...passed), []);
  }
  const again = [start("a", 9), ...passed.slice(0, 1), start("a", 11)];
  deepStrictEqual(
    found(inOrder, submit("a", 1, key), submit("b", 5, key), ...again),
    [],
  );
});

Deno.test("inOrder() lets an event that went back to the queue lose its place", () => {
  const passed = [start("b", 10), start("a", 11, { attempt: 2 })];
  deepStrictEqual(
    found(inOrder, submit("a", 1, key), submit("b", 5, key), ...passed),
    [],
  );
});

Deno.test("inOrder() lets a higher priority pass, and requires it of events that waited together", () => {
  const urgent = [
    submit("low", 1, key),
    submit("high", 5, { ...key, priority: 9 }),
  ];
  const [high, low] = [start("high", 20), start("low", 21)];
  deepStrictEqual(found(inOrder, ...urgent, high, low), []);
  const passed = [start("low", 20), start("high", 21)];
  const waiting = (at: number) => read("low", at, "queued", { attempt: 0 });
  deepStrictEqual(found(inOrder, ...urgent, ...passed), []);
  deepStrictEqual(found(inOrder, ...urgent, ...passed, waiting(3)), []);
  deepStrictEqual(found(inOrder, ...urgent, ...passed, waiting(7)), [
    "disordered high",
  ]);
});

Deno.test("inOrder() takes into account that waiting raises the priority", () => {
  const aged = [
    submit("low", 0, key),
    submit("high", 120_000, { ...key, priority: 2 }),
  ];
  const waiting = read("low", 120_002, "queued", { attempt: 0 });
  const passed = [start("low", 120_003), start("high", 120_004)];
  deepStrictEqual(found(inOrder, ...aged, waiting, ...passed), []);
});

Deno.test("inOrder() does not count how long something waited while the clock was set", () => {
  const events = [
    submit("low", 1, key),
    submit("high", 9, { ...key, priority: 9 }),
  ];
  const waiting = read("low", 11, "queued", { attempt: 0 });
  const history = [...events, waiting, start("low", 20), start("high", 21)];
  const set = (at: number) =>
    ({ kind: "fault", at, what: "cp-clock-jump", target: "it" }) as const;
  deepStrictEqual(found(inOrder, ...history, set(5)), []);
  deepStrictEqual(found(inOrder, ...history, set(15)), ["disordered high"]);
});

Deno.test("inOrder() lets an older store have open again what had ended", () => {
  const events = [submit("a", 1, key), submit("b", 5, key)];
  const passed = [start("b", 10), restore(11, 7), start("a", 12)];
  deepStrictEqual(found(inOrder, ...events, ...passed), []);
  const before = [restore(9, 7), start("b", 10), start("a", 12)];
  deepStrictEqual(found(inOrder, ...events, ...before), ["disordered a"]);
});

Deno.test("inOrder() lets an agent start first what it has when an older store is put back", () => {
  const sent = (at: number) => session(1, at, { what: "event", event: "b" });
  const cancelled = [submit("a", 1, key), submit("b", 5, key)];
  const passed = [start("b", 10), start("a", 12)];
  const later = [sent(9), ...passed];
  deepStrictEqual(
    found(inOrder, ...cancelled, sent(8), restore(9, 7), ...passed),
    [],
  );
  deepStrictEqual(found(inOrder, ...cancelled, ...later), [
    "disordered a",
  ]);
  const urgent = [
    submit("b", 1, key),
    submit("a", 5, { ...key, priority: 9 }),
    read("b", 8, "queued", { attempt: 0 }),
    ...passed,
  ];
  deepStrictEqual(found(inOrder, ...urgent, sent(4)), []);
  deepStrictEqual(found(inOrder, ...urgent, sent(9)), ["disordered a"]);
});

Deno.test("inOrder() lets one pass whose time was over by a clock that was set back since", () => {
  const events = [submit("a", 1, key), submit("b", 5, key)];
  const sent = session(1, 8, { what: "event", event: "b" });
  const set = (at: number) =>
    ({ kind: "fault", at, what: "cp-clock-jump", target: "it" }) as const;
  const history = [...events, sent, start("b", 10), start("a", 20)];
  deepStrictEqual(found(inOrder, ...history, set(7)), ["disordered a"]);
  deepStrictEqual(found(inOrder, ...history, set(9)), []);
  deepStrictEqual(found(inOrder, ...history, set(15)), []);
  deepStrictEqual(found(inOrder, ...history, set(21)), ["disordered a"]);
});
