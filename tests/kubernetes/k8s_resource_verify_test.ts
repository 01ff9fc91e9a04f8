import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  type Place,
  read,
  runEvent,
  thingDefinition,
  until,
  write,
} from "./k8s_resource.ts";

const NOW = "2026-11-23T05:04:27Z";

/** What a controller would write once the pods run. */
async function becomeAvailable(
  cluster: Place,
  name: string,
): Promise<void> {
  const path =
    `/apis/apps/v1/namespaces/${cluster.namespace}/deployments/${name}`;
  const { metadata } = await read<{ metadata: { generation: number } }>(
    cluster.kube,
    path,
  );
  await write(cluster.kube, `${path}/status`, {
    method: "PATCH",
    body: {
      status: {
        observedGeneration: metadata.generation,
        replicas: 1,
        updatedReplicas: 1,
        readyReplicas: 1,
        availableReplicas: 1,
      },
    },
  });
}

/** As a kubelet: the pod of a Deployment runs. */
async function runPods(
  cluster: Place,
): Promise<number> {
  const path = `/api/v1/namespaces/${cluster.namespace}/pods`;
  const { items } = await read<{ items: { metadata: { name: string } }[] }>(
    cluster.kube,
    path,
  );
  for (const { metadata } of items) {
    await write(cluster.kube, `${path}/${metadata.name}/status`, {
      method: "PATCH",
      type: "application/strategic-merge-patch+json",
      body: {
        status: {
          phase: "Running",
          conditions: ["Initialized", "ContainersReady", "Ready"].map((
            type,
          ) => ({
            type,
            status: "True",
            lastTransitionTime: NOW,
          })),
        },
      },
    });
  }
  return items.length;
}

Deno.test("verify waits until a Deployment is available, and says what it waits for", async () => {
  await using cluster = await openPlace();
  const { namespace, executor } = cluster;
  const waited: string[] = [];
  const run = await runEvent(executor, [
    deployment(namespace, "web"),
    configMap(namespace, "a"),
  ], {
    async onStatus({ phase, message }) {
      if (phase !== "verifying" || !message.startsWith("Waiting")) return;
      waited.push(message);
      const pods = await runPods(cluster);
      if (!cluster.kube.address.controllerManager) {
        await becomeAvailable(cluster, "web");
      } else if (pods === 0) return;
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "Deployment/web: created",
    "ConfigMap/a: created",
  ]);
  ok(waited.length > 0);
  for (const message of waited) {
    match(
      message,
      /^Waiting for Deployment "web" in namespace ".*": (its controller|[01] of 1 replicas)/,
    );
  }
});

Deno.test("verify.rollout.fails (F68): a rollout that cannot succeed ends the event at once", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
  const run = await runEvent(executor, [
    deployment(namespace, "web").replace(
      "replicas: 1",
      "replicas: 1\n  progressDeadlineSeconds: 1",
    ),
  ], {
    async onStatus({ message }) {
      if (
        cluster.kube.address.controllerManager || !message.startsWith("Waiting")
      ) return;
      await write(kube, `${path}/status`, {
        method: "PATCH",
        body: {
          status: {
            observedGeneration: 1,
            conditions: [{
              type: "Progressing",
              status: "False",
              reason: "ProgressDeadlineExceeded",
              message: 'Deployment "web" exceeded its progress deadline',
            }],
          },
        },
      });
    },
  });
  strictEqual(run.last.state, "failed");
  strictEqual(run.last.error?.code, "failed");
  match(
    run.last.message,
    /^Cannot get Deployment "web" in namespace ".*" ready: .*(timed out progressing|progress deadline)/,
  );
  deepStrictEqual(changes(run), ["Deployment/web: created"]);
});

Deno.test("verify ends as not_ready when time is up, naming the object and the reason", async () => {
  await using cluster = await openPlace({ phase_timeout_ms: 4_000 });
  const { namespace, executor } = cluster;
  const run = await runEvent(executor, [
    deployment(namespace, "a"),
    `apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: b, namespace: ${namespace}}\nspec: {serviceName: b, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: local/none:1}]}}}\n`,
  ]);
  strictEqual(run.last.error?.code, "not_ready");
  match(
    run.last.message,
    /^Cannot get Deployment "a" in namespace ".*" ready in time: .* \(and 1 more\)$/,
  );
  deepStrictEqual(changes(run), [
    "Deployment/a: created",
    "StatefulSet/b: created",
  ]);
});

