import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  AgentProcess,
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { freshNamespace, testCluster } from "./cluster.ts";

const EVENTS = 200;
const IN_FLIGHT = 8;

/** Submits every event, some at a time; `onAccepted` is told how many were accepted so far. */
async function submitAll(
  url: string,
  event: (i: number) => Record<string, unknown>,
  onAccepted: (count: number) => void,
): Promise<void> {
  let next = 0;
  let accepted = 0;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < EVENTS) {
      await submit(url, event(next++));
      onAccepted(++accepted);
    }
  }));
}

for (const victim of ["control plane", "agent"] as const) {
  Deno.test(`kill -9 of the ${victim} in the middle of ${EVENTS} events loses none`, async () => {
    await using kube = await testCluster();
    await using namespace = await freshNamespace(kube);
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("edge", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kube.kubeconfig],
    });
    await untilConnected(cp.url, "edge");

    let kills = 0;
    let killed: Promise<void> = Promise.resolve();
    async function kill(): Promise<void> {
      if (victim === "agent") {
        await agent.crash();
        agent.restart();
      } else {
        await cp.crash();
        await cp.restart();
      }
    }
    await submitAll(cp.url, (i) => ({
      id: `kill-${namespace.name}-${i}`,
      type: "k8s_resource",
      target_agent: "edge",
      payload: {
        manifests: [
          `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c${i}\n  namespace: ${namespace.name}\n` +
          `data:\n  number: "${i}"\n`,
        ],
      },
    }), (count) => {
      if (count !== 60 && count !== 130) return;
      kills++;
      killed = killed.then(kill);
    });
    await killed;
    strictEqual(kills, 2, "it was killed twice while events came in");

    const ended = await until(async () => {
      const events = await listEvents(cp.url);
      return events.every((event) => event.finished_at !== undefined)
        ? events
        : undefined;
    });
    strictEqual(ended.length, EVENTS);
    const notCompleted = ended.filter(({ state }) => state !== "completed");
    deepStrictEqual(
      notCompleted.map(({ spec, state, message }) => [spec.id, state, message]),
      [],
    );

    const answer = await kube.fetch(
      `/api/v1/namespaces/${namespace.name}/configmaps`,
    );
    const maps: {
      items: { metadata: { name: string }; data?: { number?: string } }[];
    } = await answer
      .json();
    const found = new Map(
      maps.items.map(({ metadata, data }) => [metadata.name, data?.number]),
    );
    for (let i = 0; i < EVENTS; i++) {
      ok(found.get(`c${i}`) === String(i), `c${i} is in the cluster`);
    }
  });
}
