import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { safeJson } from "./safe_json.ts";

Deno.test("safeJson() leaves ordinary JSON and all YAML as it is", () => {
  for (
    const text of [
      '{"a": "b\\u20ac"}',
      "a: \u2028",
      "{a: \u0085}",
      '{"a": 9007199254740993}',
    ]
  ) {
    strictEqual(safeJson(text), text);
  }
});

Deno.test("safeJson() writes what a YAML reader would misread in another way", () => {
  strictEqual(safeJson('{"a": "\\ud83d\\ude00"}'), '{"a": "\u{1f600}"}');
  strictEqual(
    safeJson('{"a": "\\\\ud83d\\\\ude00"}'),
    '{"a": "\\\\ud83d\\\\ude00"}',
  );
  strictEqual(
    safeJson('{"a": "\u2028\u0085\u007f"}'),
    '{"a": "\\u2028\\u0085\\u007f"}',
  );
  strictEqual(safeJson('{"a": "b\\/c\\\\/d"}'), '{"a": "b/c\\\\/d"}');
  strictEqual(safeJson('\ufeff{"a": 1}'), '{"a": 1}');
});

Deno.test("safeJson() keeps the meaning", () => {
  const special = fc.constantFrom(
    "\u2028",
    "\u0085",
    "\ufeff",
    "\\",
    "\u{1f600}",
    "\\ud83d\\ude00",
    '"',
  );
  fc.assert(fc.property(fc.array(fc.oneof(special, fc.string())), (parts) => {
    const json = JSON.stringify({ a: parts.join("") });
    const escaped = json.replace(
      /[\ud800-\udfff]/g,
      (half) => `\\u${half.charCodeAt(0).toString(16)}`,
    );
    for (const text of [json, escaped]) {
      deepStrictEqual(JSON.parse(safeJson(text)), JSON.parse(json));
      match(safeJson(text), /^[^\u007f-\u009f\u2028\u2029\ufeff]*$/);
    }
  }));
});
