import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { PRESETS } from "./presets.ts";

for (const { name, rules } of PRESETS) {
  Deno.test(`rbac.render (F88): the preset ${name} has no wildcard, and no right that leads to others`, () => {
    for (const rule of rules) {
      const { apiGroups = [], resources = [], resourceNames, verbs } = rule;
      const words = [...apiGroups, ...resources, ...verbs];
      deepStrictEqual(words.filter((word) => word.includes("*")), []);
      strictEqual(verbs.includes("escalate"), false);
      deepStrictEqual(resources.filter((each) => each.includes("/")), []);
      const named = verbs.some((verb) =>
        verb === "bind" || verb === "impersonate"
      );
      if (named) strictEqual((resourceNames ?? []).length > 0, true);
      if (resources.includes("secrets")) {
        deepStrictEqual(verbs.filter((verb) => /list|watch/.test(verb)), []);
      }
      const deletes = verbs.some((verb) => verb.startsWith("delete"));
      strictEqual(deletes, name.endsWith("-delete"));
    }
  });
}
