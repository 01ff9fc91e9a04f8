import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { readManifests } from "./bundle.ts";

const TOP = "apiVersion: v1\nkind: Secret\nmetadata: {name: s} # why\n";

function bodies(...manifests: readonly unknown[]): string[] {
  return readManifests(manifests).map(({ body }) => body);
}

/** A Secret, and what is sent for it. */
const SENT: Readonly<Record<string, readonly [unknown, string]>> = {
  "in the middle": [
    `# a\n${TOP}stringData: # b\n  a: x\n  # c\n  b: |\n    é\n\n# d\ntype: Opaque\n`,
    `# a\n${TOP}"data": {"a":"eA==","b":"w6kK"}\n\n# d\ntype: Opaque\n`,
  ],
  "at the end, without a newline": [
    `${TOP}stringData: {a: x}`,
    `${TOP}"data": {"a":"eA=="}`,
  ],
  "with line ends of Windows": [
    `${TOP}stringData:\n  a: x\ntype: Opaque\n`.replaceAll("\n", "\r\n"),
    `${TOP}"data": {"a":"eA=="}\ntype: Opaque\n`.replaceAll("\n", "\r\n"),
  ],
  "over data, which comes first": [
    `${TOP}data:\n  a: b2xk\n  c: eQ==\ntype: Opaque\nstringData:\n  a: x\n  b: "5"\n`,
    `${TOP}type: Opaque\n"data": {"a":"eA==","c":"eQ==","b":"NQ=="}\n`,
  ],
  "over data, which comes last": [
    `stringData: {a: x}\n${TOP}data: {a: b2xk} # c`,
    `"data": {"a":"eA=="}\n${TOP}`,
  ],
  "over data without a value": [
    `${TOP}data:\nstringData: {a: x}\n`,
    `${TOP}"data": {"a":"eA=="}\n`,
  ],
  "without a value for a key": [
    `${TOP}stringData: {a: , b: ""}\n`,
    `${TOP}"data": {"a":"","b":""}\n`,
  ],
  "with anchors of its own, and one from before": [
    `${
      TOP.replace("name: s", "name: &n s")
    }stringData: {a: &x v, b: *x, c: *n}\n`,
    `${
      TOP.replace("name: s", "name: &n s")
    }"data": {"a":"dg==","b":"dg==","c":"cw=="}\n`,
  ],
  "in JSON": [
    '{"stringData": {"a": "x"}, "apiVersion":"v1",\n "kind":"Secret", "data" : {"b":"eQ=="} ,"metadata":{"name":"s"}}',
    '{"data": {"b":"eQ==","a":"eA=="}, "apiVersion":"v1",\n "kind":"Secret" ,"metadata":{"name":"s"}}',
  ],
  "in JSON, over data, which comes first": [
    '{"data":{"b":"eQ=="}, "stringData":{"a":"x"},"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}',
    '{"data": {"b":"eQ==","a":"eA=="},"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}',
  ],
  "as an object": [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { a: "x" },
    },
    '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data": {"a":"eA=="}}',
  ],
  "as an item of a List": [
    `apiVersion: v1\nkind: List\nitems:\n- stringData:\n    a: x\n  ${
      TOP.replaceAll("\n", "\n  ")
    }data:\n    b: eQ==\n  type: Opaque\n`,
    `  "data": {"b":"eQ==","a":"eA=="}\n  ${
      TOP.replaceAll("\n", "\n  ")
    }type: Opaque\n`,
  ],
  "as an item of a List in JSON": [
    '{"kind":"List","apiVersion":"v1","items":[ {"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"a":"x"}} ]}',
    '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data": {"a":"eA=="}}',
  ],
};

Deno.test("readManifests() sends stringData as data, and keeps every byte around it", async (t) => {
  for (const [name, [manifest, sent]] of Object.entries(SENT)) {
    await t.step(name, () => deepStrictEqual(bodies(manifest), [sent]));
  }
});

Deno.test("readManifests() leaves alone what has nothing to convert, or what the server refuses", () => {
  const left = [
    `${TOP}data: {a: eA==}\n`,
    `${TOP}stringData:\n`,
    `${TOP}stringData: {}\n`,
    `${TOP}stringData: {a: 5}\n`,
    `${TOP}stringData: {a: x}\ndata: {b: 5}\n`,
    `${TOP}stringData: {a: x}\ndata: x\n`,
    `${TOP}stringData: {a: x}\n`.replace("v1", "example.com/v1"),
    `${TOP}stringData: {a: x}\n`.replace("Secret", "Other"),
  ];
  for (const text of left) strictEqual(bodies(text)[0], text);
});

Deno.test("readManifests() refuses stringData that is shared, and says where", () => {
  const shared = {
    "an anchor that is used after it":
      `${TOP}stringData: {a: &x v}\nimmutable: *x\n`,
    "a merge": `${TOP}metadata2: &m {stringData: {a: x}}\n<<: *m\n`,
    "a key of its own line": `${TOP}? stringData\n: {a: x}\n`,
  };
  for (const [name, text] of Object.entries(shared)) {
    throws(() => bodies(configMap, text), (error) => {
      if (!(error instanceof TransporterError)) return false;
      strictEqual(error.code, "invalid_yaml", name);
      strictEqual(
        error.message,
        'Cannot accept manifest 2, document 1, line 1: "stringData" cannot be rewritten; do not share them by an anchor, an alias or "<<", and write them as "key: value"',
      );
      return true;
    }, name);
  }
});

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
