import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { KindIndex } from "./kind_index.ts";

function index(): KindIndex {
  const found = new KindIndex();
  function add(
    group: string,
    version: string,
    kinds: readonly string[],
    stale = false,
  ): void {
    const places = kinds.map((kind) => ({
      kind,
      resource: `${kind.toLowerCase()}s`,
      namespaced: true,
      patchable: true,
    }));
    found.add({ group, version }, { stale, kinds: places });
  }
  add("", "v1", ["ConfigMap", "Secret"]);
  add("apps", "v1", ["Deployment", "StatefulSet"]);
  add("down.io", "v1", [], true);
  return found;
}

Deno.test("KindIndex.find() knows group, version and kind", () => {
  deepStrictEqual(
    index().find({ group: "apps", version: "v1" }, "Deployment"),
    {
      kind: "Deployment",
      resource: "deployments",
      namespaced: true,
      patchable: true,
    },
  );
  strictEqual(
    index().find({ group: "apps", version: "v2" }, "Deployment"),
    undefined,
  );
  strictEqual(
    index().find({ group: "", version: "v1" }, "Deployment"),
    undefined,
  );
});

Deno.test("KindIndex.isStale() names groups that nobody can look into", () => {
  strictEqual(index().isStale({ group: "down.io", version: "v2" }), true);
  strictEqual(index().isStale({ group: "apps", version: "v1" }), false);
});

Deno.test("KindIndex.explain() says what is there instead", () => {
  const cases: [
    group: string,
    version: string,
    kind: string,
    expected: string,
  ][] = [
    [
      "",
      "v1",
      "Deployment",
      'the cluster has "Deployment" in "apps/v1", not in "v1"',
    ],
    [
      "apps",
      "v1",
      "Deploymnet",
      'the cluster has no "Deploymnet" in "apps/v1"; the nearest is "Deployment"',
    ],
    ["apps", "v1", "Whatever", 'the cluster has no "Whatever" in "apps/v1"'],
    ["apps", "v2", "Whatever", 'the cluster has no "apps/v2", but "apps/v1"'],
    [
      "x.io",
      "v1",
      "Whatever",
      'the cluster has no "Whatever" in "x.io/v1"; its API groups besides those of Kubernetes are down.io',
    ],
    [
      "x.io",
      "v1",
      "secret",
      'the cluster has no "secret" in "x.io/v1"; the nearest is "Secret"; its API groups besides those of Kubernetes are down.io',
    ],
  ];
  for (const [group, version, kind, expected] of cases) {
    strictEqual(index().explain({ group, version }, kind), expected);
  }
  strictEqual(
    new KindIndex().explain({ group: "x.io", version: "v1" }, "Whatever"),
    'the cluster has no "Whatever" in "x.io/v1", and no API groups besides those of Kubernetes',
  );
});
