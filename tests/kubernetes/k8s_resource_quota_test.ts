import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  type Place,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

/** Sets a quota, and waits until the server has counted what there is. */
async function limit(
  { kube, namespace }: Place,
  hard: Readonly<Record<string, string>>,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await write(kube, path, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "small" }, spec: { hard } },
  });
  await until(async () => {
    const { status } = await read<{ readonly status: { used?: unknown } }>(
      kube,
      `${path}/small`,
    );
    return status.used !== undefined;
  });
}

const secret = (namespace: string, name: string) =>
  `{apiVersion: v1, kind: Secret, metadata: {name: ${name}, namespace: ${namespace}}}`;

Deno.test("preflight.quota: an event with more new objects than there is room for is not begun", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await limit(place, { "count/secrets": "2" });
  await runEvent(executor, [secret(namespace, "s1")]);
  const run = await runEvent(executor, [
    configMap(namespace, "a"),
    secret(namespace, "s1"),
    secret(namespace, "s2"),
    secret(namespace, "s3"),
  ]);
  strictEqual(run.last.error?.code, "denied");
  match(
    run.last.message,
    /^Cannot apply objects: the ResourceQuota "small" in namespace ".*" allows 2 of "count\/secrets", 1 are used and the event needs 2 more, so nothing was begun$/,
  );
  deepStrictEqual(
    new Set(run.objects.map(({ status }) => status)),
    new Set(["not_attempted"]),
  );
  const fitting = await runEvent(executor, [
    secret(namespace, "s1"),
    secret(namespace, "s2"),
  ]);
  deepStrictEqual(changes(fitting), [
    "Secret/s1: unchanged",
    "Secret/s2: created",
  ]);
});

Deno.test("preflight.quota: pods for which there is no room are warned of", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await limit(place, { pods: "1" });
  const workloads = [deployment(namespace, "a"), deployment(namespace, "b")];
  const run = await runEvent(executor, workloads, {
    payload: { wait: "none" },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(
    run.warnings[0] ?? "",
    /^Not all pods may come to be: the ResourceQuota "small" in namespace ".*" allows 1 of "pods", 0 are used and the event needs 2 more$/,
  );
  // What is there is counted already.
  const again = await runEvent(executor, workloads, {
    payload: { wait: "none" },
  });
  deepStrictEqual(again.warnings, []);
});
