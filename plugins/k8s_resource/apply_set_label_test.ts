import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { withMembership } from "./apply_set_label.ts";
import { readManifests } from "./bundle.ts";
import { OBJECT_BYTES_MAX } from "./manifest.ts";

const TOP = "apiVersion: v1\nkind: ConfigMap\n";
const LABEL = '"applyset.kubernetes.io/part-of": "id"';

function member(manifest: unknown) {
  return readManifests([manifest]).map((each) => withMembership(each, "id"));
}

/** A manifest, and what is sent for it. */
const SENT: Readonly<Record<string, readonly [unknown, string]>> = {
  "without labels": [
    `${TOP}metadata: # a\n  name: a # b\n  # c\n`,
    `${TOP}metadata: # a\n  "labels": {"applyset.kubernetes.io/part-of":"id"}\n  name: a # b\n  # c\n`,
  ],
  "with labels": [
    `${TOP}metadata:\n  name: a\n  labels: # a\n    b: c # d\ndata: {}\n`,
    `${TOP}metadata:\n  name: a\n  labels: # a\n    ${LABEL}\n    b: c # d\ndata: {}\n`,
  ],
  "with labels in a flow": [
    `${TOP}metadata: {labels: {b: c}, name: a}\n`,
    `${TOP}metadata: {labels: {${LABEL}, b: c}, name: a}\n`,
  ],
  "with empty labels": [
    `${TOP}metadata:\n  labels:\n  name: a\n`,
    `${TOP}metadata:\n  "labels": {"applyset.kubernetes.io/part-of":"id"}\n  name: a\n`,
  ],
  "with labels in braces, of which there are none": [
    `${TOP}metadata: {name: a, labels: {}}\n`,
    `${TOP}metadata: {name: a, "labels": {"applyset.kubernetes.io/part-of":"id"}}\n`,
  ],
  "with the label": [
    `${TOP}metadata: {name: a, labels: {applyset.kubernetes.io/part-of: id}}\n`,
    `${TOP}metadata: {name: a, labels: {applyset.kubernetes.io/part-of: id}}\n`,
  ],
  "with a name that is shared": [
    `${TOP}metadata:\n  name: &name a\ndata: {k: *name}\n`,
    `${TOP}metadata:\n  "labels": {"applyset.kubernetes.io/part-of":"id"}\n  name: &name a\ndata: {k: *name}\n`,
  ],
  "as an object": [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels": {"applyset.kubernetes.io/part-of":"id"}, "name":"a"}}',
  ],
  "as an item of a List": [
    "apiVersion: v1\nkind: List\nitems:\n- metadata:\n    name: a\n  apiVersion: v1\n  kind: ConfigMap\n",
    '  metadata:\n    "labels": {"applyset.kubernetes.io/part-of":"id"}\n    name: a\n  apiVersion: v1\n  kind: ConfigMap\n',
  ],
};

Deno.test("withMembership() puts the label into the text, and keeps every byte around it", async (t) => {
  for (const [name, [manifest, sent]] of Object.entries(SENT)) {
    await t.step(name, () => {
      deepStrictEqual(member(manifest).map(({ body }) => body), [sent]);
    });
  }
});

/** A manifest that cannot be a member, the code and the message. */
const REFUSED: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  "labels that others share": [
    `${TOP}metadata: {name: a, labels: &labels {b: c}, annotations: *labels}\n`,
    "invalid_yaml",
    /^Cannot accept manifest 1, document 1, line 1: "labels" cannot be rewritten/,
  ],
  "a member of another set": [
    `${TOP}metadata: {name: a, labels: {applyset.kubernetes.io/part-of: other}}\n`,
    "invalid_manifest",
    /names another ApplySet/,
  ],
  "an object that the label makes too large": [
    `${TOP}metadata: {name: a}\ndata: {k: ${
      "x".repeat(OBJECT_BYTES_MAX - TOP.length - 40)
    }}\n`,
    "invalid_manifest",
    /more than the 1572864 that a cluster can store/,
  ],
};

Deno.test("withMembership() refuses what cannot be a member, and says where it stands", async (t) => {
  for (const [name, [manifest, code, message]] of Object.entries(REFUSED)) {
    await t.step(name, () => {
      strictEqual(readManifests([manifest]).length, 1);
      throws(() => member(manifest), (error: { code?: string } & Error) => {
        match(error.message, message);
        strictEqual(error.code, code);
        return true;
      });
    });
  }
});
