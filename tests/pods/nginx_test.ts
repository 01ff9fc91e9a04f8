import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { EventView, ResourceStatus } from "@transporter/sdk";
import { readBack } from "@transporter/plugins/read_back";
import { Program } from "../program.ts";
import {
  AgentProcess,
  CpProcess,
  listEvents,
  untilConnected,
} from "../system.ts";
import { askCluster, statesSince } from "./cluster.ts";

/** The kubeconfig of a cluster with a kubelet, into which the example's image is loaded. */
const KUBECONFIG = Deno.env.get("TRANSPORTER_TEST_KUBECONFIG");

const EXAMPLE = new URL("../../examples/nginx.yaml", import.meta.url).pathname;

/** What of a Deployment is looked at. */
interface Deployment {
  readonly metadata: { readonly resourceVersion: string };
  readonly status: { readonly readyReplicas?: number };
}

/** Deletes the example's objects as the kubeconfig's user, so that the test can run again. */
async function clean(kubeconfig: string): Promise<void> {
  const paths = [
    "/apis/apps/v1/namespaces/default/deployments/web?propagationPolicy=Background",
    "/api/v1/namespaces/default/services/web",
  ];
  for (const path of paths) await askCluster(kubeconfig, path, "DELETE");
}

Deno.test({
  name:
    "examples/nginx.yaml completes in a cluster with pods when they are ready",
  ignore: KUBECONFIG === undefined,
  async fn() {
    const kubeconfig = KUBECONFIG ?? "";
    await using cp = await CpProcess.start();
    await using _agent = await AgentProcess.start("pods", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kubeconfig],
    });
    await untilConnected(cp.url, "pods");
    try {
      const args = [
        "send",
        "k8s",
        "-f",
        EXAMPLE,
        "--agent",
        "pods",
        "--wait",
        "--timeout",
        "3m",
      ];
      await using sending = Program.start([...args, "--cp-url", cp.url]);
      const { code } = await sending.status();
      strictEqual(code, 0, sending.output);
      const [{ spec } = { spec: { id: "" } }] = await listEvents(cp.url);
      const event: EventView =
        await (await fetch(`${cp.url}/v2/events/${spec.id}`)).json();
      const objects: readonly ResourceStatus[] =
        event.result?.resource_status ?? [];
      deepStrictEqual(objects.map(({ kind, name }) => `${kind}/${name}`), [
        "Deployment/web",
        "Service/web",
      ]);
      const [deployment] = await readBack(
        { kubeconfig },
        objects,
        new AbortController().signal,
      );
      const now = Number(
        (deployment as unknown as Deployment).metadata.resourceVersion,
      );
      // On a busy machine a pod's probe may fail just after: what counts is what was before.
      const states = await statesSince<Deployment>(
        kubeconfig,
        "/apis/apps/v1/namespaces/default/deployments",
        { name: "web", version: objects[0]?.resource_version ?? "" },
      );
      const before = states.filter(({ metadata }) =>
        Number(metadata.resourceVersion) <= now
      );
      ok(
        before.some(({ status }) => status.readyReplicas === 2),
        JSON.stringify(before),
      );
    } finally {
      await clean(kubeconfig);
    }
  },
});
