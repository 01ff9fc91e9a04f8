import { notStrictEqual, strictEqual, throws } from "node:assert/strict";
import { canonicalJson, eventDigest } from "./digest.ts";
import type { EventSpec } from "./event.ts";

const SPEC: EventSpec = {
  id: "e1",
  type: "k8s_resource",
  target_agent: "a",
  payload: { manifests: ["x"], b: { d: 1, c: 2 } },
  created_at: "2026-11-23T05:04:27Z",
  created_by: "x",
  ttl: 1,
  priority: 0,
  labels: {},
};

Deno.test("canonicalJson() writes the example of RFC 8785", () => {
  // https://www.rfc-editor.org/rfc/rfc8785#section-3.2.2
  const value = JSON.parse(
    `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],` +
      `"string":"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}`,
  );
  strictEqual(
    canonicalJson(value),
    `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
      `"string":"€$\\u000f\\nA'B\\"\\\\\\\\\\"/"}`,
  );
});

Deno.test("canonicalJson() sorts keys by UTF-16 code units", () => {
  // https://www.rfc-editor.org/rfc/rfc8785#section-3.2.3
  const value = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\ud83d\ude00": 5,
    "\u0080": 6,
    "ö": 7,
  };
  strictEqual(
    canonicalJson(value),
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  );
});

Deno.test("canonicalJson() refuses a lone surrogate and a number that is none", () => {
  throws(() => canonicalJson({ a: "\ud800" }), { code: "invalid_json" });
  throws(() => canonicalJson([NaN]), { code: "invalid_json" });
});

Deno.test("eventDigest() is the same for the same body, whenever it was made", () => {
  const other = {
    ...SPEC,
    payload: { b: { c: 2, d: 1 }, manifests: ["x"] },
    created_at: "2026-11-24T00:00:00Z",
  };
  strictEqual(eventDigest(other), eventDigest(SPEC));
});

Deno.test("eventDigest() differs for another body", () => {
  for (
    const change of [{ ttl: 2 }, { payload: {} }, { labels: { a: "b" } }, {
      priority: 1,
    }]
  ) {
    notStrictEqual(eventDigest({ ...SPEC, ...change }), eventDigest(SPEC));
  }
});

Deno.test("canonicalJson() writes texts as JSON does, and leaves out what is not there", () => {
  for (let unit = 0; unit < 0x250; unit++) {
    const text = `a${String.fromCharCode(unit)}`;
    strictEqual(canonicalJson([text]), JSON.stringify([text]));
    strictEqual(
      canonicalJson({ [text]: 1 }),
      JSON.stringify({ [text]: 1 }),
    );
  }
  strictEqual(
    canonicalJson({ b: undefined, a: null, c: [undefined] }),
    '{"a":null,"c":[null]}',
  );
});
