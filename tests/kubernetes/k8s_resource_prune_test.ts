import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { KEP, type Live, maps, send } from "./apply_set.ts";
import { freshNamespace } from "./cluster.ts";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  read,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

/** The id that kubectl gives to the set of the Secret "web" in a namespace, as its own code has it. */
async function idOf(namespace: string, name = "web"): Promise<string> {
  const text = new TextEncoder().encode(`${name}.${namespace}.Secret.`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const text64 = hash.toBase64({ alphabet: "base64url", omitPadding: true });
  return `applyset-${text64}-v1`;
}

const parentPath = (namespace: string, name = "web") =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;

Deno.test("option apply_set: what the manifests leave out is deleted, and nothing else", async () => {
  await using place = await openPlace();
  const { namespace, kube, executor } = place;
  await runEvent(executor, [configMap(namespace, "other")]);
  const first = await send(
    place,
    ["a", "b", "c"].map((name) => configMap(namespace, name)),
  );
  strictEqual(first.last.state, "completed", first.last.message);
  deepStrictEqual(first.warnings, []);
  const run = await send(place, [configMap(namespace, "b")]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/b: unchanged",
    "ConfigMap/a: deleted",
    "ConfigMap/c: deleted",
  ]);
  deepStrictEqual(await maps(place), ["b", "other"]);
  const { metadata } = await read<Live>(kube, configMapPath(namespace, "b"));
  deepStrictEqual(metadata.labels, {
    [`${KEP}/part-of`]: await idOf(namespace),
  });
});

Deno.test("option apply_set: the parent is as KEP-3659 has it, widened before and narrowed after", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const account = `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n`;
  const role =
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\n`;
  await send(place, [account, configMap(namespace, "a")]);
  const parent = await read<Live>(kube, parentPath(namespace));
  deepStrictEqual(parent.metadata.labels, {
    [`${KEP}/id`]: await idOf(namespace),
  });
  const { annotations } = parent.metadata;
  match(annotations?.[`${KEP}/tooling`] ?? "", /^transporter\/v\d/);
  strictEqual(
    annotations?.[`${KEP}/contains-group-kinds`],
    "ConfigMap,ServiceAccount",
  );
  strictEqual(annotations?.[`${KEP}/additional-namespaces`], "");
  const run = await send(place, [role]);
  deepStrictEqual(changes(run), [
    "Role/a: created",
    "ConfigMap/a: deleted",
    "ServiceAccount/a: deleted",
  ]);
  const after = await read<Live>(kube, parentPath(namespace));
  strictEqual(
    after.metadata.annotations?.[`${KEP}/contains-group-kinds`],
    "Role.rbac.authorization.k8s.io",
  );
});

Deno.test("option apply_set: objects in other namespaces and without one are found again", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using other = await freshNamespace(kube);
  const role = `test-${namespace}`;
  const clusterRole =
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: ${role}}\n`;
  await send(place, [
    configMap(namespace, "a"),
    configMap(other.name, "a"),
    clusterRole,
  ]);
  const { metadata } = await read<Live>(kube, parentPath(namespace));
  strictEqual(
    metadata.annotations?.[`${KEP}/additional-namespaces`],
    other.name,
  );
  const run = await send(place, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), [
    "ConfigMap/a: unchanged",
    "ConfigMap/a: deleted",
    `ClusterRole/${role}: deleted`,
  ], "in the order opposite to an apply");
  deepStrictEqual(await maps({ ...place, namespace: other.name }), []);
});

