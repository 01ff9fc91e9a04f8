import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { withoutGone } from "./entries.ts";
import { migrated } from "./migrate.ts";

function entry(
  manager: string,
  version: string,
  fields: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  const apiVersion = `example.com/${version}`;
  return {
    manager,
    operation: "Update",
    apiVersion,
    fieldsV1: fields,
    ...more,
  };
}

const GONE = new Set(["example.com/v1"]);
const NOW = "example.com/v2";
const APPLY = { operation: "Apply" };
const CSA = "kubectl-client-side-apply";

Deno.test("withoutGone() joins entries that the server could not tell apart", () => {
  const a = { "f:spec": { "f:a": {} } };
  const b = { "f:spec": { "f:b": {} } };
  deepStrictEqual(
    withoutGone(
      [
        entry("one", "v1", a),
        entry("one", "v2", b),
        entry("one", "v1", b, { subresource: "status" }),
        entry("one", "v1", a, APPLY),
        entry("two", "v1", a),
        entry("three", "v3", a),
      ],
      GONE,
      NOW,
    ),
    [
      entry("one", "v2", { "f:spec": { "f:a": {}, "f:b": {} } }),
      entry("one", "v2", b, { subresource: "status" }),
      entry("one", "v2", a, APPLY),
      entry("two", "v2", a),
      entry("three", "v3", a),
    ],
  );
  strictEqual(withoutGone([entry("one", "v2", a)], GONE, NOW), undefined);
});

Deno.test("migrated() joins client-side applies of all versions, and keeps the version when there is one", () => {
  const [a, b, c] = ["f:a", "f:b", "f:c"].map((key) => ({ [key]: {} })) as [
    Record<string, unknown>,
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const options = { manager: "us", from: [CSA], apiVersion: NOW };
  const scaled = entry(CSA, "v1", a, { subresource: "scale" });
  strictEqual(migrated([scaled], options), undefined, "of a subresource");
  deepStrictEqual(migrated([entry(CSA, "v1", a)], options), [
    entry("us", "v1", a, APPLY),
  ]);
  deepStrictEqual(
    migrated([
      entry("them", "v1", c),
      entry(CSA, "v1", a),
      entry(CSA, "v2", b),
    ], options),
    [entry("us", "v2", { ...a, ...b }, APPLY), entry("them", "v1", c)],
  );
  deepStrictEqual(
    migrated([
      entry(CSA, "v1", a),
      entry("us", "v2", b, { ...APPLY, time: "now" }),
    ], options),
    [entry("us", "v2", { ...b, ...a }, { ...APPLY, time: "now" })],
  );
  strictEqual(migrated([entry("us", "v1", a, APPLY)], options), undefined);
});
