import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { effectiveRights, type PolicyRule } from "@transporter/plugins/rights";
import { systemClock, systemRng } from "@transporter/sdk";
import { openPlace, type Place, runEvent, until } from "./k8s_resource.ts";

const RBAC = "rbac.authorization.k8s.io";

/** What a ServiceAccount of a place may do. */
function ask({ kube, namespace }: Place, name: string) {
  return effectiveRights({
    cluster: { kubeconfig: kube.kubeconfig },
    account: { namespace, name },
    namespace,
  }, {
    clock: systemClock,
    rng: systemRng,
    signal: new AbortController().signal,
  });
}

/** Gives rights to a ServiceAccount, in its namespace or in the whole cluster. */
async function give(
  { executor, namespace }: Place,
  name: string,
  options: {
    readonly rules: readonly PolicyRule[];
    readonly where: "" | "Cluster";
  },
): Promise<AsyncDisposable> {
  const { rules, where } = options;
  const metadata = { name: `${namespace}-${name}`, namespace };
  const objects = [
    { apiVersion: `${RBAC}/v1`, kind: `${where}Role`, metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${where}RoleBinding`,
      metadata,
      roleRef: {
        apiGroup: RBAC,
        kind: `${where}Role`,
        name: metadata.name,
      },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
  const given = await runEvent(executor, objects);
  strictEqual(given.last.state, "completed", given.last.message);
  return {
    async [Symbol.asyncDispose]() {
      await runEvent(executor, objects, { payload: { operation: "delete" } });
    },
  };
}

Deno.test("effectiveRights() lists what a ServiceAccount may do in a namespace", async () => {
  await using place = await openPlace();
  deepStrictEqual((await ask(place, "web")).rights, []);
  await using _given = await give(place, "web", {
    where: "",
    rules: [
      {
        apiGroups: ["apps"],
        resources: ["deployments", "daemonsets"],
        verbs: ["patch", "get"],
      },
      {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: ["a"],
        verbs: ["get"],
      },
    ],
  });
  await until(async () => (await ask(place, "web")).rights.length > 0);
  deepStrictEqual(await ask(place, "web"), {
    cluster: undefined,
    username: `system:serviceaccount:${place.namespace}:web`,
    rights: [
      'get configmaps "a"',
      "get, patch daemonsets, deployments (apps)",
    ],
    dangers: [],
    lacks: [
      `It may not create Events in "${place.namespace}", so nothing there says which event has changed an object`,
    ],
  });
});

const DANGERS: readonly (readonly [PolicyRule, string])[] = [
  [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    "It may do everything in the whole cluster, like cluster-admin",
  ],
  [
    { apiGroups: [""], resources: ["secrets"], verbs: ["list"] },
    "It may list the Secrets of the whole cluster",
  ],
  [
    { apiGroups: [RBAC], resources: ["clusterroles"], verbs: ["escalate"] },
    'It may "escalate" clusterroles, which is every right there is',
  ],
  [
    { apiGroups: [RBAC], resources: ["clusterroles"], verbs: ["bind"] },
    'It may "bind" any of clusterroles, to itself, too',
  ],
  [
    { apiGroups: [""], resources: ["users"], verbs: ["impersonate"] },
    'It may "impersonate" any of users',
  ],
  [
    { apiGroups: [""], resources: ["nodes/proxy"], verbs: ["create"] },
    "It may reach the kubelets through nodes/proxy, and so run commands in every Pod",
  ],
];

for (const [rule, danger] of DANGERS) {
  Deno.test(`effectiveRights() flags ${rule.verbs} of ${rule.resources}`, async () => {
    await using place = await openPlace();
    await using _given = await give(place, "web", {
      where: "Cluster",
      rules: [rule],
    });
    await until(async () => (await ask(place, "web")).dangers.length > 0);
    deepStrictEqual((await ask(place, "web")).dangers, [danger]);
  });
}

Deno.test("effectiveRights() says when the cluster cannot be asked", async () => {
  await using place = await openPlace();
  await rejects(
    effectiveRights({
      cluster: { kubeconfig: place.kube.kubeconfig, context: "none" },
      namespace: "default",
    }, {
      clock: systemClock,
      rng: systemRng,
      signal: new AbortController().signal,
    }),
    { code: "no_cluster" },
  );
});
