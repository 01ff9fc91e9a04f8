import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parse } from "yaml";
import { encode, encodeNext } from "./encode.ts";

const NASTY = {
  plain: "web",
  controls: "\u001b[31m\u009b2J\u007f",
  reversed: "\u202ereversed",
  lines: "first\nsecond: \u0085third\n",
  "key\u009b": "value",
  text: "one\ntwo\n",
  number: 1,
  nothing: null,
};

for (const format of ["json", "yaml"] as const) {
  Deno.test(`encode() writes ${format} that is safe to look at and means the same`, () => {
    const text = encode(NASTY, format);
    strictEqual(
      // deno-lint-ignore no-control-regex -- what must not be there
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(text),
      false,
    );
    deepStrictEqual(format === "json" ? JSON.parse(text) : parse(text), NASTY);
  });
}

Deno.test("encode() keeps YAML blocks readable", () => {
  strictEqual(
    encode({ text: "one\ntwo\n" }, "yaml"),
    "text: |\n  one\n  two\n",
  );
});

Deno.test("encodeNext() writes one JSON value a line, or one YAML document after the other", () => {
  strictEqual(encodeNext({ a: [1] }, "json"), '{"a":[1]}\n');
  strictEqual(encodeNext({ a: 1 }, "yaml"), "---\na: 1\n");
});
