import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { json, meets, percentile, table } from "./figures.ts";

Deno.test("percentile() is the value that the share of all does not pass", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  strictEqual(percentile(values, 0.5), 51);
  strictEqual(percentile(values, 0.99), 100);
  strictEqual(percentile([7], 0.5), 7);
});

Deno.test("table() says on which side of its bar a figure is", () => {
  const same = { value: 26, peer: "none known" };
  const slow = { ...same, what: "a", unit: "ms", bar: { atMost: 25 } };
  const fast = { ...same, what: "b", unit: "/s", bar: { atLeast: 25 } };
  strictEqual(meets(slow), false);
  strictEqual(meets(fast), true);
  const text = table([slow, fast]);
  ok(text.includes("| a | 26.0 ms | ≤ 25 ms | MISSED |"));
  ok(text.includes("| b | 26.0 /s | ≥ 25 /s | met |"));
  const short = { ...same, what: "c", value: 0.56, unit: "" };
  const shares = table([{ ...short, bar: { atLeast: 0.6 } }]);
  ok(shares.includes("| c | 0.56  | ≥ 0.6  | MISSED |"), shares); // not 0.6
});

Deno.test("json() has what the table has", () => {
  const figure = {
    what: "a",
    value: 1.5,
    unit: "ms",
    bar: { atMost: 2 },
    peer: "somebody 3 ms",
    also: { p50_ms: 0.75 },
  };
  deepStrictEqual(JSON.parse(json([figure])), [{ ...figure, met: true }]);
  ok(table([figure]).endsWith("| somebody 3 ms |"));
});
