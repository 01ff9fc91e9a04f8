import type { EventView, HistoryEntry } from "@transporter/sdk";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { freshNamespace, testCluster } from "./cluster.ts";

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

Deno.test("SIGTERM lets an agent drain: what it cuts off gets another attempt", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using cp = await CpProcess.start();
  await using agent = await AgentProcess.start("edge", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig, "--drain-timeout", "2s"],
  });
  await untilConnected(cp.url, "edge");
  const id = `drain-${namespace.name}`;
  await submit(cp.url, eventOf(id, neverReady(namespace.name)));
  await untilEvent(cp.url, id, ({ phase }) => phase === "verifying");

  agent.program.kill("SIGTERM");
  const { code } = await agent.program.status();
  const { output } = agent.program;
  strictEqual(code, 0, output);
  match(output, /"message":"Draining".*"running":1/);
  match(output, /"message":"Drained".*"running":0.*"unacknowledged":0/);

  // Server-side apply of the same bytes may be repeated, so that the event goes on.
  agent.restart();
  const again = await untilEvent(
    cp.url,
    id,
    ({ attempt, phase }) => attempt === 2 && phase === "verifying",
  );
  strictEqual(again.state, "in_progress");
  const answer = await fetch(`${cp.url}/v2/events/${id}/history`);
  const { items }: { items: readonly HistoryEntry[] } = await answer.json();
  deepStrictEqual(
    items.filter(({ phase }) => phase === "interrupted").map((entry) =>
      entry.attempt
    ),
    [1],
  );
});

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
