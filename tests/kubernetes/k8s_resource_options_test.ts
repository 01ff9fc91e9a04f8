import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  openPlace,
  read,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: {
    readonly uid: string;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
    }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

Deno.test("option dry_run: says what would happen, and writes nothing", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "old", "a: b")]);
  const before = await read<Live>(kube, configMapPath(namespace, "old"));
  const run = await runEvent(executor, [
    configMap(namespace, "old", "a: c"),
    configMap(namespace, "new"),
    deployment(namespace, "web"),
  ], { payload: { dry_run: true } });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/old: configured",
    "ConfigMap/new: created",
    "Deployment/web: created",
  ]);
  match(run.objects[0]?.message ?? "", / would be configured$/);
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.a"]);
  deepStrictEqual(
    await read<Live>(kube, configMapPath(namespace, "old")),
    before,
  );
  const answer = await kube.fetch(configMapPath(namespace, "new"));
  await answer.body?.cancel();
  strictEqual(answer.status, 404);
});

Deno.test("option dry_run: what needs a namespace or kind of the same event is unverifiable", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const run = await runEvent(executor, [
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}-b}\n`,
    configMap(`${namespace}-b`, "inside"),
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\n`,
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-, namespace: ${namespace}-b}\n`,
  ], { payload: { dry_run: true } });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects.map(({ status }) => status), [
    "created",
    "unverifiable",
    "created",
    "unverifiable",
    "unverifiable",
  ]);
});

Deno.test("option dry_run with delete: tells what would go, and leaves it", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "a")]);
  const run = await runEvent(executor, [configMap(namespace, "a")], {
    payload: { operation: "delete", dry_run: true },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(run.objects[0]?.message ?? "", /would be deleted$/);
  await read(kube, configMapPath(namespace, "a"));
});

Deno.test("option force_conflicts: takes what another manager owns; without it a conflict names it", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await write(
    kube,
    `${configMapPath(namespace, "a")}?fieldManager=ci&force=true`,
    {
      method: "PATCH",
      type: "application/apply-patch+yaml",
      body: JSON.parse(
        `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"ci"}}`,
      ),
    },
  );
  const manifests = [configMap(namespace, "a", "a: ours")];
  const refused = await runEvent(executor, manifests);
  strictEqual(refused.last.error?.code, "conflict");
  match(refused.last.message, /"ci" owns \.data\.a; /);
  const taken = await runEvent(executor, manifests, {
    payload: { force_conflicts: true },
  });
  deepStrictEqual(changes(taken), ["ConfigMap/a: configured"]);
  deepStrictEqual(
    (await read<Live>(kube, configMapPath(namespace, "a"))).data,
    {
      a: "ours",
    },
  );
});

Deno.test("option field_manager: whose the fields are; the manager's own older fields go", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const payload = { field_manager: "team-a" };
  await runEvent(executor, [configMap(namespace, "a", "b: c\n  z: d")], {
    payload,
  });
  const run = await runEvent(executor, [configMap(namespace, "a", "b: c")], {
    payload,
  });
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"]);
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.z"]);
  const { data, metadata } = await read<Live>(
    kube,
    configMapPath(namespace, "a"),
  );
  deepStrictEqual(data, { b: "c" });
  deepStrictEqual(
    metadata.managedFields.map(({ manager, operation }) => [
      manager,
      operation,
    ]),
    [["team-a", "Apply"]],
  );
  const again = await runEvent(executor, [configMap(namespace, "a", "b: c")], {
    payload,
  });
  deepStrictEqual(changes(again), ["ConfigMap/a: unchanged"]);
});

Deno.test("option field_validation: of an object that is created by POST, an unknown field is refused, warned of, or dropped", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const unknown =
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-, namespace: ${namespace}}\ndat: {}\n`;
  const strict = await runEvent(executor, [unknown]);
  strictEqual(strict.last.error?.code, "invalid");
  match(strict.last.message, /unknown field "dat"/);
  const warned = await runEvent(executor, [unknown], {
    payload: { field_validation: "Warn" },
  });
  strictEqual(warned.last.state, "completed", warned.last.message);
  match(warned.warnings.join(), /unknown field "dat"/);
  const dropped = await runEvent(executor, [unknown], {
    payload: { field_validation: "Ignore" },
  });
  strictEqual(dropped.last.state, "completed", dropped.last.message);
  deepStrictEqual(dropped.warnings, []);
});

