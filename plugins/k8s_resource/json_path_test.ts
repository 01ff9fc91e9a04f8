import { deepStrictEqual, throws } from "node:assert/strict";
import { readPath } from "./json_path.ts";

const OBJECT = {
  metadata: {
    name: "web",
    labels: { "app.kubernetes.io/name": "shop", "my-label": "x" },
  },
  status: {
    replicas: 0,
    conditions: [
      { type: "Available", status: "True" },
      { type: "Progressing", status: "False" },
    ],
    "a]b": 1,
  },
};

const FOUND: Readonly<Record<string, unknown>> = {
  "{.metadata.name}": "web",
  ".metadata.name": "web",
  "metadata.name": "web",
  "$.metadata.name": "web",
  " {.status.replicas} ": 0,
  "{.metadata.labels.app\\.kubernetes\\.io/name}": "shop",
  "{.metadata.labels.my-label}": "x",
  "{.metadata.labels['app.kubernetes.io/name']}": "shop",
  "{.status.conditions[0].type}": "Available",
  "{.status.conditions[-1].type}": "Progressing",
  "{.status.conditions[*].type}": ["Available", "Progressing"],
  '{.status.conditions[?(@.type=="Available")].status}': ["True"],
  '{.status.conditions[?@.type=="Available"].status}': ["True"],
  "{..status}": [OBJECT.status, "True", "False"],
  "{..my-label}": ["x"],
  "{ .metadata.name }": "web",
  "{@.metadata.name}": "web",
  "{@}": OBJECT,
  "{.}": OBJECT,
  "{.status.nothing}": undefined,
  "{.status.nothing[*]}": [],
};

Deno.test("readPath() reads paths as kubectl and as RFC 9535 write them", async (t) => {
  for (const [path, expected] of Object.entries(FOUND)) {
    await t.step(
      path,
      () => deepStrictEqual(readPath(path).find(OBJECT), expected),
    );
  }
});

Deno.test("readPath() refuses by one sentence what is no path", async (t) => {
  const refused = [
    "{range .items[*]}{.metadata.name}{end}",
    "{.metadata.name} {.kind}",
    "{.a[}",
    "{.a[?(@.b =~ /x/)]}",
    "$[?match(@.a, '(a+)+b')]",
    "$[?search(@.a, '(a+)+b')]",
    "{",
    "..",
  ];
  for (const path of refused) {
    await t.step(path, () =>
      throws(() => readPath(path), {
        code: "invalid",
        message: /^Cannot read the path "[^\n]*": [^\n]+$/,
      }));
  }
});

Deno.test("readPath() says of kubectl's templates that they are some", () => {
  const templates = [
    "{range .items[*]}{.metadata.name}{end}",
    "{.metadata.name} {.kind}",
    "{.status.conditions[0].type}{.kind}",
    "name: {.metadata.name}",
  ];
  for (const template of templates) {
    throws(() => readPath(template), {
      code: "invalid",
      message:
        `Cannot read the path "${template}": it is a template; give each path by itself, such as {.metadata.name}`,
    });
  }
});
