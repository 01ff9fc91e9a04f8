import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { Redactor, redactValue } from "./redact.ts";

Deno.test("Redactor takes secrets out wherever the text is cut", () => {
  const secrets = ["s3cret", "s3cret-and-more", "one line\nanother line"];
  const text =
    "a s3cret, s3cret-and-more; one line\nanother line: another line";
  const parts = fc.array(fc.nat({ max: text.length }), { maxLength: 8 });
  fc.assert(fc.property(parts, (cuts) => {
    const redactor = new Redactor(secrets);
    let [out, at] = ["", 0];
    for (const cut of [...cuts.toSorted((a, b) => a - b), text.length]) {
      out += redactor.push(text.slice(at, cut));
      at = cut;
    }
    out += redactor.end();
    strictEqual(
      out,
      "a [redacted], [redacted]; [redacted]: [redacted]",
    );
  }));
});

Deno.test("redactValue() takes secrets out of texts and names, and leaves the rest as it is", () => {
  const date = new Date(0);
  deepStrictEqual(
    redactValue(
      { "a-s3cret": ["s3cret s3cret", 1, null], b: { date, c: "c" } },
      ["s3cret"],
    ),
    {
      "a-[redacted]": ["[redacted] [redacted]", 1, null],
      b: { date, c: "c" },
    },
  );
  const clean = { a: [{ b: "c" }] };
  strictEqual(redactValue(clean, ["s3cret"]), clean);
  strictEqual(redactValue(clean, []), clean);
});
