import { strictEqual } from "node:assert/strict";
import { nearest } from "./nearest.ts";

const CASES: readonly (readonly [string, string | undefined])[] = [
  ["edge-7", "edge-1"],
  ["egde-1", "edge-1"],
  ["edge1", "edge-1"],
  ["store-munic", "store-munich"],
  ["lab", undefined],
  ["completely-different", undefined],
  ["", undefined],
];

for (const [name, expected] of CASES) {
  Deno.test(`nearest() of "${name}" is ${expected}`, () => {
    strictEqual(nearest(name, ["edge-1", "store-munich"]), expected);
  });
}
