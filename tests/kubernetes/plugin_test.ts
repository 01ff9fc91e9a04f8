/** examples/label_namespace: a plugin that uses the Kubernetes client, in both ways. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { PluginSystem } from "../plugins/plugin_agent.ts";
import { folderOf } from "../plugins/tools.ts";
import { freshNamespace, testCluster } from "./cluster.ts";

for (const flag of ["plugin", "plugin-in-process"] as const) {
  Deno.test(`examples/label_namespace as ${flag}: labels a Namespace`, async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    const entry = {
      spec: `${ROOT}examples/label_namespace/mod.ts`,
      config: { kubeconfig: kube.kubeconfig },
      ...(flag === "plugin"
        ? {
          allow: {
            read: [kube.kubeconfig],
            net: [new URL(kube.address.server).host],
          },
        }
        : {}),
    };
    await using dir = await folderOf({
      "agent.yaml": JSON.stringify({ [flag]: [entry] }),
    });
    await using system = await PluginSystem.start([
      "--config",
      `${dir.path}/agent.yaml`,
    ]);
    const payload = { namespace: namespace.name, label: "team", value: "web" };
    const view = await system.run("label_namespace", payload);
    strictEqual(view.state, "completed", view.message);
    const answer = await kube.fetch(`/api/v1/namespaces/${namespace.name}`);
    const { metadata } = await answer.json();
    strictEqual(metadata.labels.team, "web");
    deepStrictEqual(view.result?.["labels"], metadata.labels);

    const none = await system.run("label_namespace", {
      ...payload,
      namespace: `${namespace.name}-none`,
    });
    strictEqual(none.error?.code, "not_found");
    match(
      String(none.error?.message),
      /^Cannot read Namespace ".*-none": .*not found$/,
    );
  });
}
