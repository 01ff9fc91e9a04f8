import { deepStrictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { parseJson } from "./json.ts";

Deno.test("parseJson() agrees with JSON.parse on whatever it accepts", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
    const text = JSON.stringify(value);
    deepStrictEqual(parseJson(text), JSON.parse(text));
    const pretty = JSON.stringify(value, null, "\t");
    deepStrictEqual(
      parseJson(new TextEncoder().encode(pretty)),
      JSON.parse(pretty),
    );
  }));
});

const BAD: readonly [name: string, text: string | Uint8Array, code: string][] =
  [
    ["nothing", "", "invalid_json"],
    ["white space", " \n", "invalid_json"],
    ["two values", "{} {}", "invalid_json"],
    ["something after the value", '{"a":1}x', "invalid_json"],
    ["a byte order mark", "\ufeff{}", "invalid_json"],
    ["a string that does not end", '{"a":"b', "invalid_json"],
    ["a string that ends in a backslash", '{"a":"b\\', "invalid_json"],
    [
      "bytes that are not UTF-8",
      new Uint8Array([0x22, 0xff, 0x22]),
      "invalid_json",
    ],
    ["a key twice", '{"a":1,"b":{"a":2},"a":3}', "duplicate_key"],
    [
      "a key twice, in an object of a list",
      '[[{"a":[]},{"a":1,"a":1}]]',
      "duplicate_key",
    ],
    [
      "a key twice, of which one has keys",
      '{"a":{"b":1,"c":{}},"a":{}}',
      "duplicate_key",
    ],
    ["a __proto__ twice", '{"__proto__":1,"__proto__":1}', "duplicate_key"],
    ["a key twice, once in disguise", '{"a":1,"\\u0061":2}', "duplicate_key"],
    ["65 levels", "[".repeat(65) + "]".repeat(65), "too_deep"],
    ["100,000 levels", "[".repeat(100_000), "too_deep"],
    [
      "50,001 keys",
      JSON.stringify(
        Object.fromEntries(Array.from({ length: 50_001 }, (_, i) => [i, 0])),
      ),
      "invalid_json",
    ],
    ["200,001 values in lists", `[${"0,".repeat(200_000)}0]`, "invalid_json"],
    ["200,001 empty objects", `[${"{},".repeat(200_000)}{}]`, "invalid_json"],
  ];

for (const [name, text, code] of BAD) {
  Deno.test(`parseJson() refuses ${name}`, () => {
    throws(() => parseJson(text), { code });
  });
}

Deno.test("parseJson() takes what only looks bad", () => {
  const text =
    '{"a":"{[,\\"","b":["a","a","x:y"],"c":{"a":1},"__proto__":{"d":2}}';
  deepStrictEqual(JSON.stringify(parseJson(text)), text);
});
