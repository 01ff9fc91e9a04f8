import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { parse, TransporterError } from "@transporter/sdk";
import { kinds, standard } from "../mod.ts";
import { k8sResource, k8sResourceKind } from "./mod.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

Deno.test("the plugin is in the list, and its kind beside it", () => {
  strictEqual(standard.includes(k8sResource), true);
  strictEqual(kinds.includes(k8sResourceKind), true);
  strictEqual(k8sResource.type, k8sResourceKind.type);
});

Deno.test("EventKind.check() takes what upstream's producer sends", async () => {
  await k8sResourceKind.check({ manifests: [CONFIG_MAP] });
  await k8sResourceKind.check({
    manifests: [CONFIG_MAP],
    script: "",
    args: null,
    policy_rules: null,
  });
  await k8sResourceKind.check({
    manifests: [CONFIG_MAP],
    args: [],
    policy_rules: [],
  });
  strictEqual(k8sResourceKind.repeatable({ manifests: [CONFIG_MAP] }), true);
  const gone = { manifests: [CONFIG_MAP], operation: "delete" };
  strictEqual(k8sResourceKind.repeatable(gone), false);
});

/** Payloads that can never succeed: payload, code, message. */
const REFUSED: Readonly<Record<string, readonly [unknown, string, RegExp]>> = {
  "nothing": [null, "invalid", /an object is needed$/],
  "no manifests": [
    {},
    "invalid",
    /"manifests": a list of manifests is needed$/,
  ],
  "a manifest that is no list": [
    { manifests: CONFIG_MAP },
    "invalid",
    /a list of manifests is needed$/,
  ],
  "a number": [
    { manifests: [1] },
    "invalid",
    /"manifests.0": a manifest has to be text or an object$/,
  ],
  "a list in the list": [{ manifests: [[]] }, "invalid", /"manifests.0"/],
  "an option of later": [
    { manifests: [CONFIG_MAP], force_conflict: true },
    "invalid",
    /"force_conflict": unknown key; the nearest is "force_conflicts"$/,
  ],
  "an option of another tool": [
    { manifests: [CONFIG_MAP], zzzzzzzz: true },
    "invalid",
    /"zzzzzzzz": unknown key; "k8s_resource" takes "manifests", "operation", /,
  ],
  "an option of another operation": [
    { manifests: [CONFIG_MAP], operation: "delete", force_conflicts: true },
    "invalid",
    /"force_conflicts" is only for the operations "apply", "diff"$/,
  ],
  "checks that follow each other too soon": [
    { manifests: [CONFIG_MAP], operation: "check", every: "9s" },
    "invalid",
    /"every" has to be at least "10s"$/,
  ],
  "a check that heals once": [
    { manifests: [CONFIG_MAP], operation: "check", heal: true },
    "invalid",
    /"heal" is only for a check with "every"; without it, apply$/,
  ],
  "annotations for what a check only looks at": [
    { manifests: [CONFIG_MAP], operation: "check", annotate: true },
    "invalid",
    /"annotate" is only for a check with "heal", as no other changes/,
  ],
  "whose objects a check takes over that only looks at them": [
    {
      manifests: [CONFIG_MAP],
      operation: "check",
      every: "1h",
      adopt: "always",
    },
    "invalid",
    /"adopt" is only for a check with "heal", as no other changes anything$/,
  ],
  "the manager of the annotations": [
    { manifests: [CONFIG_MAP], field_manager: "transporter-provenance" },
    "invalid",
    /"field_manager" cannot be "transporter-provenance", whose the annotations/,
  ],
  "no time": [
    { manifests: [CONFIG_MAP], timeout: "0s" },
    "invalid",
    /"timeout": a duration above zero such as "30s" or "5m" is needed$/,
  ],
  "no duration": [
    { manifests: [CONFIG_MAP], timeout: "5 minutes" },
    "invalid",
    /"timeout": a duration above zero such as "30s" or "5m" is needed$/,
  ],
  "a script": [
    { manifests: [CONFIG_MAP], script: "rm" },
    "invalid",
    /"script": "k8s_resource" does not take it$/,
  ],
  "broken YAML": [
    { manifests: [CONFIG_MAP, "a: ["] },
    "invalid_yaml",
    /manifest 2, document 1, line 1/,
  ],
  "an ApplySet without a name": [
    { manifests: [CONFIG_MAP], apply_set: "shop/" },
    "invalid",
    /"apply_set": a name like "shop" or "shop\/web" is needed$/,
  ],
  "a member whose labels are shared": [
    {
      manifests: [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: &l {b: c}, annotations: *l}\n",
      ],
      apply_set: "web",
    },
    "invalid_yaml",
    /manifest 1, document 1, line 1: "labels" cannot be rewritten/,
  ],
  "a member whose labels are left alone": [
    {
      manifests: [CONFIG_MAP],
      apply_set: "web",
      ignore_fields: [{
        api_version: "v1",
        kind: "ConfigMap",
        pointers: ["/metadata/labels"],
      }],
    },
    "invalid",
    /"ignore_fields" cannot leave the labels alone, as "apply_set" needs one of them$/,
  ],
  "a member whose label is left alone": [
    {
      manifests: [CONFIG_MAP],
      apply_set: "web",
      ignore_fields: [{
        api_version: "v1",
        kind: "ConfigMap",
        pointers: ["/metadata/labels/applyset.kubernetes.io~1part-of"],
      }],
    },
    "invalid",
    /"ignore_fields" cannot leave the labels alone/,
  ],
  "an ApplySet that is deleted": [
    { manifests: [CONFIG_MAP], apply_set: "web", operation: "delete" },
    "invalid",
    /"apply_set" is only for the operations "apply", "diff", "check"$/,
  ],
  "kinds to prune without an ApplySet": [
    { manifests: [CONFIG_MAP], prune_kinds: ["Namespace"] },
    "invalid",
    /"prune_kinds" is only for what "apply_set" prunes$/,
  ],
  "a kind to prune that is pruned anyway": [
    { manifests: [CONFIG_MAP], apply_set: "web", prune_kinds: ["ConfigMap"] },
    "invalid",
    /one of "Namespace", .* is needed$/,
  ],
  "propagation of an apply that deletes nothing": [
    { manifests: [CONFIG_MAP], propagation: "orphan" },
    "invalid",
    /"propagation" is only for the operation "delete", and for an apply with "apply_set"$/,
  ],
  "a patch with an integer beyond 53 bits": [
    {
      manifests: [CONFIG_MAP],
      operation: "patch",
      patch: { spec: { id: 2 ** 53 } },
    },
    "invalid",
    /the "patch" holds the integer 9007199254740992, which may have been another one/,
  ],
  "no object": [
    { manifests: ["# nothing\n"] },
    "invalid_manifest",
    /there is no object in them$/,
  ],
};

