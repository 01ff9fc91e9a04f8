import { systemClock, systemRng } from "@transporter/sdk";
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { generateRights, type Rights, type RightsRequest } from "./generate.ts";
import type { PolicyRule } from "./rule.ts";

function generate(
  manifests: readonly string[],
  more: Partial<RightsRequest> = {},
): Promise<Rights> {
  return generateRights({
    manifests,
    name: "agent",
    account: { namespace: "ops", name: "agent" },
    deletes: false,
    waits: false,
    anyName: false,
    tells: false,
    ...more,
  }, {
    clock: systemClock,
    rng: systemRng,
    signal: new AbortController().signal,
  });
}

/** The rules, one line each, by namespace; `*` for the cluster's. */
function rulesOf({ objects }: Rights): Record<string, string[]> {
  return Object.fromEntries(
    objects.filter(({ kind }) => String(kind).endsWith("Role"))
      .map(({ metadata, rules }) => [
        (metadata as { namespace?: string }).namespace ?? "*",
        (rules as PolicyRule[]).map((rule) =>
          [
            `${rule.apiGroups ?? ""}/${rule.resources ?? rule.nonResourceURLs}`,
            ...(rule.resourceNames ?? []).map((name) => `"${name}"`),
            ...rule.verbs,
          ].join(" ")
        ),
      ]),
  );
}

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  more = "",
) => `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {${name}}${more}}`;

const MAP = object("v1", "ConfigMap", "name: a, namespace: shop");
const WEB = object("apps/v1", "Deployment", "name: web, namespace: shop");
const RBAC = "rbac.authorization.k8s.io";

Deno.test("generateRights() names the objects, and binds the role to the account", async () => {
  const rights = await generate([MAP]);
  deepStrictEqual(rulesOf(rights), {
    shop: ['/configmaps "a" get create patch'],
  });
  deepStrictEqual(rights.objects[1], {
    apiVersion: `${RBAC}/v1`,
    kind: "RoleBinding",
    metadata: { name: "agent", namespace: "shop" },
    roleRef: { apiGroup: RBAC, kind: "Role", name: "agent" },
    subjects: [{ kind: "ServiceAccount", namespace: "ops", name: "agent" }],
  });
  deepStrictEqual(rights.notes, []);
});

interface Case {
  readonly name: string;
  readonly manifests: readonly string[];
  readonly more?: Partial<RightsRequest>;
  readonly rules: Readonly<Record<string, readonly string[]>>;
}

