/** The namespace that scripts run in: no event of `k8s_resource` touches it. */
import { match, strictEqual } from "node:assert/strict";
import { freshNamespace, testCluster } from "./cluster.ts";
import { configMap, openPlugin, runEvent } from "./k8s_resource.ts";

Deno.test("k8s_resource touches nothing in the namespace of the Jobs of scripts, nor it, whatever is asked", async () => {
  await using kube = await testCluster();
  await using closed = await freshNamespace(kube);
  await using open = await freshNamespace(kube);
  await using plugin = await openPlugin({
    kubeconfig: kube.kubeconfig,
    closed_namespaces: [closed.name],
  });
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: closed.name },
  };
  const bare = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a" },
  };
  const cases: [unknown, Record<string, unknown>][] = [
    ...["apply", "delete", "diff", "check"].map((
      operation,
    ): [unknown, Record<string, unknown>] => [
      configMap(closed.name, "a"),
      { operation },
    ]),
    [configMap(closed.name, "a"), { operation: "get", fields: ["$.data"] }],
    [configMap(closed.name, "a"), {
      operation: "patch",
      patch: { data: { a: "b" } },
    }],
    [namespace, { operation: "delete" }],
    [namespace, {}],
    [bare, { namespace: closed.name }],
    [configMap(open.name, "a"), {
      apply_set: `${closed.name}/set`,
    }],
  ];
  for (const [manifest, payload] of cases) {
    const { last } = await runEvent(plugin, [manifest], { payload });
    strictEqual(last.error?.code, "denied", JSON.stringify([payload, last]));
    match(
      last.message,
      /^Cannot touch (ConfigMap|Namespace|the ApplySet) .* is for the Jobs of scripts alone/,
    );
  }
  const { last } = await runEvent(plugin, [configMap(open.name, "a")]);
  strictEqual(last.state, "completed", last.message);
});
