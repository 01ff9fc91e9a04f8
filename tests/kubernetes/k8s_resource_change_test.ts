import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  openPlugin,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: {
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function maps(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

Deno.test("apply.unchanged (F67): an apply that changes nothing says so, whoever else wrote, and at once or later", async (t) => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const job = `apiVersion: batch/v1
kind: Job
metadata: {name: j, namespace: ${namespace}, labels: {a: b}}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: local/none:1, resources: {limits: {cpu: 1000m, memory: 1024Mi}}}]
`;
  const all = [
    configMap(namespace, "a"),
    job,
    deployment(namespace, "d").replace("replicas: 1", "paused: true"),
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: bare, namespace: ${namespace}}\n`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ${namespace}}\nstringData: {k: v}\n`,
  ];
  const every = (change: string) =>
    ["ConfigMap/a", "Job/j", "Deployment/d", "ServiceAccount/bare", "Secret/s"]
      .map((name) => `${name}: ${change}`);

  await t.step("created", async () => {
    deepStrictEqual(changes(await runEvent(executor, all)), every("created"));
  });
  await t.step("at once again", async () => {
    deepStrictEqual(changes(await runEvent(executor, all)), every("unchanged"));
  });
  // A new executor remembers no applies: only the server's answers tell it.
  await using other = await openPlugin({
    kubeconfig: kube.kubeconfig,
    namespace,
  });
  await t.step("by another attempt after a crash", async () => {
    deepStrictEqual(
      changes(await runEvent(other, all, { attempt: 2 })),
      every("unchanged"),
    );
  });
  await t.step("by an agent that knows nothing, seconds later", async () => {
    await using third = await openPlugin({
      kubeconfig: kube.kubeconfig,
      namespace,
    });
    await waitForServerClock(3);
    deepStrictEqual(changes(await runEvent(third, all)), every("unchanged"));
  });
  await t.step("although a controller wrote the status", async () => {
    await write(
      kube,
      `/apis/batch/v1/namespaces/${namespace}/jobs/j?fieldManager=controller`,
      {
        method: "PATCH",
        body: { metadata: { annotations: { seen: "1" } } },
      },
    );
    deepStrictEqual(changes(await runEvent(executor, all)), every("unchanged"));
  });
  await t.step("a label is added, changed and removed", async () => {
    const labelled = (label: string) =>
      configMap(namespace, "a").replace(
        "  name: a",
        `  name: a\n  labels: {${label}}`,
      );
    for (const label of ["x: '1'", "x: '2'", ""]) {
      const run = await runEvent(executor, [labelled(label)]);
      deepStrictEqual(changes(run), ["ConfigMap/a: configured"], label);
    }
    const live = await read<Live>(kube, `${maps(namespace)}/a`);
    strictEqual(live.metadata.labels, undefined);
  });
  await t.step("what somebody removed is put back", async () => {
    await write(kube, `${maps(namespace)}/a`, {
      method: "PATCH",
      body: { data: null },
    });
    const run = await runEvent(executor, [configMap(namespace, "a")]);
    deepStrictEqual(changes(run), ["ConfigMap/a: configured"]);
  });

  /** The server's clock has whole seconds; the answer of an earlier one must be told apart. */
  async function waitForServerClock(seconds: number): Promise<void> {
    const now = async () => {
      const response = await kube.fetch("/version");
      await response.body?.cancel();
      return Date.parse(response.headers.get("date") ?? "");
    };
    const from = await now();
    await until(async () => await now() - from > seconds * 1000);
  }
});

Deno.test("an object that is being deleted is waited for, and made anew", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const path = `${maps(namespace)}/old`;
  await runEvent(executor, [configMap(namespace, "old")]);
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: ["example.com/hold"] } },
  });
  await write(kube, path, { method: "DELETE" });
  const { metadata } = await read<Live>(kube, path);

  await using other = await openPlugin({ kubeconfig: kube.kubeconfig });
  for (const each of [executor, other]) {
    const waited: string[] = [];
    const run = await runEvent(each, [configMap(namespace, "old")], {
      async onStatus({ message }) {
        if (!message.startsWith("Waiting")) return;
        waited.push(message);
        await write(kube, path, {
          method: "PATCH",
          body: { metadata: { finalizers: null } },
        });
      },
    });
    deepStrictEqual(changes(run), ["ConfigMap/old: created"], run.last.message);
    deepStrictEqual(waited, [
      `Waiting to apply ConfigMap "old" in namespace "${namespace}": it is being deleted, and held by the finalizers "example.com/hold"`,
    ]);
    notStrictEqual((await read<Live>(kube, path)).metadata.uid, metadata.uid);
    await write(kube, path, {
      method: "PATCH",
      body: { metadata: { finalizers: ["example.com/hold"] } },
    });
    await write(kube, path, { method: "DELETE" });
  }
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("an object that does not go away ends the event, naming what holds it", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const path = `${maps(namespace)}/stuck`;
  await runEvent(executor, [configMap(namespace, "stuck")]);
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: ["example.com/hold"] } },
  });
  await write(kube, path, { method: "DELETE" });
  await using hasty = await openPlugin({
    kubeconfig: kube.kubeconfig,
    phase_timeout_ms: 500,
  });
  const run = await runEvent(hasty, [configMap(namespace, "stuck")]);
  strictEqual(run.last.error?.code, "not_ready");
  match(run.last.message, /held by the finalizers "example.com\/hold"/);
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("an object that is being deleted: a check, a diff and a patch say so", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const held = configMap(namespace, "held").replace(
    "metadata:",
    "metadata:\n  finalizers: [example.com/hold]",
  );
  await runEvent(executor, [held]);
  const path = `${maps(namespace)}/held`;
  await write(kube, path, { method: "DELETE" });
  const what =
    `ConfigMap "held" in namespace "${namespace}": it is being deleted`;
  const warningsOf = async (payload: Readonly<Record<string, unknown>>) =>
    (await runEvent(executor, [held], { payload })).warnings;
  const patch = { metadata: { labels: { a: "b" } } };
  const said = {
    check: await warningsOf({ operation: "check" }),
    diff: await warningsOf({ operation: "diff" }),
    patch: await warningsOf({ operation: "patch", patch }),
  };
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
  deepStrictEqual(said, {
    check: [what],
    diff: [`${what}; an apply would wait until it is gone, and make it anew`],
    patch: [what],
  });
});
