import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  applySetId,
  applySetOf,
  groupKindOf,
  readGroupKind,
  scopeOf,
} from "./apply_set.ts";

Deno.test("applySetId() is what kubectl makes of the same Secret", () => {
  strictEqual(
    applySetId({ namespace: "test", name: "my-set" }),
    "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1",
  );
});

Deno.test("applySetOf() takes the namespace that is named, else the event's, else the agent's", () => {
  const agent = { namespace: "agent" };
  const of = (applySet: string | undefined, namespace?: string) =>
    applySetOf({ applySet, namespace }, agent);
  strictEqual(of(undefined), undefined);
  deepStrictEqual(of("shop/web", "event"), { namespace: "shop", name: "web" });
  deepStrictEqual(of("web", "event"), { namespace: "event", name: "web" });
  deepStrictEqual(of("web"), { namespace: "agent", name: "web" });
});

Deno.test("readGroupKind() reads what groupKindOf() writes", () => {
  for (
    const [text, group, kind] of [
      ["ConfigMap", "", "ConfigMap"],
      ["Deployment.apps", "apps", "Deployment"],
      ["Thing.a.example.com", "a.example.com", "Thing"],
    ] as const
  ) {
    strictEqual(groupKindOf({ group, kind }), text);
    deepStrictEqual(readGroupKind(text), { group, kind });
  }
});

Deno.test("scopeOf() has every kind, and the namespaces besides the parent's", () => {
  const at = (kind: string, namespace: string) => ({
    group: "",
    kind,
    namespace,
    name: "a",
  });
  const objects = [at("Node", ""), at("Pod", "home"), at("Pod", "away")];
  deepStrictEqual(scopeOf(objects, { namespace: "home", name: "set" }), {
    kinds: new Set(["Node", "Pod"]),
    namespaces: new Set(["away"]),
  });
});
