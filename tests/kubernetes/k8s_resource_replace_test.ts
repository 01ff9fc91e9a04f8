import {
  deepStrictEqual,
  doesNotMatch,
  match,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  changes,
  configMapPath,
  openPlace,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: {
    readonly uid: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

const immutable = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: true\ndata: {k: ${value}}\n`;

const REPLACE = { payload: { replace_immutable: true, wait: "none" } };

Deno.test("option replace_immutable: what cannot change is deleted by its uid and made anew", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [immutable("old")]);
  const before = await read<Live>(kube, path);
  const refused = await runEvent(executor, [immutable("new")]);
  strictEqual(refused.last.error?.code, "immutable");
  deepStrictEqual(await read<Live>(kube, path), before);

  const tried = await runEvent(executor, [immutable("new")], {
    payload: { replace_immutable: true, dry_run: true },
  });
  match(tried.objects[0]?.message ?? "", /would be deleted and made anew/);
  deepStrictEqual(await read<Live>(kube, path), before);

  const run = await runEvent(executor, [immutable("new")], REPLACE);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
  match(run.warnings.join(), /was deleted and made anew/);
  const after = await read<Live>(kube, path);
  deepStrictEqual(after.data, { k: "new" });
  notStrictEqual(after.metadata.uid, before.metadata.uid);
});

Deno.test("option replace_immutable: an old object that does not go away is said to be on its way out", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const held = (data: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "held", finalizers: ["example.com/held"] },
    immutable: true,
    data: { a: data },
  });
  await runEvent(executor, [held("b")]);
  const run = await runEvent(executor, [held("c")], {
    payload: { replace_immutable: true, timeout: "2s" },
  });
  await write(kube, configMapPath(namespace, "held"), {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
  strictEqual(run.last.error?.code, "not_ready");
  match(
    run.last.message,
    /held by .*; it was deleted for a new one, which is not made yet$/,
  );
});

Deno.test("option replace_immutable: a bare Pod of which a field cannot change is made anew", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = `/api/v1/namespaces/${namespace}/pods/a`;
  const pod = (containers: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {automountServiceAccountToken: false, containers: [${containers}]}\n`;
  const one = '{name: c, image: "local/none:1", args: [one]}';
  await runEvent(executor, [pod(one)], { payload: { wait: "none" } });
  // Another argument, and another container, of which the server has words of their own.
  const changes = [
    one.replace("[one]", "[two]"),
    `${one}, {name: d, image: "local/none:1"}`,
  ];
  for (const change of changes) {
    const before = await read<Live>(kube, path);
    const refused = await runEvent(executor, [pod(change)]);
    strictEqual(refused.last.error?.code, "immutable", refused.last.message);
    match(refused.last.message, /set "replace_immutable"/);
    const run = await runEvent(executor, [pod(change)], REPLACE);
    strictEqual(run.last.state, "completed", run.last.message);
    const after = await read<Live>(kube, path);
    notStrictEqual(after.metadata.uid, before.metadata.uid);
  }
});

/** Kinds that stay, with a field that cannot change as `%`, and two values of it. */
const KEPT: Readonly<
  Record<
    string,
    readonly [plural: string, spec: string, from: string, to: string]
  >
> = {
  PersistentVolumeClaim: [
    "persistentvolumeclaims",
    "{accessModes: [%], resources: {requests: {storage: 1Gi}}}",
    "ReadWriteOnce",
    "ReadWriteMany",
  ],
  PersistentVolume: [
    "persistentvolumes",
    "{accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: %}}",
    "/a",
    "/b",
  ],
  Service: [
    "services",
    "{type: LoadBalancer, clusterIP: %, ports: [{port: 80}]}",
    '""',
    "10.0.0.77",
  ],
};

for (const [kind, [plural, spec, from, to]] of Object.entries(KEPT)) {
  Deno.test(`option replace_immutable: what would take more with it is kept: ${kind}`, async () => {
    await using place = await openPlace();
    const { namespace, executor, kube } = place;
    const name = `a-${namespace}`;
    const manifest = (value: string) =>
      `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${
        spec.replace("%", value)
      }\n`;
    const at = kind === "PersistentVolume" ? "" : `/namespaces/${namespace}`;
    const path = `/api/v1${at}/${plural}/${name}`;
    await runEvent(executor, [manifest(from)], REPLACE);
    const { metadata } = await read<Live>(kube, path);
    const run = await runEvent(executor, [manifest(to)], REPLACE);
    strictEqual(run.last.error?.code, "immutable", run.last.message);
    match(run.last.message, /; "replace_immutable" does not delete a /);
    const without = await runEvent(executor, [manifest(to)]);
    strictEqual(without.last.error?.code, "immutable", without.last.message);
    doesNotMatch(without.last.message, /replace_immutable/);
    strictEqual((await read<Live>(kube, path)).metadata.uid, metadata.uid);
    await write(kube, path, { method: "DELETE" });
  });
}

Deno.test("option replace_immutable: the Pods of a StatefulSet stay, and the new one has them", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const set = (service: string) =>
    `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: ${service}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: none}]}
`;
  const setPath = `/apis/apps/v1/namespaces/${namespace}/statefulsets/db`;
  const podPath = `/api/v1/namespaces/${namespace}/pods/db-0`;
  await runEvent(executor, [set("one")], REPLACE);
  await until(async () => {
    const response = await kube.fetch(podPath);
    await response.body?.cancel();
    return response.ok;
  });
  const before = await read<Live>(kube, podPath);
  const refused = await runEvent(executor, [set("two")]);
  match(
    refused.last.message,
    /; keep what is there, or set "replace_immutable" to have the object deleted and made anew$/,
  );
  const run = await runEvent(executor, [set("two")], REPLACE);
  deepStrictEqual(changes(run), ["StatefulSet/db: created"]);
  const { metadata } = await read<Live>(kube, setPath);
  await until(async () => {
    const { metadata: { ownerReferences = [] } } = await read<Live>(
      kube,
      podPath,
    );
    return ownerReferences.some(({ uid }) => uid === metadata.uid);
  });
  strictEqual(
    (await read<Live>(kube, podPath)).metadata.uid,
    before.metadata.uid,
  );
});

Deno.test("option replace_immutable: such an event is not repeated by itself", async () => {
  await using place = await openPlace();
  const manifests = [immutable("a")];
  ok(place.executor.repeatable({ manifests }));
  strictEqual(
    place.executor.repeatable({ manifests, replace_immutable: true }),
    false,
  );
});
