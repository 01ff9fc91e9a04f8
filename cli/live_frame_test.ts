import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type FrameOptions, liveFrame } from "./live_frame.ts";
import { rowsOf } from "./objects.ts";
import { plain } from "./paint.ts";
import { NOW } from "./testing/host.ts";
import { widthOf } from "./text.ts";

const OPTIONS: FrameOptions = {
  columns: 99,
  lines: 22,
  owner: undefined,
  now: NOW,
  paint: plain,
};

function object(name: string, status: string, message = "") {
  const since = new Date(NOW - 12_000).toISOString();
  return {
    kind: "Deployment",
    name,
    namespace: "shop",
    status,
    message,
    since,
  };
}

function listOf(...objects: readonly ReturnType<typeof object>[]) {
  const groups = Object.groupBy(objects, ({ status }) => status);
  const counts = Object.fromEntries(
    Object.entries(groups).map(([status, all = []]) => [status, all.length]),
  );
  return { rows: rowsOf(objects, "edge-7"), total: objects.length, counts };
}

const MANY = listOf(
  ...Array.from({ length: 40 }, (_, i) => object(`done-${i}`, "ready")),
  object("late", "pending"),
  object("slow", "waiting", "0 of 3 replicas are available"),
  object("lost", "failed", "it is gone"),
);

Deno.test("liveFrame() has a line for each object, in the order of the event, and counts them", () => {
  const list = listOf(
    object("web", "waiting", "0 of 1 replicas\n\u001b[2J are available"),
    object("db", "created"),
  );
  deepStrictEqual(liveFrame([list], OPTIONS), [
    "  KIND        NAME      STATUS   AGE  WAITS FOR",
    "  Deployment  shop/web  waiting  12s  0 of 1 replicas\\n\\u001b[2J are available",
    "  Deployment  shop/db   created  12s",
    "  1 of 2 done: 1 waiting, 1 created",
  ]);
  deepStrictEqual(liveFrame([], OPTIONS), []);
});

Deno.test("liveFrame() shows what is not done first when there is no room for all", () => {
  const lines = liveFrame([MANY], { ...OPTIONS, lines: 6 });
  strictEqual(lines.length, 6);
  deepStrictEqual(
    lines.slice(1, 5).map((line) => line.split(/ {2,}/)[2]),
    ["shop/lost", "shop/slow", "shop/late", "shop/done-0"],
  );
  strictEqual(
    lines[5],
    "  … and 39 more; 41 of 43 done: 40 ready, 1 pending, 1 waiting, 1 failed",
  );
});

Deno.test("liveFrame() says whose the objects of several events are, and counts all of them", () => {
  const other = listOf(object("db", "created"));
  const lists = [
    listOf(object("web", "waiting", "0 of 1")),
    { ...other, rows: other.rows.map((row) => ({ ...row, agent: "edge-8" })) },
  ];
  deepStrictEqual(liveFrame(lists, { ...OPTIONS, owner: "AGENT" }), [
    "  AGENT   KIND        NAME      STATUS   AGE  WAITS FOR",
    "  edge-7  Deployment  shop/web  waiting  12s  0 of 1",
    "  edge-8  Deployment  shop/db   created  12s",
    "  1 of 2 done: 1 waiting, 1 created",
  ]);
});

Deno.test("liveFrame() fits into any terminal", () => {
  const wide = listOf(
    object("漢字".repeat(40), "waiting", "か".repeat(300)),
    object("a", "not_attempted"),
  );
  for (let columns = 1; columns < 140; columns++) {
    for (const lines of [0, 1, 2, 3, 50]) {
      const frame = liveFrame([wide, MANY], {
        ...OPTIONS,
        columns,
        lines,
        owner: "AGENT",
      });
      ok(frame.length <= lines, `${frame.length} lines in ${lines}`);
      for (const line of frame) {
        ok(widthOf(line) <= columns, `${columns}: ${line}`);
      }
    }
  }
});

Deno.test("liveFrame() keeps the end of long names, where they differ", () => {
  const prefix = "a-name-that-all-of-them-have-in-common";
  const list = listOf(
    object(`${prefix}-1`, "waiting", "x".repeat(60)),
    object(`${prefix}-2`, "waiting"),
  );
  const [, first, second] = liveFrame([list], { ...OPTIONS, columns: 60 });
  ok(first?.includes("common-1 "));
  ok(second?.includes("common-2 "));
});