Deno.test("option apply_set: nothing is pruned when an object failed", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await send(place, [configMap(namespace, "a")]);
  const run = await send(place, [
    configMap(namespace, "b"),
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\nspec: {}\n`,
  ]);
  strictEqual(run.last.error?.code, "invalid");
  deepStrictEqual(changes(run), [
    "ConfigMap/b: created",
    "Deployment/bad: failed",
  ]);
  deepStrictEqual(await maps(place), ["a", "b"]);
  const { metadata } = await read<Live>(kube, parentPath(namespace));
  strictEqual(
    metadata.annotations?.[`${KEP}/contains-group-kinds`],
    "ConfigMap,Deployment.apps",
    "what may have been applied stays in the account",
  );
});

Deno.test("option apply_set: nothing is pruned when an object was skipped, and the result says so", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await runEvent(executor, [configMap(namespace, "b")]);
  await send(place, [configMap(namespace, "a")]);
  const run = await send(place, [configMap(namespace, "b")], {
    create_only: true,
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), ["ConfigMap/b: skipped"]);
  match(
    run.warnings.join(),
    /Nothing of the ApplySet ".*\/web" was pruned: ConfigMap "b" is skipped/,
  );
  deepStrictEqual(await maps(place), ["a", "b"]);
});

Deno.test("option apply_set: a set without any object is refused, so that nothing empties it", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  await send(place, [configMap(namespace, "a")]);
  for (const manifests of [[], ["# nothing\n"], ["---\n"]]) {
    const run = await send(place, manifests);
    strictEqual(run.last.error?.code, "invalid_manifest");
    match(run.last.message, /no object in them/);
  }
  deepStrictEqual(await maps(place), ["a"]);
});

Deno.test("option prune_kinds: a Namespace, a definition, a volume or a claim goes only when its kind is named", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const group = `${namespace}.example.com`;
  const claim =
    `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a, finalizers: null}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n`;
  const volume =
    `apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: ${namespace}}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /none}}\n`;
  const inner =
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}-in}\n`;
  const rest = configMap(namespace, "a");
  const first = await send(place, [
    inner,
    thingDefinition(group),
    volume,
    claim,
    rest,
  ], { wait: "none" });
  strictEqual(first.last.state, "completed", first.last.message);
  const kept = await send(place, [rest], { wait: "none" });
  deepStrictEqual(changes(kept).slice(1).sort(), [
    `CustomResourceDefinition/things.${group}: skipped`,
    `Namespace/${namespace}-in: skipped`,
    `PersistentVolume/${namespace}: skipped`,
    "PersistentVolumeClaim/a: skipped",
  ]);
  match(kept.objects.at(-1)?.message ?? "", /stays, as "prune_kinds" does not/);
  const named = await send(place, [rest], {
    wait: "none",
    prune_kinds: [
      "Namespace",
      "CustomResourceDefinition",
      "PersistentVolume",
      "PersistentVolumeClaim",
    ],
  });
  strictEqual(named.last.state, "completed", named.last.message);
  deepStrictEqual(
    named.objects.slice(1).map(({ kind, status }) => `${kind}: ${status}`),
    [
      "PersistentVolumeClaim: deleted",
      "PersistentVolume: deleted",
      "CustomResourceDefinition: deleted",
      "Namespace: deleted",
    ],
  );
  const { metadata } = await read<Live>(kube, parentPath(namespace));
  strictEqual(
    metadata.annotations?.[`${KEP}/contains-group-kinds`],
    "ConfigMap",
  );
});

Deno.test("option apply_set: a retry of the same event goes on, an older event changes nothing", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const [a, b] = [configMap(namespace, "a"), configMap(namespace, "b")];
  await send(place, [a], {}, { id: "one", createdAt: "2026-11-23T05:00:00Z" });
  const two = { id: "two", createdAt: "2026-11-23T05:00:02Z" };
  await send(place, [b], {}, two);
  const again = await send(place, [b], {}, { ...two, attempt: 2 });
  deepStrictEqual(changes(again), ["ConfigMap/b: unchanged"]);
  const late = await send(place, [a], {}, { id: "one", attempt: 2 });
  strictEqual(late.last.error?.code, "conflict");
  match(late.last.message, /the later event "two" has begun/);
  deepStrictEqual(changes(late), ["ConfigMap/a: not_attempted"]);
  const unseen = await send(place, [a], {}, {
    id: "older, and failed before it was applied",
    createdAt: "2026-11-23T05:00:01Z",
    attempt: 2,
  });
  strictEqual(unseen.last.error?.code, "conflict");
  deepStrictEqual(await maps(place), ["b"]);
  const next = await send(place, [a], {}, {
    id: "three, by a producer whose clock is late",
    createdAt: "2026-11-23T04:00:00Z",
  });
  strictEqual(next.last.state, "completed", next.last.message);
  deepStrictEqual(await maps(place), ["a"]);
});

Deno.test("option apply_set: an account that is being deleted is refused before anything is applied", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await send(place, [configMap(namespace, "a")]);
  const path = parentPath(namespace);
  const hold = (finalizers: readonly string[] | null) =>
    write(kube, path, { method: "PATCH", body: { metadata: { finalizers } } });
  await hold(["example.com/hold"]);
  await write(kube, path, { method: "DELETE" });
  const run = await send(place, [configMap(namespace, "b")]);
  await hold(null);
  strictEqual(run.last.error?.code, "conflict", run.last.message);
  match(run.last.message, /as the ApplySet ".*\/web": it is being deleted$/);
  deepStrictEqual(changes(run), ["ConfigMap/b: not_attempted"]);
  deepStrictEqual(await maps(place), ["a"]);
});

