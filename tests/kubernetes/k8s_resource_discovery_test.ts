import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import {
  changes,
  configMap,
  openPlugin,
  proxied,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

function thing(group: string, namespace: string): string {
  return `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${namespace}}\n`;
}

Deno.test("discovery.newcrd (F64): a kind that came after the executor asked is found", async () => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  await using executor = await openPlugin({ kubeconfig: kube.kubeconfig });
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const before = await runEvent(executor, [thing(group, fresh.name)]);
  strictEqual(before.last.error?.code, "unknown_kind");

  await using other = await openPlugin({ kubeconfig: kube.kubeconfig });
  strictEqual(
    (await runEvent(other, [thingDefinition(group)])).last.state,
    "completed",
  );
  const path =
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`;
  const after = await runEvent(executor, [thing(group, fresh.name)]);
  deepStrictEqual(changes(after), ["Thing/t: created"], after.last.message);

  await write(kube, path, { method: "DELETE" });
  let gone = await runEvent(executor, [thing(group, fresh.name)]);
  // Its objects go first: one may be there still, or go while it is looked at.
  while (
    gone.last.state === "completed" || gone.last.message.endsWith("it is gone")
  ) {
    gone = await runEvent(executor, [thing(group, fresh.name)]);
  }
  strictEqual(gone.last.error?.code, "unknown_kind", gone.last.message);
});

const UNKNOWN: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  "a kind with a typo": [
    "v1",
    "ConfgMap",
    /the cluster has no "ConfgMap" in "v1"; the nearest is "ConfigMap"$/,
  ],
  "a version that is gone": [
    "extensions/v1beta1",
    "Deployment",
    /has "Deployment" in "apps\/v1", not in "extensions\/v1beta1"$/,
  ],
  "a group without that version": [
    "batch/v9",
    "Worker",
    /has no "batch\/v9", but "batch\/v1"/,
  ],
  "an unknown group": [
    "nothing.example/v1",
    "Zzzzzzzzzz",
    // Its own group is the first: other tests have theirs in the same cluster.
    /its API groups besides those of Kubernetes are (\S+, )*aa-\S+\.example/,
  ],
};

Deno.test("an unknown kind is refused before anything is applied, saying what there is", async (t) => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  const group = `aa-${crypto.randomUUID().slice(0, 8)}.example`;
  await using maker = await openPlugin({ kubeconfig: kube.kubeconfig });
  const made = await runEvent(maker, [thingDefinition(group)]);
  strictEqual(made.last.state, "completed", made.last.message);
  await using executor = await openPlugin({ kubeconfig: kube.kubeconfig });
  for (const [name, [apiVersion, kind, message]] of Object.entries(UNKNOWN)) {
    await t.step(name, async () => {
      const run = await runEvent(executor, [
        configMap(fresh.name, "a"),
        `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n`,
      ]);
      strictEqual(run.last.error?.code, "unknown_kind");
      match(
        run.last.message,
        /^Cannot accept manifest 2, document 1, line 1: /,
      );
      match(run.last.message, message);
      strictEqual(
        run.statuses.some(({ phase }) => phase === "applying"),
        false,
      );
    });
  }
});

Deno.test("servers without aggregated discovery are asked group by group", async () => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using config = await proxied(proxy, kube);
  await using executor = await openPlugin(config.config);
  proxy.inject({
    path: /^\/apis?$/,
    times: 100,
    fault: { requestHeaders: { accept: "application/json" } },
  });
  const run = await runEvent(executor, [
    configMap(fresh.name, "a"),
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: ${fresh.name}}\nrules: []\n`,
  ]);
  deepStrictEqual(
    changes(run),
    ["ConfigMap/a: created", "Role/r: created"],
    run.last.message,
  );
  strictEqual(proxy.seen.some(({ path }) => path === "/apis/apps/v1"), true);
});

Deno.test("a group whose server is down is not known, and does not stop the others", async () => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  await using executor = await openPlugin({ kubeconfig: kube.kubeconfig });
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const services = "/apis/apiregistration.k8s.io/v1/apiservices";
  const service = `${services}/v1.${group}`;
  await write(kube, services, {
    method: "POST",
    type: "application/json",
    body: {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: `v1.${group}` },
      spec: {
        group,
        version: "v1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name: "none", namespace: fresh.name },
      },
    },
  });
  try {
    let run = await runEvent(executor, [thing(group, fresh.name)]);
    // The API server takes a moment to know that nobody is there.
    while (run.last.error?.code === "unknown_kind") {
      run = await runEvent(executor, [thing(group, fresh.name)]);
    }
    strictEqual(run.last.error?.code, "cluster_unavailable");
    match(
      run.last.message,
      new RegExp(`the server of the API group "${group}" does not answer`),
    );
    const other = await runEvent(executor, [configMap(fresh.name, "a")]);
    strictEqual(other.last.state, "completed", other.last.message);
  } finally {
    await write(kube, service, { method: "DELETE" });
  }
});
