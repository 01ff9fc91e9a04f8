import { deepStrictEqual } from "node:assert/strict";
import { type FieldChange, fieldChanges } from "./field_changes.ts";

/** Two states, and how they differ. */
const CASES: Readonly<
  Record<string, readonly [object, object, readonly FieldChange[]]>
> = {
  "nothing": [{ data: { a: "b" } }, { data: { a: "b" } }, []],
  "a value": [{ data: { a: "b" } }, { data: { a: "c" } }, [
    { path: ".data.a", before: "b", after: "c" },
  ]],
  "a new key with dots": [{}, {
    metadata: { labels: { "example.com/a": "b" } },
  }, [
    { path: ".metadata.labels", after: { "example.com/a": "b" } },
  ]],
  "a key with dots that goes": [
    { metadata: { labels: { "example.com/a": "b", c: "d" } } },
    { metadata: { labels: { c: "d" } } },
    [{ path: '.metadata.labels["example.com/a"]', before: "b" }],
  ],
  "elements by their names, and their order": [
    {
      spec: {
        containers: [{ name: "a", image: "1" }, { name: "b" }, { name: "c" }],
      },
    },
    {
      spec: {
        containers: [{ name: "d" }, { name: "b" }, { name: "a", image: "2" }],
      },
    },
    [
      {
        path: '.spec.containers[name="a"].image',
        before: "1",
        after: "2",
      },
      { path: '.spec.containers[name="c"]', before: { name: "c" } },
      { path: '.spec.containers[name="d"]', after: { name: "d" } },
      {
        path: ".spec.containers",
        before: ['[name="a"]', '[name="b"]'],
        after: ['[name="b"]', '[name="a"]'],
      },
    ],
  ],
  "integers that a number cannot hold": [
    { spec: { id: 9007199254740992n } },
    { spec: { id: 9007199254740993n } },
    [{
      path: ".spec.id",
      before: 9007199254740992n,
      after: 9007199254740993n,
    }],
  ],
  "elements without names by their places": [
    { spec: { args: ["a", "b"] } },
    { spec: { args: ["a", "c", "d"] } },
    [
      { path: ".spec.args[1]", before: "b", after: "c" },
      { path: ".spec.args[2]", after: "d" },
    ],
  ],
  "elements whose names are there twice by their places": [
    { spec: [{ name: "a" }, { name: "a" }] },
    { spec: [{ name: "a" }, { name: "a", x: 1 }] },
    [{ path: ".spec[1].x", after: 1 }],
  ],
  "bookkeeping and status": [
    { metadata: { resourceVersion: "1", generation: 1 }, status: {} },
    { metadata: { resourceVersion: "2", generation: 2 }, status: { a: 1 } },
    [],
  ],
  "null is a value": [{ a: null }, {}, [{ path: ".a", before: null }]],
};

Deno.test("fieldChanges() names each field that differs, once", async (t) => {
  for (const [name, [before, after, expected]] of Object.entries(CASES)) {
    await t.step(name, () =>
      deepStrictEqual(
        fieldChanges({ ...before }, { ...after }),
        expected,
      ));
  }
});
