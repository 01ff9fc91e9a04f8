import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  type EventProgress,
  isDone,
  PROGRESS_OBJECTS_MAX,
} from "@transporter/sdk";
import {
  configMap,
  deployment,
  openPlace,
  type Run,
  runEvent,
  write,
} from "./k8s_resource.ts";

/** What the reports of an event say of its objects, in turn. */
function progressOf({ statuses }: Pick<Run, "statuses">): EventProgress[] {
  return statuses.flatMap(({ details }) => {
    const progress = details?.["progress"];
    return progress === undefined ? [] : [progress as EventProgress];
  });
}

/** `Kind/name: status` of each object. */
function states({ objects = [] }: EventProgress): string[] {
  return objects.map(({ kind, name, status }) => `${kind}/${name}: ${status}`);
}

Deno.test("while an event waits, reports say of each object what it waits for, and why", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const ready = { availableReplicas: 1, readyReplicas: 1, updatedReplicas: 1 };
  const makeReady = (name: string) =>
    write(kube, `${path}/${name}/status`, {
      method: "PATCH",
      body: {
        status: { observedGeneration: 1, replicas: 1, ...ready },
      },
    });
  const waited = new Set<string>();
  const run = await runEvent(executor, [
    configMap(namespace, "settings"),
    deployment(namespace, "a"),
    deployment(namespace, "b"),
  ], {
    async onStatus(status) {
      const [progress] = progressOf({ statuses: [status] });
      for (const { name, status } of progress?.objects ?? []) {
        if (status !== "waiting" || waited.has(name)) continue;
        // The second one once the first is seen ready.
        if (name === "b" && progress?.counts["ready"] !== 1) continue;
        waited.add(name);
        await makeReady(name);
      }
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  const told = progressOf(run);
  const waiting = told.find(({ counts }) => (counts["waiting"] ?? 0) > 0);
  strictEqual(waiting?.total, 3);
  strictEqual(states(waiting)[0], "ConfigMap/settings: created");
  const first = waiting.objects?.[1];
  strictEqual(first?.status, "waiting");
  match(`${first.message}`, /its controller has not seen it yet|of 1/);
  ok(
    told.some((each) =>
      states(each).join() ===
        "ConfigMap/settings: created,Deployment/a: ready,Deployment/b: waiting"
    ),
    JSON.stringify(told.map(states)),
  );
});

Deno.test("a report comes also when only an object has moved that its message does not name", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const abort = new AbortController();
  const told: { readonly said: string; readonly why: string }[] = [];
  await runEvent(executor, [
    deployment(namespace, "a"),
    deployment(namespace, "b"),
  ], {
    signal: abort.signal,
    async onStatus(status) {
      // Without a kubelet "a" stays where it is then.
      if (!/"a" .* replicas are available/.test(status.message)) return;
      const [progress] = progressOf({ statuses: [status] });
      const b = progress?.objects?.find(({ name }) => name === "b");
      if (b?.status !== "waiting" || b.message === "") return;
      if (b.message === told[0]?.why) return;
      told.push({ said: status.message, why: b.message });
      if (told.length > 1) return abort.abort();
      const body = { spec: { replicas: 2 } };
      await write(kube, `${path}/b`, { method: "PATCH", body });
    },
  });
  strictEqual(told.length, 2);
  strictEqual(told[1]?.said, told[0]?.said);
});

Deno.test("an object that waits before it is applied says why in reports", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  await write(kube, path, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "held", finalizers: ["example.com/hold"] } },
  });
  await write(kube, `${path}/held`, { method: "DELETE" });
  let released = false;
  const run = await runEvent(executor, [configMap(namespace, "held")], {
    async onStatus({ details }) {
      if (released || !details?.["progress"]) return;
      released = true;
      await write(kube, `${path}/held`, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  const [progress] = progressOf(run);
  const [held] = progress?.objects ?? [];
  strictEqual(held?.status, "applying");
  match(held.message, /it is being deleted, and held by .*example.com\/hold/);
});

Deno.test("an agent that was started again says of each object what was done with it before", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const manifests = [
    configMap(namespace, "settings"),
    deployment(namespace, "web"),
  ];
  const payload = { timeout: "1s" };
  const before = await runEvent(executor, manifests, { id: "e", payload });
  const { resource_status } = before.last.result ?? {};
  const after = await runEvent(executor, manifests, {
    id: "e",
    payload,
    applied: { resource_status },
  });
  const [told] = progressOf(after);
  deepStrictEqual(told && states(told), [
    "ConfigMap/settings: created",
    "Deployment/web: waiting",
  ]);
});

Deno.test("of many objects those that are not done are told first, and all are counted", async () => {
  await using place = await openPlace({ phase_timeout_ms: 6_000 });
  const { namespace, executor } = place;
  const many = PROGRESS_OBJECTS_MAX + 60;
  const run = await runEvent(executor, [
    ...Array.from({ length: many }, (_, i) => configMap(namespace, `m-${i}`)),
    deployment(namespace, "web"),
  ]);
  strictEqual(run.last.error?.code, "not_ready");
  const told = progressOf(run).at(-1);
  strictEqual(told?.total, many + 1);
  deepStrictEqual(told.counts, { created: many, waiting: 1 });
  strictEqual(told.objects?.length, PROGRESS_OBJECTS_MAX);
  const open = told.objects.filter(({ status }) => !isDone(status));
  deepStrictEqual(open.map(({ name }) => name), ["web"]);
  // A flood would be one report for each object.
  ok(progressOf(run).length < 10, `${progressOf(run).length} reports`);
});
