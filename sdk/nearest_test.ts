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

Deno.test("nearest() takes capitals as they are, unless told otherwise", () => {
  strictEqual(nearest("CONFIGMAP", ["ConfigMap"]), undefined);
  strictEqual(
    nearest("CONFIGMAP", ["ConfigMap"], { ignoreCase: true }),
    "ConfigMap",
  );
});

Deno.test("nearest() looks at each of 2,000 candidates once, and no further", () => {
  const many = Array.from({ length: 1999 }, (_, i) => `other-${i}`);
  const same = ["other-1", "other-1"];
  strictEqual(nearest("edge-7", [...same, ...many, "edge-1"]), "edge-1");
  strictEqual(nearest("edge-7", [...many, "last", "edge-1"]), undefined);
});
