import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
  throws,
} from "node:assert/strict";
import { readManifests } from "./bundle.ts";
import { withName } from "./generated.ts";
import { k8sResourceKind } from "./mod.ts";

const EVENT = { eventId: "e", index: 0 };
const TOP = "apiVersion: v1\nkind: Pod\n";

function named(manifest: unknown, of = EVENT) {
  return readManifests([manifest]).map((object) => withName(object, of));
}

/** A manifest, and what is sent for it; NAME stands for the name. */
const SENT: Readonly<Record<string, readonly [unknown, string]>> = {
  "in a block": [
    `${TOP}metadata: # a\n  labels: {a: b}\n  generateName: a-  # b\n  # c\n  annotations:\n    c: d\n`,
    `${TOP}metadata: # a\n  labels: {a: b}\n  "name": "NAME"\n  "generateName": "a-"  # b\n  # c\n  annotations:\n    c: d\n`,
  ],
  "at the end": [
    `${TOP}metadata:\n  generateName: "a-"`,
    `${TOP}metadata:\n  "name": "NAME"\n  "generateName": "a-"`,
  ],
  "in a flow": [
    `metadata: {generateName: a-, labels: {}}\n${TOP}`,
    `metadata: {"name": "NAME", "generateName": "a-", labels: {}}\n${TOP}`,
  ],
  "beside an empty name": [
    `${TOP}metadata:\n  name: # a\n  generateName: a-\n`,
    `${TOP}metadata:\n  "name": "NAME"\n  "generateName": "a-"\n`,
  ],
  "beside an empty name in a flow": [
    `${TOP}metadata: {name: "", generateName: a-}\n`,
    `${TOP}metadata: {"name": "NAME", "generateName": "a-"}\n`,
  ],
  "as an object": [
    { apiVersion: "v1", kind: "Pod", metadata: { generateName: "a-" } },
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name": "NAME", "generateName": "a-"}}',
  ],
  "as an item of a List": [
    "apiVersion: v1\nkind: List\nitems:\n- metadata:\n    generateName: a-\n  apiVersion: v1\n  kind: Pod\n",
    '  metadata:\n    "name": "NAME"\n    "generateName": "a-"\n  apiVersion: v1\n  kind: Pod\n',
  ],
};

Deno.test("withName() sets the name in the text, and keeps every byte around it", async (t) => {
  for (const [name, [manifest, sent]] of Object.entries(SENT)) {
    await t.step(name, () => {
      const [object] = named(manifest);
      match(object!.name, /^a-[0-9a-f]{12}$/);
      strictEqual(object!.body, sent.replace("NAME", object!.name));
    });
  }
});

Deno.test("withName() gives the same event the same name, and no other event, object or prefix", () => {
  const text = `${TOP}metadata: {generateName: a-}\n`;
  const name = named(text)[0]!.name;
  strictEqual(named(text)[0]!.name, name);
  notStrictEqual(named(text, { ...EVENT, eventId: "f" })[0]!.name, name);
  notStrictEqual(named(text, { ...EVENT, index: 1 })[0]!.name, name);
  const long = named(text.replace("a-", "a".repeat(100)))[0]!.name;
  match(long, /^a{51}[0-9a-f]{12}$/);
});

Deno.test("withName() leaves alone what has a name, which wins over generateName", () => {
  const text = `${TOP}metadata: {name: b, generateName: a-}\n`;
  const [object] = readManifests([text]);
  strictEqual(object!.name, "b");
  strictEqual(withName(object!, EVENT), object);
  strictEqual(object!.body, text);
});

Deno.test("withName() refuses metadata that is shared, and says where", () => {
  throws(
    () => named(`${TOP}x: &x {generateName: a-}\nmetadata: *x\n`),
    {
      code: "invalid_yaml",
      message:
        /^Cannot accept manifest 1, document 1, line 1: "generateName" cannot be rewritten/,
    },
  );
});

Deno.test("check() accepts generateName, also twice, and it stays repeatable", async () => {
  const text = `${TOP}metadata: {generateName: a-}\n`;
  const payload = { manifests: [text, text] };
  await k8sResourceKind.check(payload);
  strictEqual(k8sResourceKind.repeatable(payload), true);
  deepStrictEqual(readManifests([text]).map(({ name }) => name), [""]);
});
