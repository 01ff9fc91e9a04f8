import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { FaultProxy, status } from "../fault_proxy.ts";
import { CONTROLLERS } from "./cluster.ts";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  openPlugin,
  proxied,
  read,
  runEvent,
  thingDefinition,
  until,
  write,
} from "./k8s_resource.ts";

async function statusOf(kube: LocalKube, path: string): Promise<number> {
  const answer = await kube.fetch(path);
  await answer.body?.cancel();
  return answer.status;
}

const DELETE = { payload: { operation: "delete" } };

Deno.test("delete.gone: what is named is gone when the event is done, and what is not there is fine", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const manifests = [
    configMap(namespace, "a"),
    deployment(namespace, "d").replace("replicas: 1", "paused: true"),
  ];
  const made = await runEvent(executor, manifests);
  const run = await runEvent(executor, [
    ...manifests,
    configMap(namespace, "never"),
    configMap("no-such-namespace", "b"),
  ], DELETE);
  deepStrictEqual(changes(run), [
    "ConfigMap/a: deleted",
    "Deployment/d: deleted",
    "ConfigMap/never: unchanged",
    "ConfigMap/b: unchanged",
  ]);
  strictEqual(run.objects[0]?.uid, made.objects[0]?.uid);
  strictEqual(run.last.state, "completed");
  const root = `/api/v1/namespaces/${namespace}/configmaps/a`;
  strictEqual(await statusOf(kube, root), 404);
});

Deno.test("delete.order: custom objects are gone before their definition, and a second delete is fine", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const group = `${namespace}.example.com`;
  const manifests = [
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${namespace}}\n`,
  ];
  await runEvent(executor, manifests);
  const thing = `/apis/${group}/v1/namespaces/${namespace}/things/t`;
  const definition =
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`;
  const hold = (finalizers: readonly string[] | null) =>
    write(kube, thing, { method: "PATCH", body: { metadata: { finalizers } } });
  await hold(["example.com/hold"]); // as its operator would
  const said: string[] = [];
  let untouched = 0;
  const run = await runEvent(executor, manifests, {
    ...DELETE,
    async onStatus({ message }) {
      said.push(message);
      if (!message.startsWith('Waiting until Thing "t"')) return;
      const { metadata } = await read<
        { readonly metadata: { readonly deletionTimestamp?: string } }
      >(kube, definition);
      if (metadata.deletionTimestamp === undefined) untouched++;
      await hold(null);
    },
  });
  strictEqual(untouched, 1);
  const names = [`CustomResourceDefinition/things.${group}`, "Thing/t"];
  deepStrictEqual(changes(run), names.map((name) => `${name}: deleted`));
  strictEqual(
    said.filter((text) => text === "Deleted 1 of 2 objects").length,
    1,
  );
  const again = await runEvent(executor, manifests, DELETE);
  deepStrictEqual(changes(again), names.map((name) => `${name}: unchanged`));
});

Deno.test("delete.finalizer: an object that is held is waited for by name, and the event ends when it is let go", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const manifest = configMap(namespace, "held");
  await runEvent(executor, [manifest]);
  const path = `/api/v1/namespaces/${namespace}/configmaps/held`;
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: ["example.com/hold"] } },
  });
  const said: string[] = [];
  const run = runEvent(executor, [manifest], {
    ...DELETE,
    async onStatus({ message }) {
      said.push(message);
      if (!message.startsWith("Waiting")) return;
      await write(kube, path, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
    },
  });
  deepStrictEqual(changes(await run), ["ConfigMap/held: deleted"]);
  match(
    said.join("\n"),
    /^Waiting until ConfigMap "held" in namespace "\S+" is gone: it is held by the finalizers "example.com\/hold"$/m,
  );
});

Deno.test("delete.finalizer: one that is held until time is up ends as not_ready, and says by what", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_000 });
  const { executor, namespace, kube } = place;
  const manifest = configMap(namespace, "held");
  await runEvent(executor, [manifest]);
  const path = `/api/v1/namespaces/${namespace}/configmaps/held`;
  const hold = (finalizers: readonly string[] | null) =>
    write(kube, path, { method: "PATCH", body: { metadata: { finalizers } } });
  await hold(["example.com/hold"]);
  const { last, objects } = await runEvent(executor, [manifest], DELETE);
  await hold(null);
  strictEqual(last.error?.code, "not_ready");
  match(last.error.message, /held by the finalizers "example.com\/hold"/);
  strictEqual(objects[0]?.status, "failed");
});