Deno.test("option apply_set: a Secret that is another tool's, or none of an ApplySet, is refused before anything is applied", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const id = await idOf(namespace);
  const good = {
    labels: { [`${KEP}/id`]: id },
    annotations: {
      [`${KEP}/tooling`]: "transporter/v9.1.0",
      [`${KEP}/contains-group-kinds`]: "ConfigMap",
    },
  };
  const cases: readonly (readonly [object, RegExp])[] = [
    [{}, /does not keep account of one/],
    [{ annotations: good.annotations }, /does not keep account of one/],
    [{
      ...good,
      annotations: { [`${KEP}/tooling`]: "kubectl/v1.36" },
    }, /"kubectl\/v1\.36" looks after it/],
    [
      { ...good, labels: { [`${KEP}/id`]: await idOf("other") } },
      /its label .* is .*, not/,
    ],
    [{
      ...good,
      annotations: { [`${KEP}/tooling`]: "transporter/v1" },
    }, /no annotation .*contains-group-kinds/],
    [{
      ...good,
      annotations: { ...good.annotations, "transporter/apply-set-events": "{" },
    }, /cannot be read/],
  ];
  for (const [metadata, message] of cases) {
    const body = { metadata: { name: "web", ...metadata } };
    await write(kube, `/api/v1/namespaces/${namespace}/secrets`, {
      method: "POST",
      type: "application/json",
      body,
    });
    const before = await read(kube, parentPath(namespace));
    const run = await send(place, [configMap(namespace, "a")]);
    strictEqual(run.last.error?.code, "conflict", run.last.message);
    match(run.last.message, message);
    deepStrictEqual(changes(run), ["ConfigMap/a: not_attempted"]);
    deepStrictEqual(await maps(place), []);
    deepStrictEqual(await read(kube, parentPath(namespace)), before);
    await write(kube, parentPath(namespace), { method: "DELETE" });
  }
  await write(kube, `/api/v1/namespaces/${namespace}/secrets`, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "web", ...good } },
  });
  const run = await send(place, [configMap(namespace, "a")]);
  strictEqual(run.last.state, "completed", "of another version of ours");
});

Deno.test("option apply_set: what has generateName is in the set, too, and goes with the next event", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const run =
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: run-\n`;
  await send(place, [run, configMap(namespace, "a")], {}, { id: "first" });
  const [first = ""] = (await maps(place)).slice(-1);
  match(first, /^run-[0-9a-f]{12}$/);
  const next = await send(place, [run], {}, { id: "second" });
  strictEqual(next.last.state, "completed", next.last.message);
  const left = await maps(place);
  strictEqual(left.length, 1);
  ok(left[0] !== first, first);
});

Deno.test("option apply_set: events of a set run one after the other, whatever their objects are", async () => {
  await using place = await openPlace();
  const { executor, namespace } = place;
  await executor.schema["~standard"].validate({}); // keys are known once a payload was read
  const keys = (name: string, payload: object) =>
    executor.keys({ manifests: [configMap(namespace, name)], ...payload });
  const set = { apply_set: "web" };
  const shared = (a: readonly string[], b: readonly string[]) =>
    a.filter((key) => b.includes(key));
  const spelled = { apply_set: `${namespace}/web` };
  strictEqual(shared(keys("a", set), keys("b", spelled)).length, 1);
  const elsewhere = { apply_set: "web", namespace: "elsewhere" };
  deepStrictEqual(shared(keys("a", set), keys("b", elsewhere)), []);
  deepStrictEqual(shared(keys("a", {}), keys("b", set)), []);
  ok(executor.repeatable({ manifests: [], ...set }));
});

Deno.test("option apply_set: a check finds the members of the set in order, and deletes nothing", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const a = configMap(namespace, "a");
  await send(place, [a, configMap(namespace, "b")]);
  const run = await send(place, [a], { operation: "check" });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), ["ConfigMap/a: unchanged"]);
  deepStrictEqual(await maps(place), ["a", "b"]);
});

Deno.test("option apply_set: a dry run and a diff say what would be pruned, and write nothing", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const b = configMap(namespace, "b");
  const untouched = await send(place, [b], { dry_run: true });
  deepStrictEqual(changes(untouched), ["ConfigMap/b: created"]);
  await rejects(read(kube, parentPath(namespace)), /answered 404/);
  await send(place, [configMap(namespace, "a"), b]);
  const seen = async () => [
    await read(kube, parentPath(namespace)),
    await read(kube, configMapPath(namespace, "a")),
    await read(kube, configMapPath(namespace, "b")),
  ];
  const before = await seen();
  for (const payload of [{ dry_run: true }, { operation: "diff" }]) {
    const run = await send(place, [b], payload);
    strictEqual(run.last.state, "completed", run.last.message);
    deepStrictEqual(changes(run), [
      "ConfigMap/b: unchanged",
      "ConfigMap/a: deleted",
    ]);
    match(run.objects[1]?.message ?? "", /^ConfigMap "a" .* would be deleted$/);
    deepStrictEqual(await seen(), before);
  }
  const group = `${namespace}.example.com`;
  const declared = await send(place, [
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n`,
  ], { dry_run: true });
  deepStrictEqual(
    declared.objects.map(({ status }) => status),
    ["created", "unverifiable", "deleted", "deleted"],
    "what cannot be tried yet hides nothing",
  );
  deepStrictEqual(await seen(), before);
});
