import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { FaultProxy, status } from "../fault_proxy.ts";
import {
  configMap,
  configMapPath,
  openPlace,
  openPlugin,
  proxied,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

const MAP =
  "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: run-}\ndata: {a: b}\n";

Deno.test("apply.generateName (F65): an event makes each object once, and another event makes others", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const job = `apiVersion: batch/v1
kind: Job
metadata:
  generateName: run-
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "local/none:1"}]
`;
  const manifests = [MAP, MAP, job, configMap(namespace, "named")];
  const run = (id: string) => runEvent(executor, manifests, { id });
  const names = async () => {
    const { items } = await read<
      { readonly items: { readonly metadata: { readonly name: string } }[] }
    >(kube, `/api/v1/namespaces/${namespace}/configmaps`);
    return items.map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith("run-"));
  };
  const first = await run("first");
  strictEqual(first.last.state, "completed", first.last.message);
  deepStrictEqual(first.objects.map(({ status }) => status), [
    "created",
    "created",
    "created",
    "created",
  ]);
  deepStrictEqual(
    await names(),
    first.objects.slice(0, 2).map(({ name }) => name).toSorted(),
  );

  const again = await run("first");
  strictEqual(again.last.state, "completed", again.last.message);
  const lives = (objects: typeof again.objects) =>
    objects.map(({ kind, name, uid }) => ({ kind, name, uid }));
  deepStrictEqual(lives(again.objects), lives(first.objects));
  deepStrictEqual(again.objects.map(({ status }) => status), [
    "unchanged",
    "unchanged",
    "unchanged",
    "unchanged",
  ]);

  const other = await run("other");
  deepStrictEqual(other.objects.map(({ status }) => status), [
    "created",
    "created",
    "created",
    "unchanged",
  ]);
  strictEqual((await names()).length, 4);
  deepStrictEqual(executor.keys({ manifests }), [
    `/ConfigMap/${namespace}/named`,
  ]);
});

Deno.test("generateName: what the server refuses is said", async () => {
  await using cluster = await openPlace();
  const run = await runEvent(cluster.executor, [
    MAP.replace("\ndata", "\ndota"),
  ]);
  strictEqual(run.last.error?.code, "invalid");
  match(
    run.last.message,
    /^Cannot apply ConfigMap "run-[0-9a-f]{12}" .*unknown field "dota"/,
  );
  deepStrictEqual(run.objects.map(({ status }) => status), ["failed"]);
});

Deno.test("generateName: an answer that is lost makes no second object, and is called created", async () => {
  await using cluster = await openPlace();
  const { kube, namespace } = cluster;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(through.config);
  proxy.inject({ method: "POST", fault: "cut_after" });
  const run = await runEvent(executor, [MAP]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects.map(({ status }) => status), ["created"]);
  deepStrictEqual(proxy.seen.slice(2).map(({ method }) => method), [
    "POST",
    "POST",
    "GET",
  ]);
});

Deno.test("generateName: a conflict that is not about the name is tried again", async () => {
  await using cluster = await openPlace();
  const { kube, namespace } = cluster;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(through.config);
  const fault = status(409, "Operation cannot be fulfilled on quotas", {
    reason: "Conflict",
  });
  proxy.inject({ method: "POST", fault });
  const run = await runEvent(executor, [MAP]);
  deepStrictEqual(run.objects.map(({ status }) => status), ["created"]);
  deepStrictEqual(proxy.seen.slice(2).map(({ method }) => method), [
    "POST",
    "POST",
  ]);
});

Deno.test("generateName: an object that is being deleted when its event runs again is waited for, and made anew", async () => {
  await using cluster = await openPlace();
  const { kube, executor } = cluster;
  const held = MAP.replace(
    "metadata: {",
    "metadata: {finalizers: [example.com/hold], ",
  );
  const id = crypto.randomUUID();
  const { objects } = await runEvent(executor, [held], { id });
  const [{ name = "", namespace = "", uid = "" } = {}] = objects;
  const path = configMapPath(namespace, name);
  await write(kube, path, { method: "DELETE" });
  const hold = (finalizers: readonly string[] | null) =>
    write(kube, path, { method: "PATCH", body: { metadata: { finalizers } } });
  const again = await runEvent(executor, [held], {
    id,
    async onStatus({ message }) {
      if (message.startsWith("Waiting to apply")) await hold(null);
    },
  });
  strictEqual(again.last.state, "completed", again.last.message);
  strictEqual(again.objects[0]?.name, name);
  ok(again.objects[0]?.uid !== uid, "another object");
  await hold(null);
});