const CASES: readonly Case[] = [
  {
    name: "has what says in the cluster who has changed an object",
    manifests: [MAP, object("v1", "Namespace", "name: made")],
    more: { tells: true },
    rules: {
      "*": ['/namespaces "made" get create patch'],
      default: ["events.k8s.io/events create"],
      shop: [
        '/configmaps "a" get create patch',
        '/namespaces "shop" get',
        "/resourcequotas list",
        "events.k8s.io/events create",
      ],
    },
  },
  {
    name: "has what finds the autoscaler of who sets replicas, of any kind",
    manifests: [
      object("apps/v1", "Deployment", "name: web", ", spec: {replicas: 2}"),
      object("v1", "Namespace", "name: made"),
      object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "name: things.example.com",
        ", spec: {group: example.com, scope: Namespaced, names: {kind: Thing, plural: things}, versions: [{name: v1, served: true}]}",
      ),
      object(
        "example.com/v1",
        "Thing",
        "name: a, namespace: made",
        ", spec: {replicas: 2}",
      ),
    ],
    more: { namespace: "shop" },
    rules: {
      "*": [
        '/namespaces "made" get create patch',
        'apiextensions.k8s.io/customresourcedefinitions "things.example.com" get create patch',
      ],
      made: [
        "autoscaling/horizontalpodautoscalers list",
        'example.com/things "a" get create patch',
      ],
      shop: [
        '/namespaces "shop" get',
        "/resourcequotas list",
        'apps/deployments "web" get create patch',
        "autoscaling/horizontalpodautoscalers list",
      ],
    },
  },
  ...[
    "apps/v1 Deployment",
    "apps/v1 StatefulSet",
    "apps/v1 ReplicaSet",
    "v1 ReplicationController",
  ]
    .map((type): Case => {
      const [apiVersion = "", kind = ""] = type.split(" ");
      const group = apiVersion === "v1" ? "" : "apps";
      const own = `${group}/${kind.toLowerCase()}s "web" get create patch`;
      return {
        name:
          `has what finds the autoscaler of a ${kind} that names no replicas`,
        manifests: [object(apiVersion, kind, "name: web, namespace: shop")],
        rules: { shop: [own, "autoscaling/horizontalpodautoscalers list"] },
      };
    }),
  {
    name: "has delete apart",
    manifests: [MAP],
    more: { deletes: true },
    rules: { shop: ['/configmaps "a" get create patch delete'] },
  },
  {
    name: "has what an ApplySet is pruned with, wherever there may be members",
    manifests: [MAP, object("v1", "Namespace", "name: made")],
    more: { applySet: "team/web" },
    rules: {
      "*": [
        "/namespaces list",
        '/namespaces "made" get create patch',
      ],
      shop: [
        "/configmaps get list delete",
        '/configmaps "a" create patch',
        '/namespaces "shop" get',
        "/resourcequotas list",
      ],
      team: [
        "/configmaps get list delete",
        "/secrets create",
        '/secrets "web" get patch',
      ],
    },
  },
  {
    name: "of any name shares a rule among resources",
    manifests: [MAP, object("v1", "Secret", "name: s, namespace: shop")],
    more: { anyName: true },
    rules: {
      shop: [
        "/configmaps,secrets get create patch",
        '/namespaces "shop" get',
        "/resourcequotas list",
      ],
    },
  },
  {
    name: "has what a Deployment is waited for with",
    manifests: [WEB],
    more: { waits: true },
    rules: {
      shop: [
        "/events,pods list",
        'apps/deployments "web" get list watch create patch',
        "apps/replicasets list",
        "autoscaling/horizontalpodautoscalers list",
      ],
    },
  },
  {
    name: "lists a kind of which several are followed together",
    manifests: [
      object("batch/v1", "Job", "name: a, namespace: shop"),
      object("batch/v1", "Job", "name: b, namespace: shop"),
    ],
    more: { waits: true },
    rules: {
      shop: [
        "/events,pods,resourcequotas list",
        '/namespaces "shop" get',
        "batch/jobs list watch",
        'batch/jobs "a" "b" get create patch',
      ],
    },
  },
  {
    name: "reads the StorageClass of a claim",
    manifests: [
      object(
        "v1",
        "PersistentVolumeClaim",
        "name: a, namespace: shop",
        ", spec: {storageClassName: fast}",
      ),
    ],
    more: { waits: true },
    rules: {
      "*": ['storage.k8s.io/storageclasses "fast" get'],
      shop: [
        "/events list",
        '/persistentvolumeclaims "a" get list watch create patch',
      ],
    },
  },
  {
    name: "does not list definitions, and knows their kinds",
    manifests: [
      object("example.com/v1", "Thing", "name: t, namespace: shop"),
      `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: thingies}
  versions: [{name: v1, served: true, storage: true}]`,
    ],
    more: { waits: true },
    rules: {
      "*": [
        'apiextensions.k8s.io/customresourcedefinitions "things.example.com" get create patch',
      ],
      default: ["/events list"],
      shop: [
        "/events,resourcequotas list",
        '/namespaces "shop" get',
        'example.com/thingies "t" get list watch create patch',
      ],
    },
  },
  {
    name: "of a name that is made up has no names",
    manifests: [object("v1", "ConfigMap", "generateName: a-, namespace: shop")],
    rules: { shop: ["/configmaps get create patch"] },
  },
  {
    name: "has what roles grant, and binds by name",
    manifests: [
      object(
        `${RBAC}/v1`,
        "Role",
        "name: r, namespace: shop",
        ", rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]",
      ),
      object(
        `${RBAC}/v1`,
        "RoleBinding",
        "name: r, namespace: shop",
        `, roleRef: {apiGroup: ${RBAC}, kind: ClusterRole, name: view}`,
      ),
    ],
    rules: {
      shop: [
        '/namespaces "shop" get',
        "/pods get list",
        "/resourcequotas list",
        `${RBAC}/clusterroles "view" bind`,
        `${RBAC}/rolebindings "r" get create patch`,
        `${RBAC}/roles "r" get create patch`,
      ],
    },
  },
  {
    name: "has paths that are no resources in the ClusterRole",
    manifests: [object(
      `${RBAC}/v1`,
      "ClusterRole",
      "name: r",
      ", rules: [{nonResourceURLs: [/metrics], verbs: [get]}]",
    )],
    rules: {
      "*": [`${RBAC}/clusterroles "r" get create patch`, "//metrics get"],
    },
  },
];

