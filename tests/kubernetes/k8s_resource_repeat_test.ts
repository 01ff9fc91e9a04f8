/** What repeats safely, and what does not: README.md, "What repeats safely". */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import {
  changes,
  configMap,
  openPlace,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

const NOW = "2026-11-23T05:04:27Z";

function job(namespace: string, name: string, ttl: string): string {
  return `apiVersion: batch/v1
kind: Job
metadata: {name: ${name}, namespace: ${namespace}}
spec: {${ttl}template: {spec: {restartPolicy: Never, containers: [{name: c, image: "local/none:1"}]}}}
`;
}

Deno.test("what repeats safely: a Job with a time to live runs again once it was collected, so that its event is not repeated by itself", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const passing = job(namespace, "once", "ttlSecondsAfterFinished: 0, ");
  const payload = { wait: "none" };
  const first = await runEvent(executor, [passing], { payload });
  deepStrictEqual(changes(first), ["Job/once: created"]);
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/once`;
  if (kube.address.controllerManager) {
    // It ends, as if its pod had, and the TTL controller takes it away.
    type Seen = { readonly status: { readonly startTime?: string } };
    await until(async () =>
      (await read<Seen>(kube, path)).status.startTime !== undefined
    );
    const { status: { startTime } } = await read<Seen>(kube, path);
    const conditions = ["SuccessCriteriaMet", "Complete"].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: startTime ?? NOW,
    }));
    await write(kube, `${path}/status`, {
      method: "PATCH",
      body: {
        status: {
          startTime,
          completionTime: startTime,
          succeeded: 1,
          active: 0,
          ready: 0,
          terminating: 0,
          uncountedTerminatedPods: {},
          conditions,
        },
      },
    });
  } else await write(kube, path, { method: "DELETE" });
  await until(async () => {
    const answer = await kube.fetch(path);
    await answer.body?.cancel();
    return answer.status === 404;
  });
  const again = await runEvent(executor, [passing], { payload });
  deepStrictEqual(changes(again), ["Job/once: created"]);

  const repeatable = (...manifests: unknown[]) =>
    executor.repeatable({ ...payload, manifests });
  strictEqual(repeatable(passing), false);
  strictEqual(repeatable(configMap(namespace, "a"), passing), false);
  strictEqual(
    repeatable(`${configMap(namespace, "a")}---\n${passing}`),
    false,
  );
  const spec = { ttlSecondsAfterFinished: 60 };
  strictEqual(repeatable({ kind: "Job", spec }), false);
  strictEqual(repeatable(JSON.stringify({ kind: "Job", spec })), false);
  strictEqual(repeatable(job(namespace, "kept", "")), true);
  // What a CronJob makes runs once more by itself anyway.
  strictEqual(
    repeatable({ kind: "CronJob", spec: { jobTemplate: { spec } } }),
    true,
  );
});

Deno.test("what repeats safely: an event whose time is over says what was applied, what is unknown and what was not attempted", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  // The second one is on its way out, and held: it is waited for.
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  await write(kube, maps, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "held", finalizers: ["example.com/hold"] } },
  });
  await write(kube, `${maps}/held`, { method: "DELETE" });
  const over = new AbortController();
  const run = await runEvent(executor, [
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: first, namespace: ${namespace}}\n`,
    configMap(namespace, "held"),
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ${namespace}}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "local/none:1"}]}}}
`,
  ], {
    signal: over.signal,
    onStatus({ message }) {
      if (!message.startsWith("Waiting to apply")) return;
      over.abort(new TransporterError("timeout", "It took too long"));
    },
  });
  await write(kube, `${maps}/held`, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
  strictEqual(run.last.error?.code, "timeout");
  deepStrictEqual(changes(run), [
    "ServiceAccount/first: created",
    "ConfigMap/held: unknown",
    "Deployment/web: not_attempted",
  ]);
});
