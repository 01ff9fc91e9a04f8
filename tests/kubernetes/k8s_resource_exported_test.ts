/** Manifests that were read from a cluster, with what the server has written into them. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  configMap,
  configMapPath,
  openPlace,
  read,
  type Run,
  runEvent,
  thingDefinition,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
}

/** What was waited for, as reports say. */
function triedAgain({ statuses }: Run): string[] {
  return statuses.map(({ message }) => message)
    .filter((message) => message.startsWith("Trying again"));
}

function exported(
  metadata: Readonly<Record<string, unknown>>,
  data: Readonly<Record<string, string>> = { a: "b" },
) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}

Deno.test("apply: a manifest of an object that was being deleted makes none that vanishes, and replaces none", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const kept = { ...exported({ name: "kept" }), immutable: true };
  await runEvent(executor, [kept]);
  const path = configMapPath(namespace, "kept");
  const before = await read<Live>(kube, path);
  const deletionTimestamp = "2026-11-30T12:00:00Z";
  for (const name of ["kept", "new"]) {
    const dying = exported({ name, deletionTimestamp }, { a: "c" });
    const run = await runEvent(executor, [dying], {
      payload: { replace_immutable: true, timeout: "5s" },
    });
    strictEqual(run.last.error?.code, "invalid_manifest", run.last.message);
    match(run.last.message, /"metadata.deletionTimestamp" .*take it out$/);
  }
  deepStrictEqual(await read<Live>(kube, path), before);
  const answer = await kube.fetch(configMapPath(namespace, "new"));
  await answer.body?.cancel();
  strictEqual(answer.status, 404);
  const { last } = await runEvent(executor, [
    exported({ name: "kept", deletionTimestamp }),
  ], { payload: { operation: "delete" } });
  strictEqual(last.state, "completed", last.message);
});

Deno.test("apply: a conflict about the version in a manifest says what to take out", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "a")]);
  const { metadata: { resourceVersion } } = await read<Live>(
    kube,
    configMapPath(namespace, "a"),
  );
  await runEvent(executor, [configMap(namespace, "a", "a: c")]);
  const run = await runEvent(executor, [
    exported({ name: "a", resourceVersion }),
  ]);
  strictEqual(run.last.error?.code, "conflict");
  match(
    run.last.message,
    /has been modified; .*; take "resourceVersion" and "uid" out of the manifest's metadata /,
  );
});

Deno.test("generateName: a manifest with the version of an object is refused, and not tried again", async () => {
  await using place = await openPlace();
  const run = await runEvent(place.executor, [
    exported({ generateName: "run-", resourceVersion: "17" }),
  ], { payload: { timeout: "5s" } });
  strictEqual(run.last.error?.code, "invalid_manifest", run.last.message);
  match(run.last.message, /"metadata.resourceVersion" is of an object /);
});

Deno.test("operation patch: one for an older version of the object ends at once with conflict", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const manifest = configMap(namespace, "a");
  await runEvent(executor, [manifest]);
  const patches = [
    { metadata: { resourceVersion: "1" }, data: { a: "c" } },
    [{ op: "replace", path: "/metadata/resourceVersion", value: "1" }],
  ];
  for (const patch of patches) {
    const run = await runEvent(executor, [manifest], {
      payload: { operation: "patch", patch, timeout: "5s" },
    });
    strictEqual(run.last.error?.code, "conflict", run.last.message);
    deepStrictEqual(triedAgain(run), []);
  }
});

Deno.test("operation patch: a kind that only a manifest has is not waited for, as a patch makes nothing", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const run = await runEvent(executor, [
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n`,
  ], {
    payload: { operation: "patch", patch: { spec: { a: 1 } }, timeout: "5s" },
  });
  strictEqual(run.last.error?.code, "not_found");
  match(
    run.objects[1]?.message ?? "",
    /^Cannot patch Thing .*it is not there$/,
  );
  deepStrictEqual(triedAgain(run), []);
});
