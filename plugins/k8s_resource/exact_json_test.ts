import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  longIn,
  parseExactly,
  stringifyExactly,
  withLongAsText,
} from "./exact_json.ts";

const TEXT =
  '{"a":9007199254740993,"b":[-9223372036854775808,1,12345678901234567],"c":{"d":"9007199254740993"}}';

Deno.test("parseExactly() reads integers of 64 bits as they are", () => {
  deepStrictEqual(parseExactly(TEXT), {
    a: 9007199254740993n,
    b: [-9223372036854775808n, 1, 12345678901234567n],
    c: { d: "9007199254740993" },
  });
});

Deno.test("parseExactly() leaves what is no integer of 64 bits, and what a number can hold", () => {
  const text =
    '{"a":1e20,"b":9007199254740991,"c":9999999999999999999,"d":0.1234567890123456789,"e":9007199254740993}';
  deepStrictEqual(parseExactly(text), {
    a: 1e20,
    b: 9007199254740991,
    c: 1e19,
    d: 0.12345678901234568,
    e: 9007199254740993n,
  });
});

Deno.test("stringifyExactly() writes what parseExactly() reads", () => {
  strictEqual(stringifyExactly(parseExactly(TEXT)), TEXT);
});

Deno.test("withLongAsText() has nothing that JSON cannot have", () => {
  deepStrictEqual(withLongAsText(parseExactly(TEXT)), {
    a: "9007199254740993",
    b: ["-9223372036854775808", 1, "12345678901234567"],
    c: { d: "9007199254740993" },
  });
});

Deno.test("longIn() finds the first integer that may have been another one", () => {
  const found = (value: unknown) => longIn(JSON.stringify(value));
  strictEqual(found({ a: ["9007199254740993", 1.5, 2 ** 53] }), 2 ** 53);
  strictEqual(found([-(2 ** 60), 2 ** 61]), -(2 ** 60));
  strictEqual(found([Number.MAX_SAFE_INTEGER, 1e300, 0.1]), undefined);
  strictEqual(found(":1234567890123456789,"), undefined);
});
