import { deepStrictEqual } from "node:assert/strict";
import type { Fields } from "../ready_parts.ts";
import { narrowedIn } from "./schema_narrowing.ts";

const of = (field: Fields): Fields => ({ properties: { a: field } });

const CASES: readonly (readonly [Fields, Fields, readonly string[]])[] = [
  [of({ type: "string" }), of({ type: "string" }), []],
  [of({}), { properties: {} }, ['".a" is gone']],
  [of({}), { "x-kubernetes-preserve-unknown-fields": true }, []],
  [
    { "x-kubernetes-preserve-unknown-fields": true },
    {},
    ['"." keeps no unknown fields any more'],
  ],
  [
    of({ type: "string" }),
    of({ type: "integer" }),
    ['".a" was of the type "string" and is "integer"'],
  ],
  [of({ type: "integer" }), of({ type: "number" }), []],
  [of({}), { ...of({}), required: ["a"] }, ['".a" has to be there']],
  [of({}), { ...of({ default: 1 }), required: ["a"] }, []],
  [of({ enum: ["x", "y"] }), of({ enum: ["x"] }), ['".a" takes fewer values']],
  [of({ enum: ["x"] }), of({ enum: ["x", "y"] }), []],
  [of({}), of({ enum: ["x"] }), ['".a" takes fewer values']],
  [of({}), of({ maxLength: 3 }), ['".a" has a "maxLength" of 3']],
  [of({ maximum: 3 }), of({ maximum: 4 }), []],
  [of({ minimum: 3 }), of({ minimum: 4 }), ['".a" has a "minimum" of 4']],
  [of({ minimum: 3 }), of({ minimum: 2 }), []],
  [of({}), of({ pattern: "x" }), ['".a" has another pattern']],
  [of({ nullable: true }), of({}), ['".a" cannot be null any more']],
  [
    of({ items: of({}) }),
    of({ items: { properties: {} } }),
    ['".a[*].a" is gone'],
  ],
  [
    of({ additionalProperties: { type: "string" } }),
    of({ additionalProperties: { type: "integer" } }),
    ['".a.*" was of the type "string" and is "integer"'],
  ],
];

for (const [before, after, found] of CASES) {
  Deno.test(`preflight.crd: narrowedIn() of ${JSON.stringify(before)} and ${JSON.stringify(after)}`, () => {
    deepStrictEqual([...narrowedIn(before, after)], found);
  });
}
