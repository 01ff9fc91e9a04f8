import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { TransporterError } from "@transporter/sdk";
import { Document, stringify } from "yaml";
import { checkManifests, readManifests } from "./bundle.ts";
import { describeObject, objectKey } from "./manifest.ts";
import { readYaml } from "./yaml_document.ts";

function configMap(name: string, rest = ""): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${rest}`;
}

/** An object in so many Lists. */
function nested(lists: number, object: string): string {
  let text = object;
  for (let i = 0; i < lists; i++) {
    text = `kind: List\napiVersion: v1\nitems:\n- ${
      text.trimEnd().replaceAll("\n", "\n  ")
    }\n`;
  }
  return text;
}

Deno.test("readManifests() finds every object in every manifest, and says where it stood", () => {
  const objects = readManifests([
    `# first\n${configMap("a")}---\n\n---\n${configMap("b")}`,
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "c", namespace: "n" },
    },
    `kind: List\napiVersion: v1\nitems:\n- ${
      configMap("d").replaceAll("\n", "\n  ")
    }\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - ${
      configMap("e").replaceAll("\n", "\n    ")
    }`,
  ]);
  deepStrictEqual(
    objects.map(({ apiVersion, kind, namespace, name, place }) => [
      `${apiVersion}/${kind}/${namespace}/${name}`,
      `${place.manifest}.${place.document}:${place.line}`,
    ]),
    [
      ["v1/ConfigMap//a", "1.1:1"],
      ["v1/ConfigMap//b", "1.3:8"],
      ["apps/v1/Deployment/n/c", "2.1:1"],
      ["v1/ConfigMap//d", "3.1:4"],
      ["v1/ConfigMap//e", "3.1:12"],
    ],
  );
});

Deno.test("readManifests() keeps the bytes of a document, of a List's items and of JSON", () => {
  const document = configMap(
    "a",
    "data: {mode: 0644, big: 12345678901234567890} # why\n",
  );
  const json =
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"n": 9007199254740993}';
  const list = `{"kind":"List","apiVersion":"v1","items":[ ${
    json.replace('"b"', '"c"')
  } ]}`;
  deepStrictEqual(
    readManifests([document, json, list]).map(({ body }) => body),
    [
      document,
      json,
      json.replace('"b"', '"c"'),
    ],
  );
});

/** Each is refused with this code, and a message that matches. */
const REFUSED: Readonly<
  Record<string, readonly [readonly unknown[], string, RegExp]>
