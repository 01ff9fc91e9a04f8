import { deepStrictEqual } from "node:assert/strict";
import type { LiveObject } from "./change.ts";
import { mergePatch, withoutTaken } from "./taken_fields.ts";

const CSA = "kubectl-client-side-apply";

type Entry = readonly [
  manager: string,
  operation: "Apply" | "Update",
  fields: object,
  subresource?: string,
];

function objectOf(value: object, entries: readonly Entry[]): LiveObject {
  const managedFields = entries.map(
    ([manager, operation, fieldsV1, subresource]) => ({
      manager,
      operation,
      fieldsV1,
      ...(subresource === undefined ? {} : { subresource }),
    }),
  );
  return { ...value, metadata: { managedFields } };
}

/** What an object has, what client-side apply owns of it, what others do, and what is left. */
const CASES: Readonly<
  Record<string, readonly [object, object, readonly Entry[], object]>
> = {
  "a key goes, and what is empty then": [
    { data: { a: 1, b: 2 }, only: { c: 3 } },
    { "f:data": { "f:a": {} }, "f:only": { "f:c": {} } },
    [],
    { data: { b: 2 } },
  ],
  "what is owned itself goes with all that is in it": [
    { map: { a: 1, defaulted: 2 } },
    { "f:map": { ".": {}, "f:a": {} } },
    [],
    {},
  ],
  "what the manifest has, and what others own, stays": [
    { data: { ours: 1, theirs: 2, gone: 3 } },
    { "f:data": { ".": {}, "f:ours": {}, "f:theirs": {}, "f:gone": {} } },
    [
      ["transporter", "Apply", { "f:data": { "f:ours": {} } }],
      ["ci", "Update", { "f:data": { "f:theirs": {} } }],
    ],
    { data: { ours: 1, theirs: 2 } },
  ],
  "who owns all of it keeps all of it": [
    { list: [{ a: 1 }], replicas: 3 },
    {
      "f:list": { 'k:{"a":1}': { ".": {}, "f:a": {} } },
      "f:replicas": {},
    },
    [
      ["transporter", "Apply", { "f:list": {} }],
      ["hpa", "Update", { "f:replicas": {} }, "scale"],
    ],
    { list: [{ a: 1 }], replicas: 3 },
  ],
  "elements of lists, by their keys, their values and their places": [
    {
      ports: [{ port: 80, name: "a" }, { port: 81, name: "b" }],
      finalizers: ["x", "y"],
      places: ["p", "q"],
    },
    {
      "f:ports": {
        'k:{"port":80}': { ".": {}, "f:port": {}, "f:name": {} },
        'k:{"port":81}': { "f:name": {} },
        'k:{"port":82}': { ".": {} },
      },
      "f:finalizers": { 'v:"x"': {}, 'v:"z"': {} },
      "f:places": { "i:1": {}, "i:7": {} },
    },
    [],
    { ports: [{ port: 81 }], finalizers: ["y"], places: ["p"] },
  ],
  "a value that is no map any more stays": [
    { data: "text" },
    { "f:data": { "f:a": {} }, "f:gone": {} },
    [],
    { data: "text" },
  ],
};

Deno.test("withoutTaken() leaves what an apply would that owns the fields of client-side applies", () => {
  for (const [name, [value, taken, others, left]] of Object.entries(CASES)) {
    const live = objectOf(value, [[CSA, "Update", taken], ...others]);
    deepStrictEqual(
      withoutTaken(live, live, { adopt: undefined }),
      { ...left, metadata: live.metadata },
      name,
    );
  }
});

Deno.test("withoutTaken() lets go of nobody's fields, which have an account only afterwards, and of Helm's with adopt always", () => {
  const value = { data: { a: 1 } };
  const entries: Entry[] = [["helm", "Apply", { "f:data": { "f:a": {} } }]];
  const helm = objectOf(value, entries);
  deepStrictEqual(withoutTaken(helm, helm, { adopt: undefined }), helm);
  deepStrictEqual(
    withoutTaken(helm, helm, { adopt: "always" }),
    { metadata: helm.metadata },
  );
  const nobody = objectOf(value, [
    ["before-first-apply", "Update", { "f:data": { "f:a": {} } }],
  ]);
  deepStrictEqual(
    withoutTaken(objectOf(value, []), nobody, { adopt: undefined }),
    { metadata: nobody.metadata },
  );
  // What they have set through a part of the object stays theirs.
  const scale: Entry = [CSA, "Update", { "f:data": { "f:a": {} } }, "scale"];
  const scaled = objectOf(value, [scale]);
  deepStrictEqual(withoutTaken(scaled, scaled, { adopt: undefined }), scaled);
});

Deno.test("mergePatch() says what makes one object of another", () => {
  const from = { a: { b: 1, c: [1], d: 2 }, gone: {}, n: 2n ** 60n };
  const to = { a: { b: 1, c: [2], d: 3 }, more: { e: 1 }, n: 2n ** 60n };
  deepStrictEqual(mergePatch(from, to), {
    a: { c: [2], d: 3 },
    gone: null,
    more: { e: 1 },
  });
  deepStrictEqual(mergePatch(from, from), undefined);
});
