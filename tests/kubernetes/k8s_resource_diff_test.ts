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

const DIFF = { payload: { operation: "diff" } };
const CHECK = { payload: { operation: "check" } };

Deno.test("operation diff: says field by field what an apply would change, and writes nothing", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "a", "k: v\n  gone: x")]);
  const before = await read(kube, configMapPath(namespace, "a"));
  const run = await runEvent(executor, [
    configMap(namespace, "a", "k: w"),
    configMap(namespace, "b", "k: v"),
  ], DIFF);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/a: configured",
    "ConfigMap/b: created",
  ]);
  deepStrictEqual(run.objects[0]?.changes, [
    { path: ".data.gone", before: "x" },
    { path: ".data.k", before: "v", after: "w" },
  ]);
  ok(
    run.objects[1]?.changes?.some(({ path }) => path === ".data"),
    JSON.stringify(run.objects[1]),
  );
  deepStrictEqual(await read(kube, configMapPath(namespace, "a")), before);
});

Deno.test("operation diff: what the server adds by itself is no difference", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const web = deployment(namespace, "web");
  await runEvent(executor, [web], { payload: { wait: "none" } });
  const run = await runEvent(executor, [web], DIFF);
  deepStrictEqual(
    changes(run),
    ["Deployment/web: unchanged"],
    JSON.stringify(run.objects),
  );
  strictEqual(run.objects[0]?.changes, undefined);
});

Deno.test("operation diff: the values of Secrets are HMACs, equal for equal values and never the value", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const secret = (data: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ${namespace}}\nstringData: {${data}}\n`;
  await runEvent(executor, [secret("a: hunter2, b: hunter2")]);
  const run = await runEvent(executor, [
    secret("a: hunter3, b: hunter3"),
  ], DIFF);
  const [first, second] = run.objects[0]?.changes ?? [];
  match(String(first?.before), /^hmac:[0-9a-f]{12}$/);
  strictEqual(first?.before, second?.before);
  strictEqual(first?.after, second?.after);
  ok(first?.before !== first?.after);
  const added = await runEvent(executor, [
    secret("a: hunter2").replace("name: s", "name: t"),
  ], DIFF);
  const shown = JSON.stringify([run.statuses, added.statuses]);
  for (const value of ["hunter2", "hunter3"]) {
    ok(!shown.includes(value) && !shown.includes(btoa(value)), shown);
  }
});

Deno.test("operation diff: what kubectl has noted of a Secret is an HMAC, too", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const noted = "kubectl.kubernetes.io/last-applied-configuration";
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  await write(kube, path, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: {
        name: "s",
        annotations: { [noted]: '{"stringData":{"a":"hunter2"}}' },
      },
      stringData: { a: "hunter2" },
    },
  });
  const patch = { metadata: { annotations: { [noted]: "hunter3" } } };
  const secret =
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ${namespace}}\n`;
  const applied = secret.replace(
    "{name: s,",
    `{name: s, annotations: {${noted}: hunter3},`,
  );
  const runs = [
    await runEvent(executor, [applied], DIFF),
    await runEvent(executor, [secret], {
      payload: { operation: "get", fields: ["{.metadata.annotations}", "$"] },
    }),
    await runEvent(executor, [secret], {
      payload: { operation: "patch", patch },
    }),
  ];
  const shown = JSON.stringify(runs.map(({ statuses }) => statuses));
  match(shown, /hmac:[0-9a-f]{12}/);
  for (const value of ["hunter2", "hunter3"]) {
    ok(!shown.includes(value) && !shown.includes(btoa(value)), shown);
  }
});

Deno.test("operation diff: a field of another manager is shown, and the conflict warned of", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await write(kube, `${configMapPath(namespace, "a")}?fieldManager=ci`, {
    method: "PATCH",
    type: "application/apply-patch+yaml",
    body: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a" },
      data: { k: "ci" },
    },
  });
  const run = await runEvent(executor, [
    configMap(namespace, "a", "k: v"),
  ], DIFF);
  deepStrictEqual(run.objects[0]?.changes, [
    { path: ".data.k", before: "ci", after: "v" },
  ]);
  match(run.warnings.join(), /"ci" owns \.data\.k/);
});