> = {
  "no manifests": [[], "invalid_manifest", /there is no object in them/],
  "empty documents only": [
    ["---\n# a\n---\nnull\n"],
    "invalid_manifest",
    /no object/,
  ],
  "an object with an integer beyond 53 bits": [
    [{ apiVersion: "v1", kind: "Thing", metadata: { name: "a" }, id: 2 ** 53 }],
    "invalid_manifest",
    /manifest 1, document 1, line 1: it holds the integer 9007199254740992, which may have been another one/,
  ],
  "an empty List": [
    ["kind: List\napiVersion: v1\nitems: []\n"],
    "invalid_manifest",
    /no object/,
  ],
  "501 manifests": [
    Array(501).fill(""),
    "invalid_manifest",
    /501 manifests: .* at most 500/,
  ],
  "too many objects": [
    Array.from(
      { length: 3 },
      (_, i) =>
        Array.from({ length: 700 }, (_, j) => configMap(`a${i}-${j}`)).join(
          "---\n",
        ),
    ),
    "invalid_manifest",
    /more than 2000 objects/,
  ],
  "100 KB of brackets and commas": [
    [configMap("a"), `a: [${"[],".repeat(100_000)}]\n`],
    "invalid_yaml",
    /manifest 2, document 1, line 1: it has more than 250000 names/,
  ],
  "Lists in Lists, each of which is read again": [
    [nested(30, `${configMap("a")}data: {a: [${"x,".repeat(80_000)}]}\n`)],
    "invalid_manifest",
    /have more than 2000000 names/,
  ],
  "an object beyond 1.5 MiB": [
    [configMap("a", `data: {k: ${"x".repeat(1_600_000)}}\n`)],
    "invalid_manifest",
    /1600\d+ bytes, more than the 1572864/,
  ],
  "an object beyond 1.5 MiB in bytes only": [
    [configMap("a", `data: {k: ${"\u20ac".repeat(600_000)}}\n`)],
    "invalid_manifest",
    /1800\d+ bytes/,
  ],
  "broken YAML": [
    [configMap("a"), `${configMap("b")}---\n${configMap("c", "data: [\n")}`],
    "invalid_yaml",
    /^Cannot accept manifest 2, document 2, line 11: /,
  ],
  "a key twice": [
    [configMap("a", "data: {x: 1}\ndata: {}\n")],
    "invalid_yaml",
    /manifest 1, document 1, line 6: the key "data" is there twice/,
  ],
  "what kustomize builds from": [
    [
      "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
    ],
    "invalid_manifest",
    /it is a Kustomization for kustomize, .*; send what "kubectl kustomize" prints$/,
  ],
  "a document that is a sequence": [
    ["- a\n"],
    "invalid_manifest",
    /it is no mapping/,
  ],
  "a document that is text": [
    ["hello\n"],
    "invalid_manifest",
    /it is no mapping/,
  ],
  "a List item that is null": [
    ["kind: List\nitems: [null]\n"],
    "invalid_manifest",
    /no mapping/,
  ],
  "a List whose items share an anchor": [
    [`kind: List\nitems:\n- ${
      configMap("a", "data: &d {x: y}\n").replaceAll("\n", "\n  ")
    }\n- ${configMap("b", "data: *d\n").replaceAll("\n", "\n  ")}`],
    "invalid_yaml",
    /line 13: the alias "\*d" .*items of a List cannot share anchors/,
  ],
  "no apiVersion": [
    ["kind: A\nmetadata: {name: a}\n"],
    "invalid_manifest",
    /has no "apiVersion"/,
  ],
  "a broken apiVersion": [
    ["apiVersion: a/b/c\nkind: A\nmetadata: {name: a}\n"],
    "invalid_manifest",
    /"apiVersion" cannot be "a\/b\/c"/,
  ],
  "no kind": [
    ["apiVersion: v1\nmetadata: {name: a}\n"],
    "invalid_manifest",
    /has no "kind"/,
  ],
  "no metadata": [
    ["apiVersion: v1\nkind: A\n"],
    "invalid_manifest",
    /no "metadata.name"/,
  ],
  "metadata of text": [
    ["apiVersion: v1\nkind: A\nmetadata: x\n"],
    "invalid_manifest",
    /no mapping/,
  ],
  "a name that is a number": [
    [configMap("0644")],
    "invalid_manifest",
    /"metadata.name" is the number 420, not text; put it in quotes/,
  ],
  "a name that leaves its path": [
    [configMap("../../x")],
    "invalid_manifest",
    /cannot be/,
  ],
  "a name of dots": [[configMap("..")], "invalid_manifest", /cannot be ".."/],
  "no text as generateName": [
    ["apiVersion: v1\nkind: Pod\nmetadata: {generateName: 5}\n"],
    "invalid_manifest",
    /its "metadata.generateName" is the number 5, not text; put it in quotes/,
  ],
  "a generateName that is no part of a name": [
    ["apiVersion: v1\nkind: Pod\nmetadata: {generateName: a/b}\n"],
    "invalid_manifest",
    /its "metadata.generateName" cannot be "a\/b"/,
  ],
  "an object twice": [
    [configMap("a"), configMap("b"), configMap("a")],
    "invalid_manifest",
    /manifest 3, document 1, line 1: ConfigMap "a" is there already, in manifest 1, document 1/,
  ],
  "a lone surrogate": [
    [configMap("a", "data: {x: \ud83d}\n")],
    "invalid_manifest",
    /surrogate/,
  ],
  "NUL": [
    [configMap("a", "data: {x: \0}\n")],
    "invalid_yaml",
    /line 5: the character U\+0000/,
  ],
  "a tag directive": [
    [`%TAG !! tag:x,2026:\n---\n${configMap("a")}`],
    "invalid_yaml",
    /%TAG/,
  ],
  "deep nesting in an object": [
    [{
      apiVersion: "v1",
      kind: "A",
      metadata: { name: "a" },
      x: JSON.parse("[".repeat(70) + "]".repeat(70)),
    }],
    "invalid_yaml",
    /deeper than 64/,
  ],
};

Deno.test("readManifests() refuses, naming manifest, document and line", async (t) => {
  for (const [name, [manifests, code, message]] of Object.entries(REFUSED)) {
    await t.step(name, () => {
      throws(() => readManifests(manifests), (error) => {
        if (!(error instanceof TransporterError)) throw error;
        match(error.message, message);
        strictEqual(error.code, code);
        return true;
      });
    });
  }
});

