import fc from "fast-check";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Newcomers } from "./newcomers.ts";
import { textIfNew } from "./unseen.ts";
import { readQuickly } from "./yaml_events.ts";
import { isMapping } from "./yaml_value.ts";

const TEXTS: Readonly<Record<string, readonly [string, string | undefined]>> = {
  "lines": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a # x\ndata: {a: 0644}\n",
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  "resourceVersion": "1"\n  name: a # x\ndata: {a: 0644}\n',
  ],
  "brackets": [
    "kind: ConfigMap\nmetadata: {name: a}\ndata: {a: 0644}\n",
    'kind: ConfigMap\nmetadata: {"resourceVersion": "1", name: a}\ndata: {a: 0644}\n',
  ],
  "JSON": [
    '{"kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":1.0}}',
    '{"kind":"ConfigMap","metadata":{"resourceVersion": "1", "name":"a"},"data":{"a":1.0}}',
  ],
  "JSON on lines": [
    '{\n  "metadata": {\n    "name": "a"\n  }\n}\n',
    '{\n  "metadata": {\n    "resourceVersion": "1", "name": "a"\n  }\n}\n',
  ],
  "other metadata before it": [
    '{"spec":{"template":{"metadata":{"labels":{"a":"b"}}}},"metadata":{"name":"a"}}',
    undefined,
  ],
  "in the middle of a text": [
    "data:\n  a: 'x\n\nmetadata:\n  b'\nmetadata: {name: a}\n",
    undefined,
  ],
  "in the middle of a kind": [
    "kind: 'x\nmetadata:\n  b: '\nmetadata: {name: a}\n",
    undefined,
  ],
  "an anchor": ["metadata: &m {name: a}\ndata: {a: b}\n", undefined],
  "a version of its own": [
    'metadata: {resourceVersion: "5", name: a}\n',
    undefined,
  ],
  "a version of its own in lines": [
    'kind: ConfigMap\nmetadata:\n  name: a\n  resourceVersion: "5"\n',
    undefined,
  ],
  "a version of its own that is hidden": [
    'kind: ConfigMap\nmetadata: {"resource\\x56ersion": "5", name: a}\n',
    undefined,
  ],
  "other metadata behind an anchor": [
    'kind: List\nmetadata: &m {name: a}\nspec: {"metadata": {"a": b}}\n',
    undefined,
  ],
  "a key in quotes": ['"metadata":\n  name: a\n', undefined],
  "a long one": [
    `metadata: {name: a}\ndata: {a: ${"b".repeat(20_000)}}\n`,
    undefined,
  ],
};

for (const [name, [text, wanted]] of Object.entries(TEXTS)) {
  Deno.test(`a text for an object that is not there: ${name}`, () => {
    strictEqual(textIfNew(text), wanted);
  });
}

Deno.test("a text for an object that is not there says the same otherwise, however it begins", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/);
  const key = fc.constantFrom("name", '"name"', "annotations", "a.b/c", "x");
  const value = fc.oneof(
    word,
    fc.constantFrom('"a # b"', "'it''s'", "{a: {b: c}}", "[a, b]", "0644", ""),
  );
  const head = fc.array(
    fc.constantFrom(
      "apiVersion: v1",
      "apiVersion: apps/v1",
      "kind: ConfigMap",
      "# kind: Pod",
      "kind: a b",
      'kind: "x"',
      "spec: {a: b}",
      "data: |\n  metadata: {",
    ),
    { maxLength: 3 },
  );
  const pairs = fc.uniqueArray(fc.tuple(key, value), {
    minLength: 1,
    maxLength: 3,
    selector: ([key]) => key.replaceAll('"', ""),
  });
  const metadata = fc.tuple(pairs, fc.constantFrom(0, 1, 2, 4)).map((
    [pairs, indent],
  ) =>
    indent === 0
      ? `metadata: {${pairs.map(([k, v]) => `${k}: ${v}`).join(", ")}}`
      : `metadata:\n${
        pairs.map(([k, v]) => `${" ".repeat(indent)}${k}: ${v}`).join("\n")
      }`
  );
  let count = 0;
  fc.assert(
    fc.property(head, metadata, (head, metadata) => {
      const body = [...head, metadata, "data: {a: b}", ""].join("\n");
      const read = (text: string) => readQuickly(text, 20)?.value;
      const before = read(body);
      if (!isMapping(before) || !isMapping(before.metadata)) return;
      const text = textIfNew(body);
      if (text === undefined) return;
      count++;
      const metadataThen = { ...before.metadata, resourceVersion: "1" };
      deepStrictEqual(read(text), { ...before, metadata: metadataThen });
    }),
    { numRuns: 2_000 },
  );
  ok(count > 200, `${count}`);
});

Deno.test("an object is taken for new after three new ones in a row", () => {
  const newcomers = new Newcomers();
  const seen = [true, true, true, true, false, true, true, true].map(
    (isNew) => {
      newcomers.saw(isNew);
      return newcomers.expected ? "y" : "n";
    },
  );
  strictEqual(seen.join(""), "nnyynnny");
});
