import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { versionOf, watchEventOf } from "./watch_event.ts";

const CASES: Readonly<Record<string, readonly [string, string]>> = {
  "an object that is there": ['{"type":"ADDED","object":{}}', "seen"],
  "an object that changed": ['{"type":"MODIFIED","object":{}}', "seen"],
  "an object that is gone": ['{"type":"DELETED","object":{}}', "gone"],
  "a bookmark": ['{"type":"BOOKMARK","object":{}}', "bookmark"],
  "a version that is too old": [
    '{"type":"ERROR","object":{"kind":"Status","code":410}}',
    "again",
  ],
  "a type of later": ['{"type":"MOVED","object":{}}', "again"],
  "a name that every object has": [
    '{"type":"constructor","object":{}}',
    "again",
  ],
  "no object": ['{"type":"ADDED"}', "again"],
  "no JSON": ["<html>", "again"],
  "nothing": ["null", "again"],
};

Deno.test("watchEventOf() takes what it cannot read for a reason to list anew", async (t) => {
  for (const [name, [line, expected]] of Object.entries(CASES)) {
    await t.step(name, () => strictEqual(watchEventOf(line).type, expected));
  }
  deepStrictEqual(
    watchEventOf('{"type":"ADDED","object":{"a":1}}').object,
    { a: 1 },
  );
});

Deno.test("versionOf() reads the version of an object or a list", () => {
  strictEqual(versionOf({ metadata: { resourceVersion: "7" } }), "7");
  strictEqual(versionOf({}), "");
});