Deno.test("option field_validation: server-side apply refuses an unknown field whatever is asked for", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const unknown =
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ${namespace}}\ndat: {}\n`;
  for (const validation of ["Strict", "Warn", "Ignore"]) {
    const run = await runEvent(executor, [unknown], {
      payload: { field_validation: validation },
    });
    strictEqual(run.last.error?.code, "invalid", validation);
    match(run.last.message, /field not declared in schema/);
  }
});

Deno.test("option create_only: what is there is left as it is", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "a", "a: old")]);
  const run = await runEvent(executor, [
    configMap(namespace, "a", "a: new"),
    configMap(namespace, "b"),
  ], { payload: { create_only: true } });
  deepStrictEqual(changes(run), [
    "ConfigMap/a: skipped",
    "ConfigMap/b: created",
  ]);
  deepStrictEqual(
    (await read<Live>(kube, configMapPath(namespace, "a"))).data,
    {
      a: "old",
    },
  );
});

Deno.test("option namespace: where objects go that name none", async () => {
  await using place = await openPlace({ namespace: "default" });
  const { namespace, executor, kube } = place;
  const nameless = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  const run = await runEvent(executor, [nameless], { payload: { namespace } });
  strictEqual(run.objects[0]?.namespace, namespace);
  await read(kube, configMapPath(namespace, "a"));
  deepStrictEqual(
    executor.keys({ manifests: [nameless], namespace }),
    executor.keys({ manifests: [configMap(namespace, "a")] }),
  );
});

Deno.test("options wait and timeout: how long an event waits, and for what", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const late = await runEvent(executor, [deployment(namespace, "a")], {
    payload: { timeout: "2s" }, // the API server has to say how it is before that
  });
  strictEqual(late.last.error?.code, "not_ready");
  for (const wait of ["applied", "none"]) {
    const run = await runEvent(executor, [deployment(namespace, wait)], {
      payload: { wait },
    });
    strictEqual(run.last.state, "completed", run.last.message);
  }
});

Deno.test("option wait with delete: `none` ends when the server has taken it", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const held = configMap(namespace, "a").replace(
    "metadata:",
    "metadata:\n  finalizers: [example.com/held]",
  );
  await runEvent(executor, [held]);
  const run = await runEvent(executor, [held], {
    payload: { operation: "delete", wait: "none" },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(run.objects[0]?.message ?? "", /is being deleted$/);
  ok((await read<Live>(kube, configMapPath(namespace, "a"))).metadata.uid);
  await write(kube, configMapPath(namespace, "a"), {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("status in a manifest is warned of where the server drops it, and nowhere else", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const web = deployment(namespace, "web");
  const run = await runEvent(executor, [`${web}status: {replicas: 3}\n`], {
    payload: { wait: "none" },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(
    run.warnings.join(),
    /Deployment "web" .*: its "status" is not applied/,
  );
  const none = await runEvent(executor, [`${web}status: {}\n`], {
    payload: { wait: "none" },
  });
  deepStrictEqual(none.warnings, []);

  // Its definition has no subresource, so that the status is like any field.
  const group = `${namespace}.example.com`;
  await runEvent(executor, [thingDefinition(group)]);
  const thing = await runEvent(executor, [
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\nstatus: {a: b}\n`,
  ], { payload: { wait: "none" } });
  strictEqual(thing.last.state, "completed", thing.last.message);
  deepStrictEqual(thing.warnings, []);
  await runEvent(executor, [thingDefinition(group)], {
    payload: { operation: "delete" },
  });
});
