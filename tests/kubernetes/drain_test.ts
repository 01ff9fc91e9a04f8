import type { EventView, HistoryEntry } from "@transporter/sdk";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { read, write } from "./k8s_resource.ts";

/** An event with one manifest for the agent of these tests. */
function eventOf(id: string, manifest: string): Record<string, unknown> {
  return {
    id,
    type: "k8s_resource",
    target_agent: "edge",
    payload: { manifests: [manifest] },
  };
}

/** Nothing runs Pods here, so that it is verified until somebody ends that. */
function neverReady(namespace: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
`;
}

function configMap(namespace: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ${namespace}}\n`;
}

/** Waits until an event is as wanted; throws when it ends in another way. */
async function untilEvent(
  url: string,
  id: string,
  wanted: (event: EventView) => boolean,
): Promise<EventView> {
  return await until(async () => {
    const answer = await fetch(`${url}/v2/events/${id}`);
    const event: EventView = await answer.json();
    if (wanted(event)) return event;
    strictEqual(event.finished_at, undefined, JSON.stringify(event));
    return undefined;
  });
}

/** Our entries among the managers of the Deployment: their time says when it was applied last. */
async function applies(kube: LocalKube, namespace: string): Promise<unknown> {
  const { metadata } = await read<
    { metadata: { managedFields: { readonly operation: string }[] } }
  >(kube, `/apis/apps/v1/namespaces/${namespace}/deployments/web`);
  return metadata.managedFields.filter(({ operation }) =>
    operation === "Apply"
  );
}

/** As the controllers of a cluster with nodes would. */
async function becomeReady(kube: LocalKube, namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
  const { metadata: { generation } } = await read<
    { metadata: { generation: number } }
  >(kube, path);
  await write(kube, `${path}/status`, {
    method: "PATCH",
    body: {
      status: {
        observedGeneration: generation,
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: 1,
        availableReplicas: 1,
        conditions: [{ type: "Available", status: "True" }],
      },
    },
  });
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`an event that changes its agent's own Deployment is finished after the restart: ${signal} while it waits`, async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("edge", {
      cpUrl: cp.agentUrl,
      // A drain that waits for the event takes longer than this test may.
      flags: ["--kubeconfig", kube.kubeconfig, "--drain-timeout", "1h"],
    });
    await untilConnected(cp.url, "edge");
    const id = `own-${namespace.name}`;
    await submit(cp.url, eventOf(id, neverReady(namespace.name)));
    const waits = ({ phase, message }: EventView) =>
      phase === "verifying" && message.startsWith("Waiting for Deployment");
    await untilEvent(cp.url, id, waits);
    const before = await applies(kube, namespace.name);

    // More often than an event may end its agent.
    const times = signal === "SIGTERM" ? 3 : 2;
    for (let i = 0; i < times; i++) {
      agent.program.kill(signal);
      const { code } = await agent.program.status();
      if (signal === "SIGTERM") strictEqual(code, 0, agent.program.output);
      agent.restart();
      await agent.program.line(/"message":"Event was applied before/);
      await until(async () =>
        await untilEvent(cp.url, id, waits).then(({ attempt }) => attempt === 1)
          ? true
          : undefined
      );
      // Only then a kill finds it waiting, and not on its way there.
      await agent.program.line(/"message":"Connected"/);
    }
    deepStrictEqual(
      await applies(kube, namespace.name),
      before,
      "it was not applied again",
    );
    const ended = await until(async () => {
      await becomeReady(kube, namespace.name); // the controller takes it back
      const answer = await fetch(`${cp.url}/v2/events/${id}`);
      const event: EventView = await answer.json();
      return event.finished_at === undefined ? undefined : event;
    });
    deepStrictEqual(
      [ended.state, ended.attempt],
      ["completed", 1],
      ended.message,
    );
    match(JSON.stringify(ended.result), /"name":"web".*"status":"created"/);
    const answer = await fetch(`${cp.url}/v2/events/${id}/history`);
    const { items }: { items: readonly HistoryEntry[] } = await answer.json();
    deepStrictEqual(
      items.filter(({ phase }) => phase === "interrupted"),
      [],
    );
  });
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`standing checks: an agent that ends by ${signal} goes on with one after it was started again`, async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("edge", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kube.kubeconfig],
    });
    await untilConnected(cp.url, "edge");
    const id = `standing-${namespace.name}`;
    await submit(cp.url, {
      ...eventOf(id, configMap(namespace.name)),
      payload: {
        operation: "check",
        every: "1h",
        manifests: [configMap(namespace.name)],
      },
    });
    await untilEvent(cp.url, id, ({ message }) => /missing$/.test(message));
    agent.program.kill(signal);
    await agent.program.status();

    agent.restart();
    await agent.program.line(/"message":"Event was begun before/);
    const { state, attempt } = await untilEvent(cp.url, id, () => true);
    deepStrictEqual([state, attempt], ["in_progress", 1]);
    const cancel = await fetch(`${cp.url}/v2/events/${id}/cancel`, {
      method: "POST",
    });
    strictEqual(cancel.status, 202, await cancel.text());
    await until(async () => {
      const answer = await fetch(`${cp.url}/v2/events/${id}`);
      const event: EventView = await answer.json();
      return event.state === "cancelled" ? true : undefined;
    });
  });
}

