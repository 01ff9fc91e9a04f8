import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  configMap,
  deployment,
  openPlace,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

/** Makes a Deployment ready, as its controller would. */
const READY = {
  status: {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
    conditions: [{ type: "Available", status: "True" }],
  },
};

Deno.test("a result tells of each object how long it took, and how long after that it was ready", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  let begun = false;
  const manifests = [
    configMap(namespace, "settings"),
    deployment(namespace, "web"),
  ];
  const { last, objects } = await runEvent(executor, manifests, {
    async onStatus({ message }) {
      if (begun || !message.startsWith("Waiting for Deployment")) return;
      begun = true;
      await write(
        kube,
        `/apis/apps/v1/namespaces/${namespace}/deployments/web/status`,
        { method: "PATCH", body: READY },
      );
    },
  });
  strictEqual(last.state, "completed", last.message);
  const [settings, web] = objects;
  const all = last.result?.duration ?? 0;
  for (const object of objects) {
    const { duration = 0 } = object;
    ok(Number.isInteger(duration) && duration > 0, `${object.name} took none`);
    ok(duration <= all, "one object takes no longer than all");
  }
  strictEqual(settings?.ready_after, undefined, "nothing to wait for");
  const { duration = 0, ready_after: after = 0 } = web ?? {};
  ok(Number.isInteger(after) && after > 0, "it was waited for");
  ok(duration + after <= all);
});

Deno.test("a failed object took its time as well, and one that was not attempted none", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_000 });
  const { namespace, executor } = place;
  const failed = await runEvent(executor, [
    `${configMap(namespace, "broken")}colour: red\n`,
    deployment(namespace, "web"),
  ]);
  deepStrictEqual(
    failed.objects.map(({ status, duration }) => [
      status,
      duration === undefined,
    ]),
    [["failed", false], ["not_attempted", true]],
  );
  // The Deployment stays applied, and is not ready in time.
  const late = await runEvent(executor, [deployment(namespace, "web")]);
  strictEqual(late.last.error?.code, "not_ready");
  const [web] = late.objects;
  strictEqual(web?.status, "created");
  ok(web.duration !== undefined);
  strictEqual(web.ready_after, undefined);
});

Deno.test("option timeout: bounds the work and the waiting together, once", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  await write(kube, maps, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "held", finalizers: ["example.com/hold"] } },
  });
  await write(kube, `${maps}/held`, { method: "DELETE" });
  const timeoutMs = 4_000;
  const begunAt = performance.now();
  let waitingAt = 0;
  const { last } = await runEvent(executor, [
    configMap(namespace, "held"),
    deployment(namespace, "web"),
  ], {
    payload: { timeout: `${timeoutMs}ms` },
    async onStatus({ phase, message }) {
      if (phase === "verifying") waitingAt ||= performance.now();
      if (!message.startsWith("Waiting to apply")) return;
      // The work takes all the time that there is.
      await until(() =>
        Promise.resolve(performance.now() - begunAt > timeoutMs)
      );
      await write(kube, `${maps}/held`, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
    },
  });
  strictEqual(last.error?.code, "not_ready", last.message);
  ok(waitingAt > 0, "it has come to wait");
  const waitedMs = performance.now() - waitingAt;
  ok(waitedMs < timeoutMs / 2, `it waited for ${waitedMs} ms more`);
});
