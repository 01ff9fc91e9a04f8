/** Jobs of scripts stay until the control plane knows how they ended. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { EventView } from "@transporter/sdk";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { askCluster, busybox, KUBECONFIG, lockedNamespace } from "./cluster.ts";

const IMAGE = await busybox();

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly ttlSecondsAfterFinished?: number };
    readonly status: { readonly succeeded?: number };
  }[];
}

/** Jobs, Pods and Secrets of a namespace. */
async function left(namespace: string) {
  const list = async (path: string) =>
    (await askCluster<Listed>(KUBECONFIG, path)).items;
  const core = `/api/v1/namespaces/${namespace}`;
  return {
    jobs: await list(`/apis/batch/v1/namespaces/${namespace}/jobs`),
    pods: await list(`${core}/pods`),
    secrets: await list(`${core}/secrets`),
  };
}

Deno.test({
  name:
    "the Job of a script stays over a kill of its agent between its end and the acknowledgement, and goes after that (pods)",
  ignore: IMAGE === undefined,
  async fn() {
    await using namespace = await lockedNamespace();
    await using cp = await CpProcess.start();
    await using agent = await AgentProcess.start("edge-7", {
      cpUrl: cp.agentUrl,
      flags: [
        ...["--kubeconfig", KUBECONFIG, "--enable", "script"],
        ...["--script-runner", "job", "--script-image", IMAGE ?? ""],
        ...["--script-namespace", namespace.name],
        ...["--script-network-policy", "ignore"],
      ],
    });
    await untilConnected(cp.url, "edge-7");
    await submit(cp.url, {
      id: "kept",
      type: "script",
      target_agent: "edge-7",
      payload: { script: "until [ -e /tmp/x ]; do sleep 1; : >/tmp/x; done" },
    });
    await agent.program.line(/"message":"Event started"/);
    await cp.crash(); // so that nobody acknowledges anything
    await agent.program.line(/"message":"Event ended".*"state":"completed"/);
    await agent.crash();
    const after = await until(async () => {
      const found = await left(namespace.name);
      const [job] = found.jobs;
      return job === undefined || job.status.succeeded === 1
        ? found
        : undefined;
    });
    deepStrictEqual(
      after.jobs.map(({ spec }) => spec.ttlSecondsAfterFinished),
      [86_400],
    );
    deepStrictEqual([after.pods.length, after.secrets.length], [1, 0]);

    agent.restart();
    // It has read its journal, and nobody has acknowledged anything yet.
    await agent.program.line(/"message":"No connection to the control plane"/);
    strictEqual((await left(namespace.name)).jobs.length, 1);

    await cp.restart();
    const ended = await until(async () => {
      const answer = await fetch(`${cp.url}/v2/events/kept`);
      const view: EventView = await answer.json();
      return view.finished_at === undefined ? undefined : view;
    });
    deepStrictEqual([ended.state, ended.attempt], ["completed", 1]);
    await until(async () => {
      const { jobs, pods } = await left(namespace.name);
      return jobs.length + pods.length === 0 ? true : undefined;
    });
  },
});