/** Conditions that can never be met: `ready_when`, the rest of the payload, message. */
const CONDITIONS: Readonly<
  Record<
    string,
    readonly [unknown, RegExp, Readonly<Record<string, unknown>>?]
  >
> = {
  "no list": [
    { when: "true" },
    /"ready_when": a list of conditions is needed$/,
  ],
  "none": [[], /"ready_when": at least one condition is needed$/],
  "no kind": [
    [{ api_version: "v1", when: "true" }],
    /"ready_when.0.kind": .*needed$/,
  ],
  "another key": [
    [{ api_version: "v1", kind: "ConfigMap", when: "true", fail: "false" }],
    /"ready_when.0.fail": an object with "api_version", "kind" and "when" is needed$/,
  ],
  "an expression that cannot be read": [
    [{ api_version: "v1", kind: "ConfigMap", when: "self." }],
    /^Cannot accept the condition "self\.": syntax error: Expected IDENTIFIER, got EOF$/,
  ],
  "an expression of another type": [
    [{ api_version: "v1", kind: "ConfigMap", when: "1 + 'a' == 2" }],
    /found no matching overload for '_\+_' applied to '\(int, string\)'$/,
  ],
  "a kind that is not there": [
    [{ api_version: "apps/v1", kind: "Deployment", when: "true" }],
    /^Cannot accept "ready_when" for "Deployment" in "apps\/v1": no manifest has an object of it$/,
  ],
  "a kind twice": [
    [
      { api_version: "v1", kind: "ConfigMap", when: "true" },
      { api_version: "v1", kind: "ConfigMap", when: "false" },
    ],
    /for "ConfigMap" in "v1": it is there twice$/,
  ],
  "nothing that waits": [
    [{ api_version: "v1", kind: "ConfigMap", when: "true" }],
    /"ready_when" is only for the "wait" "ready"$/,
    { wait: "applied" },
  ],
  "another operation": [
    [{ api_version: "v1", kind: "ConfigMap", when: "true" }],
    /"ready_when" is only for the operation "apply"$/,
    { operation: "delete" },
  ],
};

Deno.test("EventKind.check() takes conditions for kinds that are there, and refuses all others with invalid", async (t) => {
  await k8sResourceKind.check({
    manifests: [CONFIG_MAP],
    ready_when: [
      { api_version: "v1", kind: "ConfigMap", when: "has(self.data)" },
    ],
  });
  for (const [name, [given, message, rest]] of Object.entries(CONDITIONS)) {
    await t.step(name, async () => {
      const payload = { manifests: [CONFIG_MAP], ready_when: given, ...rest };
      await rejects(k8sResourceKind.check(payload), (error) => {
        if (!(error instanceof TransporterError)) throw error;
        match(error.message, message);
        strictEqual(error.code, "invalid");
        return true;
      });
    });
  }
});

Deno.test("EventKind.check() refuses at submit, in one sentence", async (t) => {
  for (const [name, [payload, code, message]] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      await rejects(k8sResourceKind.check(payload), (error) => {
        if (!(error instanceof TransporterError)) throw error;
        match(error.message, message);
        deepStrictEqual([error.code, error.message.endsWith(".")], [
          code,
          false,
        ]);
        return true;
      });
    });
  }
});

Deno.test("the configuration refuses unknown keys", async () => {
  await parse(k8sResource.config, {
    kubeconfig: "a",
    context: "b",
    request_timeout_ms: 1,
  });
  await rejects(parse(k8sResource.config, { kubeConfig: "a" }), {
    code: "invalid",
  });
  await rejects(parse(k8sResource.config, { service_port: 70_000 }), {
    code: "invalid",
  });
});