for (const { name, manifests, more = {}, rules } of CASES) {
  Deno.test(`rbac.least: generateRights() ${name}`, async () => {
    deepStrictEqual(rulesOf(await generate(manifests, more)), rules);
  });
}

Deno.test("generateRights() leaves out what leads to all rights, and says so", async () => {
  const wild = (rule: string) =>
    object(`${RBAC}/v1`, "ClusterRole", "name: r", `, rules: [${rule}]`);
  for (
    const [rule, word] of [
      ["{apiGroups: ['*'], resources: [pods], verbs: [get]}", "*"],
      ["{apiGroups: [''], resources: [users], verbs: [impersonate]}", "imp"],
      [`{apiGroups: [${RBAC}], resources: [roles], verbs: [escalate]}`, "esc"],
    ] as const
  ) {
    const rights = await generate([wild(rule)]);
    deepStrictEqual(rulesOf(rights), {
      "*": [`${RBAC}/clusterroles "r" get create patch`],
    });
    strictEqual(rights.notes[0]?.includes(`grants "${word}`), true, rule);
  }
  const { notes } = await generate([
    object(`${RBAC}/v1`, "ClusterRole", "name: r", ", aggregationRule: {}"),
  ]);
  match(notes[0] ?? "", /collects the rights of other roles/);
});

Deno.test("generateRights() says which namespace it assumed, and which is not there yet", async () => {
  const bare = object("v1", "ConfigMap", "name: a");
  const { notes } = await generate([bare]);
  match(notes[0] ?? "", /are taken to be in "default": --namespace/);
  const given = await generate([bare], { namespace: "shop" });
  deepStrictEqual(Object.keys(rulesOf(given)), ["shop"]);
  deepStrictEqual(given.notes, []);
  const made = await generate([MAP, object("v1", "Namespace", "name: shop")]);
  match(made.notes[0] ?? "", /The namespace "shop" has to be there before/);
});

for (
  const [manifest, code, message] of [
    [
      object("example.com/v1", "Thing", "name: a"),
      "unknown_kind",
      /manifest 1, document 1, line 1: the kind "Thing" of "example.com\/v1" is none of Kubernetes' own: add its CustomResourceDefinition/,
    ],
    [
      object("apps/v1", "Deploymnet", "name: a"),
      "unknown_kind",
      /no "Deploymnet" in "apps\/v1" that can be applied; the nearest is "Deployment"/,
    ],
    ["a: [", "invalid_yaml", /manifest 1/],
    ["kind: ConfigMap", "invalid_manifest", /it has no "apiVersion"/],
    [`${MAP}\n---\n${MAP}`, "invalid_manifest", /is there already/],
  ] as const
) {
  Deno.test(`generateRights() refuses ${manifest.slice(0, 50)}`, async () => {
    await rejects(generate([manifest]), { code, message });
  });
}