Deno.test("operation diff: what fails for one object does not keep the others from being compared", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const run = await runEvent(executor, [
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad, namespace: ${namespace}}\nnope: {}\n`,
    configMap(namespace, "a"),
  ], DIFF);
  strictEqual(run.last.error?.code, "invalid");
  deepStrictEqual(changes(run), [
    "ConfigMap/bad: failed",
    "ConfigMap/a: created",
  ]);
});

Deno.test("operations diff and check: a namespace that is going away is not waited for", async () => {
  await using place = await openPlace();
  const { executor, kube } = place;
  const namespace = `${place.namespace}-going`;
  await write(kube, "/api/v1/namespaces", {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: namespace } },
  });
  const holding = { name: "held", finalizers: ["example.com/held"] };
  await write(kube, `/api/v1/namespaces/${namespace}/configmaps`, {
    method: "POST",
    type: "application/json",
    body: { metadata: holding },
  });
  await write(kube, `/api/v1/namespaces/${namespace}`, { method: "DELETE" });
  try {
    for (const operation of ["diff", "check"]) {
      const run = await runEvent(executor, [configMap(namespace, "new")], {
        payload: { operation, timeout: "5s" },
      });
      strictEqual(run.last.error?.code, "conflict");
      match(run.last.message, /because it is being terminated$/);
      const messages = run.statuses.map(({ message }) => message);
      deepStrictEqual(messages.filter((each) => /^Trying/.test(each)), []);
    }
  } finally {
    await write(kube, configMapPath(namespace, "held"), {
      method: "PATCH",
      body: { metadata: { finalizers: null } },
    });
  }
});

Deno.test("operation check: tells what has drifted or is missing, whoever changed it, and writes nothing", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const group = `${namespace}.example.com`;
  await runEvent(executor, [
    configMap(namespace, "a", "k: v"),
    configMap(namespace, "b", "k: v"),
  ]);
  await write(
    kube,
    `${configMapPath(namespace, "a")}?fieldManager=kubectl-edit`,
    {
      method: "PATCH",
      body: { data: { k: "changed", more: "others may add" } },
    },
  );
  const before = await read(kube, configMapPath(namespace, "a"));
  const run = await runEvent(executor, [
    configMap(namespace, "a", "k: v"),
    configMap(namespace, "b", "k: v"),
    configMap(namespace, "c", "k: v"),
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a, namespace: ${namespace}}\n`,
  ], CHECK);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects.map(({ status }) => status), [
    "drifted",
    "unchanged",
    "missing",
    "missing",
    "missing",
  ]);
  deepStrictEqual(run.objects[0]?.changes, [
    { path: ".data.k", before: "changed", after: "v" },
  ]);
  deepStrictEqual(await read(kube, configMapPath(namespace, "a")), before);
});

Deno.test("operation check: a field that differs and cannot change is a drift, and named", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const sealed = (data: string) =>
    `${configMap(namespace, "a", data)}immutable: true\n`;
  await runEvent(executor, [sealed("k: v")]);
  const run = await runEvent(executor, [sealed("k: w")], CHECK);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), ["ConfigMap/a: drifted"]);
  match(run.warnings.join(), /^Cannot apply ConfigMap "a" .*is immutable/);
});

Deno.test("operations diff and check touch nothing, so they wait for no other event", async () => {
  await using place = await openPlace();
  const manifests = [configMap(place.namespace, "a")];
  await place.executor.schema["~standard"].validate({}); // keys are known once a payload was read
  strictEqual(place.executor.keys({ manifests }).length, 1);
  for (const operation of ["diff", "check"]) {
    deepStrictEqual(place.executor.keys({ manifests, operation }), []);
  }
});
