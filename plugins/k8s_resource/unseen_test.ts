import { strictEqual } from "node:assert/strict";
import { Newcomers } from "./newcomers.ts";
import { textIfNew } from "./unseen.ts";

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
  "an anchor": ["metadata: &m {name: a}\ndata: {a: b}\n", undefined],
  "a version of its own": [
    'metadata: {resourceVersion: "5", name: a}\n',
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