Deno.test("verify waits for a Job to complete, and fails when it fails", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const job = (name: string) =>
    `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: local/none:1}]}}}\n`;
  /** The conditions a Job controller writes, after it has begun. */
  const end = async (name: string, type: string) => {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`;
    let startTime: string | undefined = kube.address.controllerManager
      ? undefined
      : NOW;
    await until(async () => {
      const { status } = await read<{ status: { startTime?: string } }>(
        kube,
        path,
      );
      startTime ??= status.startTime;
      return startTime !== undefined;
    });
    await write(kube, `${path}/status`, {
      method: "PATCH",
      body: {
        status: {
          startTime,
          ...(type === "Complete"
            ? { completionTime: startTime, succeeded: 1 }
            : { failed: 1 }),
          conditions: [
            type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget",
            type,
          ].map((each) => ({
            type: each,
            status: "True",
            reason: "BackoffLimitExceeded",
            message: "Job has reached the specified backoff limit",
            lastTransitionTime: startTime,
          })),
          active: 0,
          ready: 0,
          terminating: 0,
          uncountedTerminatedPods: {},
        },
      },
    });
  };
  let ended = false;
  const good = await runEvent(executor, [job("good")], {
    async onStatus({ message }) {
      if (ended || !message.startsWith("Waiting")) return;
      ended = true;
      await end("good", "Complete");
    },
  });
  strictEqual(good.last.state, "completed", good.last.message);
  ended = false;
  const bad = await runEvent(executor, [job("bad")], {
    async onStatus({ message }) {
      if (ended || !message.startsWith("Waiting")) return;
      ended = true;
      await end("bad", "Failed");
    },
  });
  strictEqual(bad.last.error?.code, "failed", bad.last.message);
  match(
    bad.last.message,
    /Job "bad" .* ready: Job has reached the specified backoff limit/,
  );
});

Deno.test("verify waits for a Pod, and fails when it failed", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const pod = (name: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {containers: [{name: c, image: local/none:1}]}\n`;
  if (!kube.address.controllerManager) {
    await runEvent(executor, [
      "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n",
    ]);
  }
  const good = await runEvent(executor, [pod("good")], {
    onStatus: async ({ message }) => {
      if (message.startsWith("Waiting")) await runPods(cluster);
    },
  });
  strictEqual(good.last.state, "completed", good.last.message);
  const bad = await runEvent(executor, [pod("bad")], {
    onStatus: async ({ message }) => {
      if (!message.startsWith("Waiting")) return;
      await write(kube, `/api/v1/namespaces/${namespace}/pods/bad/status`, {
        method: "PATCH",
        body: {
          status: {
            phase: "Failed",
            reason: "Evicted",
            message: "The node was low on memory",
          },
        },
      });
    },
  });
  strictEqual(bad.last.error?.code, "failed", bad.last.message);
  match(
    bad.last.message,
    /Pod "bad" .* ready: Evicted: The node was low on memory/,
  );
});

Deno.test("a definition whose names are taken ends the event, and its objects are not attempted", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const first = await runEvent(executor, [thingDefinition(group)]);
  strictEqual(first.last.state, "completed", first.last.message);
  const run = await runEvent(executor, [
    thingDefinition(group).replace(
      "plural: things, singular: thing",
      "plural: others, singular: other",
    ).replace(`name: things.`, "name: others."),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${namespace}}\n`,
  ]);
  strictEqual(run.last.error?.code, "failed");
  match(
    run.last.message,
    /CustomResourceDefinition "others\..*" ready: its names are not accepted/,
  );
  deepStrictEqual(changes(run), [
    `CustomResourceDefinition/others.${group}: created`,
    "Thing/t: not_attempted",
  ]);
  for (const plural of ["things", "others"]) {
    await write(
      kube,
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`,
      { method: "DELETE" },
    );
  }
});

Deno.test("an object that is deleted while it is waited for ends the event", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const run = await runEvent(executor, [deployment(namespace, "web")], {
    onStatus: async ({ phase, message }) => {
      if (phase !== "verifying" || !message.startsWith("Waiting")) return;
      await write(
        kube,
        `/apis/apps/v1/namespaces/${namespace}/deployments/web`,
        { method: "DELETE" },
      ).catch(() => {});
    },
  });
  strictEqual(run.last.error?.code, "failed");
  match(run.last.message, /ready: it is gone$/);
});
