import { deepStrictEqual } from "node:assert/strict";
import type { Write } from "../k8s_resource/port.ts";
import { readDocuments } from "./book.ts";
import { guard } from "./guard.ts";
import { policyOf } from "./testing/events.ts";

type Json = Readonly<Record<string, unknown>>;

const TRUE = [{ expression: "true" }];

/** A policy that looks things up in ConfigMaps, as its binding says where. */
function lookingUp(paramRef: Json): readonly Json[] {
  const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
  return policyOf("p", { paramKind, validations: TRUE }, {
    paramRef: { parameterNotFoundAction: "Allow", ...paramRef },
  });
}

/** A policy that reads something of the Namespace. */
function reading(expression: string, spec: Json = {}): readonly Json[] {
  return policyOf("p", { validations: [{ expression }], ...spec });
}

/** A policy for the namespaces that a selector of its own, or of its binding, selects. */
function within(selector: Json, whose: "policy" | "binding"): readonly Json[] {
  const own = { namespaceSelector: selector };
  return whose === "binding"
    ? policyOf("p", { validations: TRUE }, { matchResources: own })
    : policyOf("p", {
      matchConstraints: {
        resourceRules: [{
          ...{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"] },
          resources: ["*"],
        }],
        ...own,
      },
      validations: TRUE,
    });
}

interface About {
  readonly kind?: string;
  readonly group?: string;
  readonly name?: string;
  readonly namespace?: string;
}

function write(
  before: Json | null,
  after: Json | null,
  { kind = "ConfigMap", group = "", name = "limits", namespace = "" }: About =
    {},
): Write {
  return {
    operation: before === null
      ? "CREATE"
      : after === null
      ? "DELETE"
      : "UPDATE",
    ...{ group, version: "v1", resource: "", kind, name, namespace },
    ...{ object: after, oldObject: before },
    user: () => Promise.resolve({}),
  };
}

/** Labels of a Namespace before and after; `null`: there is none. */
function namespaceWrite(before: Json | null, after: Json | null): Write {
  const at = (labels: Json | null, managedFields: string) =>
    labels === null
      ? null
      : { metadata: { name: "shop", labels, managedFields }, spec: {} };
  return write(at(before, "a"), at(after, "b"), {
    ...{ kind: "Namespace", name: "shop" },
  });
}

const map = (max: string, labels: Json = {}): Json => ({
  metadata: { name: "limits", labels, resourceVersion: max },
  data: { max },
});

const shop = { namespace: "shop" };
const definition = (kind: string, group = "example.com"): Json => ({
  spec: { group, names: { kind } },
});
const DEFINITION = {
  kind: "CustomResourceDefinition",
  group: "apiextensions.k8s.io",
  name: "limits.example.com",
};
const LIMITS = policyOf("p", {
  paramKind: { apiVersion: "example.com/v1", kind: "Limit" },
  validations: TRUE,
}, { paramRef: { name: "a", parameterNotFoundAction: "Allow" } });

/** Policies, what is written, and by which rule that is refused. */
const CASES: Readonly<
  Record<string, readonly [readonly Json[], Write, string?]>
> = {
  "what a policy looks up is changed": [
    lookingUp({ name: "limits" }),
    write(map("3"), map("9"), shop),
    "paramRef",
  ],
  "it is made": [
    lookingUp({ name: "limits" }),
    write(null, map("9"), shop),
    "paramRef",
  ],
  "it is deleted": [
    lookingUp({ name: "limits" }),
    write(map("3"), null, shop),
    "paramRef",
  ],
  "it is written and stays as it is": [
    lookingUp({ name: "limits" }),
    write(map("3"), { ...map("3") }, shop),
  ],
  "another name": [lookingUp({ name: "others" }), write(map("3"), map("9"))],
  "another kind of that name": [
    lookingUp({ name: "limits" }),
    write(map("3"), map("9"), { kind: "Secret" }),
  ],
  "another group of that kind": [
    lookingUp({ name: "limits" }),
    write(map("3"), map("9"), { group: "example.com" }),
  ],
  "in the namespace that is named": [
    lookingUp({ name: "limits", namespace: "shop" }),
    write(map("3"), map("9"), shop),
    "paramRef",
  ],
  "in another namespace": [
    lookingUp({ name: "limits", namespace: "policies" }),
    write(map("3"), map("9"), shop),
  ],
  "one that was selected by its labels": [
    lookingUp({ selector: { matchLabels: { limits: "yes" } } }),
    write(map("3", { limits: "yes" }), map("3"), shop),
    "paramRef",
  ],
  "one that will be selected": [
    lookingUp({ selector: { matchLabels: { limits: "yes" } } }),
    write(map("3"), map("3", { limits: "yes" }), shop),
    "paramRef",
  ],
  "one that is not selected": [
    lookingUp({ selector: { matchLabels: { limits: "yes" } } }),
    write(map("3"), map("9"), shop),
  ],
  "one that is in the folder, too": [
    [...lookingUp({ name: "limits" }), {
      ...{ apiVersion: "v1", kind: "ConfigMap", ...map("3") },
    }],
    write(map("3"), map("9"), shop),
  ],
  "the namespace of what is looked up goes": [
    lookingUp({ name: "limits", namespace: "shop" }),
    namespaceWrite({}, null),
    "paramRef",
  ],
  "another namespace goes": [
    lookingUp({ name: "limits", namespace: "policies" }),
    namespaceWrite({}, null),
  ],
  "the namespace of what is looked up is changed": [
    lookingUp({ name: "limits", namespace: "shop" }),
    namespaceWrite({}, { a: "b" }),
  ],
  "a namespace that is itself what is looked up goes": [
    policyOf("p", {
      paramKind: { apiVersion: "v1", kind: "Namespace" },
      validations: TRUE,
    }, { paramRef: { name: "shop", parameterNotFoundAction: "Allow" } }),
    namespaceWrite({}, null),
    "paramRef",
  ],
  "the kind of what is looked up goes": [
    LIMITS,
    write(definition("Limit"), null, DEFINITION),
    "paramRef",
  ],
  "it is defined in another way": [
    LIMITS,
    write(definition("Limit"), { spec: {} }, DEFINITION),
    "paramRef",
  ],
  "it is defined": [LIMITS, write(null, definition("Limit"), DEFINITION)],
  "another kind goes": [
    LIMITS,
    write(definition("Other"), null, DEFINITION),
  ],
  "that kind of another group goes": [
    LIMITS,
    write(definition("Limit", "example.org"), null, DEFINITION),
  ],
  "a namespace is taken from a policy": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    namespaceWrite({ stage: "live" }, { stage: "test" }),
    "namespaceSelector",
  ],
  "a namespace is taken from a binding": [
    within({ matchLabels: { stage: "live" } }, "binding"),
    namespaceWrite({ stage: "live" }, {}),
    "namespaceSelector",
  ],
  "a namespace is exempted": [
    within({
      matchExpressions: [{ key: "free", operator: "DoesNotExist" }],
    }, "binding"),
    namespaceWrite({}, { free: "" }),
    "namespaceSelector",
  ],
  "a namespace is given to a policy": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    namespaceWrite({}, { stage: "live" }),
  ],
  "other labels of a namespace": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    namespaceWrite({ stage: "live" }, { stage: "live", a: "b" }),
  ],
  "labels of what is no namespace": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    write(map("3", { stage: "live" }), map("3"), shop),
  ],
  "a namespace is made": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    namespaceWrite(null, {}),
  ],
  "a namespace goes": [
    within({ matchLabels: { stage: "live" } }, "policy"),
    namespaceWrite({ stage: "live" }, null),
  ],
  "a label that an expression reads": [
    reading("namespaceObject.metadata.labels.stage != 'live'"),
    namespaceWrite({ stage: "live" }, { stage: "test" }),
    "namespaceObject",
  ],
  "a label that an expression asks for": [
    reading("!('stage' in namespaceObject.metadata.labels)"),
    namespaceWrite({ stage: "live" }, {}),
    "namespaceObject",
  ],
  "a label that nobody reads": [
    reading("namespaceObject.metadata.labels['stage'] != 'live'"),
    namespaceWrite({ stage: "live" }, { stage: "live", a: "b" }),
  ],
  "any label, as nobody knows which": [
    reading("namespaceObject.metadata.labels[object.metadata.name] != 'a'"),
    namespaceWrite({ stage: "live" }, { stage: "live", a: "b" }),
    "namespaceObject",
  ],
  "a namespace that stays as it is, of which all is read": [
    reading("variables.all.metadata.name != ''", {
      variables: [{ name: "all", expression: "namespaceObject" }],
    }),
    namespaceWrite({ a: "b" }, { a: "b" }),
  ],
  "a label that a variable reads": [
    reading("variables.stage == 'live'", {
      variables: [{
        name: "stage",
        expression: "namespaceObject.metadata.labels.?stage.orValue('')",
      }],
    }),
    namespaceWrite({ stage: "live" }, {}),
    "namespaceObject",
  ],
  "a label that only a message reads": [
    policyOf("p", {
      validations: [{
        expression: "true",
        messageExpression: "namespaceObject.metadata.labels.stage",
      }],
    }),
    namespaceWrite({ stage: "live" }, {}),
  ],
  "a label that is read of other namespaces": [
    policyOf("p", {
      validations: [{
        expression: "namespaceObject.metadata.labels.stage == 'live'",
      }],
    }, {
      matchResources: { namespaceSelector: { matchLabels: { a: "b" } } },
    }),
    namespaceWrite({ stage: "live" }, {}),
  ],
};

Deno.test("guard() keeps what policies read from being changed, and nothing else", async (t) => {
  for (const [name, [documents, wanted, rule]] of Object.entries(CASES)) {
    await t.step(name, async () => {
      const texts = documents.map((each) => JSON.stringify(each));
      const book = await readDocuments(texts, { isGate: true });
      const [policy] = book.policies;
      const found = policy!.bindings.map((binding) =>
        guard(policy!, binding, wanted, book.params)?.rule
      );
      deepStrictEqual(found, [rule]);
    });
  }
});