Deno.test("standing checks: one goes on, and heals, while its agent is cut off from the control plane", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using cp = await CpProcess.start();
  await using _agent = await AgentProcess.start("edge", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge");
  const id = `standing-${namespace.name}`;
  const manifests = [configMap(namespace.name)];
  const payload = { operation: "check", every: "10s", heal: true, manifests };
  await submit(cp.url, { ...eventOf(id, manifests[0] ?? ""), payload });
  const path = `/api/v1/namespaces/${namespace.name}/configmaps`;
  const count = async () => {
    const answer = await kube.fetch(path);
    const { items } = await answer.json() as {
      items: { metadata: { name: string } }[];
    };
    return items.filter(({ metadata: { name } }) => name !== "kube-root-ca.crt")
      .length;
  };
  await until(async () => await count() === 1 ? true : undefined);
  await untilEvent(cp.url, id, ({ message }) => message.startsWith("In order"));
  cp.program.kill("SIGKILL");
  await cp.program.status();
  const gone = await kube.fetch(path, { method: "DELETE" });
  await gone.body?.cancel();
  await until(async () => await count() === 1 ? true : undefined);

  await cp.restart();
  const { state } = await untilEvent(cp.url, id, () => true);
  strictEqual(state, "in_progress");
  await until(async () => {
    const answer = await fetch(`${cp.url}/v2/events/${id}/history`);
    const { items } = await answer.json() as { items: { message: string }[] };
    const said = items.filter(({ message }) => /set right/.test(message));
    return said.length >= 2 ? true : undefined;
  });
});

Deno.test("SIGTERM ends a control plane with a stream and an agent connected, and the agent finds it again", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  // The stream never ends by itself: waiting for it would take as long as that.
  await using cp = await CpProcess.start({ flags: ["--drain-timeout", "10m"] });
  await using agent = await AgentProcess.start("edge", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge");
  const stream = await fetch(`${cp.url}/v2/stream`);
  const told = stream.text(); // resolves when the stream ends, and not when it is torn

  cp.program.kill("SIGTERM");
  await told;
  const { code } = await cp.program.status();
  strictEqual(code, 0, cp.program.output);
  match(cp.program.output, /"message":"Control plane has stopped"/);

  await cp.restart();
  await untilConnected(cp.url, "edge");
  strictEqual(agent.program.output.includes("Draining"), false);
  const id = `drain-${namespace.name}`;
  await submit(cp.url, eventOf(id, configMap(namespace.name)));
  await untilEvent(cp.url, id, ({ state }) => state === "completed");
});
