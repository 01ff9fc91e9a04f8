import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { EventView, HistoryEntry } from "@transporter/sdk";
import { openPlugin, runEvent } from "../kubernetes/k8s_resource.ts";
import { CpProcess, submit, until, untilConnected } from "../system.ts";
import { askCluster } from "./cluster.ts";
import { addressOf, RELAY, relayTo } from "./relay.ts";

/** The kubeconfig of a cluster with a kubelet. */
const KUBECONFIG = Deno.env.get("TRANSPORTER_TEST_KUBECONFIG");

/** An image with Deno as `/bin/deno` and the bundle as `/app/transporter.js` and `/app/parts`, loaded into the cluster. */
const IMAGE = Deno.env.get("TRANSPORTER_TEST_AGENT_IMAGE");

const NAMESPACE = "transporter-own";

/** The agent's own objects; another `release` is another Pod. */
function agentObjects(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  release: string,
): unknown[] {
  const namespace = NAMESPACE;
  const labels = { app: "agent" };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "agent", namespace },
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: namespace },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "cluster-admin",
      },
      subjects: [{ kind: "ServiceAccount", name: "agent", namespace }],
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "agent", namespace },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "100Mi" } },
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "agent", namespace },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "agent",
            volumes: [{
              name: "data",
              persistentVolumeClaim: { claimName: "agent" },
            }],
            containers: [
              {
                name: "agent",
                image: IMAGE,
                imagePullPolicy: "IfNotPresent",
                command: [
                  "/bin/deno",
                  "run",
                  "--allow-all",
                  "/app/transporter.js",
                  "agent",
                  "--agent-id",
                  "own",
                  "--cp-url",
                  "ws://localhost:8080/ws",
                  "--data-dir",
                  "/data/agent",
                ],
                env: [
                  { name: "RELEASE", value: release },
                  { name: "HOME", value: "/tmp" },
                ],
                volumeMounts: [{ name: "data", mountPath: "/data" }],
              },
              {
                // A control plane in --dev takes connections to its own machine only.
                name: "relay",
                image: IMAGE,
                imagePullPolicy: "IfNotPresent",
                command: ["/bin/deno", "eval", RELAY, hostname, String(port)],
                env: [{ name: "HOME", value: "/tmp" }],
              },
            ],
          },
        },
      },
    },
  ];
}

/** Which release each Pod of the agent has. */
async function releasesOf(kubeconfig: string): Promise<readonly unknown[]> {
  const { items } = await askCluster<
    { items: { spec: { containers: { env?: { value: string }[] }[] } }[] }
  >(kubeconfig, `/api/v1/namespaces/${NAMESPACE}/pods`);
  return items.map(({ spec }) => spec.containers[0]?.env?.[0]?.value);
}

Deno.test({
  name:
    "an event that changes its agent's own Deployment is finished by the agent in the new pod",
  ignore: KUBECONFIG === undefined || IMAGE === undefined,
  async fn() {
    const kubeconfig = KUBECONFIG ?? "";
    await using admin = await openPlugin({ kubeconfig });
    await using cp = await CpProcess.start();
    using relay = relayTo(cp.url);
    const relayed = {
      hostname: await addressOf(kubeconfig),
      port: relay.addr.port,
    };
    try {
      const installed = await runEvent(admin, agentObjects(relayed, "1"), {
        minutes: 3,
      });
      strictEqual(installed.last.state, "completed", installed.last.message);
      await untilConnected(cp.url, "own");
      await submit(cp.url, {
        id: "own",
        type: "k8s_resource",
        target_agent: "own",
        payload: { manifests: agentObjects(relayed, "2") },
      });
      const ended = await until(async () => {
        const answer = await fetch(`${cp.url}/v2/events/own`);
        const event: EventView = await answer.json();
        return event.finished_at === undefined ? undefined : event;
      });
      deepStrictEqual(
        [ended.state, ended.attempt],
        ["completed", 1],
        ended.message,
      );
      deepStrictEqual(
        ended.result?.resource_status?.filter(({ status }) =>
          status !== "unchanged"
        ).map(({ kind, status }) => `${kind}: ${status}`),
        ["Deployment: configured"],
      );
      const answer = await fetch(`${cp.url}/v2/events/own/history`);
      const { items }: { items: readonly HistoryEntry[] } = await answer.json();
      deepStrictEqual(
        items.filter(({ phase }) => phase === "interrupted"),
        [],
      );
      // The old Pod has ended before the new one is made, and is removed a moment later.
      await until(async () => {
        const releases = await releasesOf(kubeconfig);
        return releases.join() === "2";
      });
    } finally {
      await askCluster(
        kubeconfig,
        `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${NAMESPACE}`,
        "DELETE",
      );
      await askCluster(
        kubeconfig,
        `/api/v1/namespaces/${NAMESPACE}`,
        "DELETE",
      );
    }
  },
});