Deno.test(
  "delete.namespace: one that does not go says by its conditions what holds it",
  CONTROLLERS,
  async () => {
    await using place = await openPlace({ phase_timeout_ms: 60_000 });
    const { executor, namespace, kube } = place;
    const name = `${namespace}-held`;
    const made = `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;
    await runEvent(executor, [made, configMap(name, "held")]);
    const path = `/api/v1/namespaces/${name}/configmaps/held`;
    const hold = (finalizers: readonly string[] | null) =>
      write(kube, path, {
        method: "PATCH",
        body: { metadata: { finalizers } },
      });
    await hold(["example.com/hold"]);
    let said = "";
    const { last } = await runEvent(executor, [made], {
      ...DELETE,
      async onStatus({ message }) {
        if (!message.includes("NamespaceFinalizersRemaining") || said) return;
        said = message;
        await hold(null);
      },
    });
    strictEqual(last.state, "completed", last.message);
    match(
      said,
      /^Waiting until Namespace ".+" is gone: .*NamespaceFinalizersRemaining: .*example\.com\/hold in 1 resource/,
    );
  },
);

Deno.test("delete.guard (F69): an object that took the name of the deleted one meanwhile stays", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const manifest = configMap(namespace, "again");
  await runEvent(executor, [manifest]);
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  await write(kube, `${maps}/again`, {
    method: "PATCH",
    body: { metadata: { finalizers: ["example.com/hold"] } },
  });
  let made = false;
  const run = await runEvent(executor, [manifest], {
    ...DELETE,
    async onStatus({ message }) {
      if (!message.startsWith("Waiting") || made) return;
      made = true;
      await write(kube, `${maps}/again`, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
      await until(async () => await statusOf(kube, `${maps}/again`) === 404);
      await write(kube, maps, {
        method: "POST",
        type: "application/json",
        body: { metadata: { name: "again" }, data: { new: "one" } },
      });
    },
  });
  deepStrictEqual(changes(run), ["ConfigMap/again: deleted"]);
  const left = await read<{ data: unknown }>(kube, `${maps}/again`);
  deepStrictEqual(left.data, { new: "one" });
});

Deno.test("delete.propagation: what the deleted object owns goes before it, after it, or stays", async () => {
  await using place = await openPlace();
  const { executor, namespace, kube } = place;
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  const deleteOwner = async (propagation: string) => {
    const owner = configMap(namespace, `owner-${propagation}`);
    const { objects } = await runEvent(executor, [owner]);
    const [{ name, uid } = { name: "", uid: "" }] = objects;
    const owned = `owned-${propagation}`;
    await write(kube, maps, {
      method: "POST",
      type: "application/json",
      body: {
        metadata: {
          name: owned,
          ownerReferences: [{
            apiVersion: "v1",
            kind: "ConfigMap",
            name,
            uid,
            blockOwnerDeletion: true,
          }],
        },
      },
    });
    const run = await runEvent(executor, [owner], {
      payload: { operation: "delete", propagation },
    });
    deepStrictEqual(changes(run), [`ConfigMap/${name}: deleted`]);
    return `${maps}/${owned}`;
  };
  strictEqual(await statusOf(kube, await deleteOwner("foreground")), 404);
  const orphan = await read<{ metadata: { ownerReferences?: unknown } }>(
    kube,
    await deleteOwner("orphan"),
  );
  strictEqual(orphan.metadata.ownerReferences, undefined);
  const later = await deleteOwner("background");
  await until(async () => await statusOf(kube, later) === 404);
});

Deno.test(
  "delete.propagation: the Pods of a Job go with it, which they do not by the API's own default",
  CONTROLLERS,
  async () => {
    await using place = await openPlace();
    const { executor, namespace, kube } = place;
    const pods = async () => {
      const path = `/api/v1/namespaces/${namespace}/pods`;
      return (await read<{ items: readonly unknown[] }>(kube, path)).items;
    };
    const job = `apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "local/none:1"}]
`;
    await runEvent(executor, [job], { payload: { wait: "none" } });
    await until(async () => (await pods()).length === 1);
    const run = await runEvent(executor, [job], DELETE);
    deepStrictEqual(changes(run), ["Job/j: deleted"], run.last.message);
    await until(async () => (await pods()).length === 0);
  },
);

Deno.test("delete.guard (F69): what cannot be meant is refused before anything is touched, by one sentence", async () => {
  await using place = await openPlace();
  const { executor, namespace } = place;
  const refused = async (
    payload: Readonly<Record<string, unknown>>,
    manifest = configMap(namespace, "a"),
  ) => {
    const { last } = await runEvent(executor, [manifest], { payload });
    return `${last.error?.code}: ${last.error?.message}`;
  };
  match(
    await refused({ operation: "remove" }),
    /one of "apply", "delete", .* is needed/,
  );
  match(
    await refused({ operation: "delete", propagation: "all" }),
    /one of "background", "foreground", "orphan" is needed/,
  );
  match(
    await refused({ propagation: "orphan" }),
    /"propagation" is only for the operation "delete"/,
  );
  match(
    await refused(
      { operation: "delete" },
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n",
    ),
    /^invalid_manifest: .*the operation "delete" needs a "metadata.name"$/,
  );
});

Deno.test("delete.precondition: a delete that is tried again does not take an object that was made anew", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using config = await proxied(proxy, kube);
  await using executor = await openPlugin(config.config);
  const manifest = configMap(namespace, "a");
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  await runEvent(executor, [manifest]);
  proxy.inject({
    method: "DELETE",
    fault: status(503, "shutting down", { reason: "ServiceUnavailable" }),
  });
  const { last, objects } = await runEvent(executor, [manifest], {
    ...DELETE,
    async onStatus({ message }) {
      if (!message.startsWith("Trying again to delete")) return;
      await write(kube, `${maps}/a`, { method: "DELETE" });
      await write(kube, maps, {
        method: "POST",
        type: "application/json",
        body: { metadata: { name: "a" }, data: { new: "one" } },
      });
    },
  });
  strictEqual(last.error?.code, "conflict");
  strictEqual(objects[0]?.status, "failed");
  const left = await read<{ data: unknown }>(kube, `${maps}/a`);
  deepStrictEqual(left.data, { new: "one" });
});

Deno.test("delete.cut: a delete whose answer was lost is told as done", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using config = await proxied(proxy, kube);
  await using executor = await openPlugin(config.config);
  const manifest = configMap(namespace, "a");
  await runEvent(executor, [manifest]);
  proxy.inject({ method: "DELETE", fault: "cut_after" });
  const run = await runEvent(executor, [manifest], DELETE);
  deepStrictEqual(changes(run), ["ConfigMap/a: deleted"]);
});