Deno.test("readManifests() takes 2,000 objects in 500 manifests, and an object of 1.5 MiB", () => {
  const documents = (i: number) =>
    Array.from({ length: 4 }, (_, j) => configMap(`a${i}-${j}`)).join("---\n");
  const all = readManifests(
    Array.from({ length: 500 }, (_, i) => documents(i)),
  );
  strictEqual(all.length, 2_000);
  const around = configMap("a", "data: {k: }\n").length;
  const large = configMap(
    "a",
    `data: {k: ${"x".repeat(1.5 * 1024 * 1024 - around)}}\n`,
  );
  strictEqual(readManifests([large]).length, 1);
  throws(() => readManifests([`${large} `.replace("{k: ", "{k: x")]), {
    code: "invalid_manifest",
  });
});

Deno.test("readManifests() takes a List apart also when it has a name", () => {
  const text = `apiVersion: v1
kind: List
metadata: {name: all}
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
`;
  deepStrictEqual(readManifests([text]).map(({ name }) => name), ["a"]);
});

Deno.test("readManifests() takes a kind that ends in List and has a name for an object", () => {
  const text =
    "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [1]\n";
  strictEqual(readManifests([text])[0]?.kind, "AllowList");
});

Deno.test("readManifests() reads the kind that a CustomResourceDefinition declares", () => {
  const [crd] = readManifests([{
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "as.x.io" },
    spec: {
      group: "x.io",
      scope: "Namespaced",
      names: { kind: "A", plural: "as" },
      versions: [{ name: "v1", served: true }, { name: "v0", served: false }],
    },
  }]);
  deepStrictEqual(crd?.declares, {
    group: "x.io",
    kind: "A",
    resource: "as",
    namespaced: true,
    versions: ["v1"],
  });
});

Deno.test("describeObject() and objectKey() tell objects apart", () => {
  const object = {
    group: "apps",
    kind: "Deployment",
    namespace: "shop",
    name: "web",
  };
  strictEqual(describeObject(object), 'Deployment "web" in namespace "shop"');
  strictEqual(objectKey(object), "apps/Deployment/shop/web");
});

/** Text that YAML writers and readers get wrong. */
const text = fc.oneof(
  fc.string({ unit: "grapheme" }).filter((s) =>
    s.isWellFormed() && !/[\0\u0085\u2028\u2029]|\r/.test(s)
  ),
  fc.constantFrom(
    "yes",
    "0644",
    "1_000",
    "~",
    "",
    "---\n",
    "a\n---\nb\n",
    "...",
    "# no",
    "- x",
    "a: b",
    "x\n\n",
    "\n x",
    "12:30",
    "|",
    "&a",
    "*a",
    "%x",
    "\t",
  ),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { minLength: 1, maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3 }),
  ),
})).value;
const style = fc.record({
  indent: fc.constantFrom(2, 4, 7),
  indentSeq: fc.boolean(),
  defaultStringType: fc.constantFrom(
    "PLAIN",
    "BLOCK_LITERAL",
    "BLOCK_FOLDED",
    "QUOTE_DOUBLE",
    "QUOTE_SINGLE",
  ) as fc.Arbitrary<"PLAIN">,
  collectionStyle: fc.constantFrom("block", "flow", "any") as fc.Arbitrary<
    "any"
  >,
  version: fc.constant("1.1" as const),
  lineWidth: fc.constantFrom(0, 40),
});

Deno.test("readManifests() gives the same objects out of documents, a List, and each alone", () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 4 }),
      style,
      (specs, options) => {
        const objects = specs.map((spec, i) => ({
          apiVersion: "v1",
          kind: "A",
          metadata: { name: `a${i}` },
          spec,
        }));
        const documents = objects.map((object) => stringify(object, options));
        const list = new Document({
          apiVersion: "v1",
          kind: "List",
          items: objects,
        }, {
          version: "1.1",
        });
        const yaml = list.toString(options);
        // The writer gets some texts wrong; the reader is what is tested here.
        fc.pre(isDeepStrictEqual(readYaml(yaml).value, list.toJSON()));
        fc.pre(
          documents.every((each, i) =>
            isDeepStrictEqual(readYaml(each).value, objects[i])
          ),
        );
        for (
          const source of [
            documents.join("---\n"),
            yaml,
            JSON.stringify(list, null, 1),
          ]
        ) {
          const found = readManifests([source]);
          deepStrictEqual(
            found.map(({ body }) => readYaml(body).value),
            objects,
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("checkManifests() refuses what readManifests() refuses, and lets others have their turn", async () => {
  const rest = `data: {a: [${"x,".repeat(40_000)}]}\n`;
  const manifests = Array.from(
    { length: 20 },
    (_, i) => configMap(`a${i}`, rest),
  );
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  try {
    await checkManifests(manifests);
    await rejects(checkManifests([...manifests, configMap("a1")]), {
      code: "invalid_manifest",
      message: /is there already/,
    });
  } finally {
    clearInterval(timer);
  }
  ok(turns >= 10, `${turns} turns`);
});
