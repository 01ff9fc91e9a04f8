/** A namespace that does not go as a server of an API group is away: in a cluster of its own, as that is true of all of it. */
import { match, strictEqual } from "node:assert/strict";
import { CONTROLLERS, ownCluster } from "./cluster.ts";
import { openPlugin, runEvent } from "./k8s_resource.ts";

Deno.test(
  "delete: a namespace that cannot go as an aggregated API is down names NamespaceDeletionDiscoveryFailure",
  CONTROLLERS,
  async () => {
    await using kube = await ownCluster();
    await using executor = await openPlugin({ kubeconfig: kube.kubeconfig });
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "stays" },
    };
    const made = await runEvent(executor, [
      namespace,
      {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: "v1.nowhere.example.com" },
        spec: {
          group: "nowhere.example.com",
          version: "v1",
          groupPriorityMinimum: 1000,
          versionPriority: 10,
          insecureSkipTLSVerify: true,
          service: { namespace: "stays", name: "nobody" },
        },
      },
    ], { payload: { wait: "none" } });
    strictEqual(made.last.state, "completed", made.last.message);
    const { last } = await runEvent(executor, [namespace], {
      payload: { operation: "delete", timeout: "20s" },
    });
    strictEqual(last.state, "failed");
    match(last.message, /NamespaceDeletionDiscoveryFailure/);
    match(last.message, /nowhere\.example\.com/);
  },
);
