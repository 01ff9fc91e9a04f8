import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  openPlugin,
  read,
  runEvent,
  thingDefinition,
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

Deno.test("yaml.multidoc (F60): every document of every manifest is applied and reported, in their order", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const run = await runEvent(executor, [
    `---\n${configMap(namespace, "a")}---\n# nothing\n---\n${
      configMap(namespace, "b", "t: |\n    x\n    ---\n    y")
    }`,
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c" },
      data: { a: "b" },
    },
    configMap(namespace, "d").replaceAll("\n", "\r\n"),
    `\ufeff%YAML 1.2\n---\n${configMap(namespace, "e")}...\n`,
    `apiVersion: v1\nkind: List\nitems:\n- ${
      configMap(namespace, "f").replaceAll("\n", "\n  ")
    }`,
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(
    changes(run),
    ["a", "b", "c", "d", "e", "f"].map((name) => `ConfigMap/${name}: created`),
  );
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    await read(kube, `${maps(namespace)}/${name}`);
  }
  deepStrictEqual((await read<Live>(kube, `${maps(namespace)}/b`)).data, {
    t: "x\n---\ny\n",
  });
});

Deno.test("apply.foreign.fields (F61): what others set stays, and what another manager owns is a conflict that names it", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const path = `${maps(namespace)}/shared`;
  await runEvent(executor, [configMap(namespace, "shared", "a: ours")]);
  const foreign = {
    metadata: { labels: { team: "x" }, finalizers: ["example.com/hold"] },
    data: { b: "theirs" },
  };
  await write(kube, `${path}?fieldManager=someone`, {
    method: "PATCH",
    body: foreign,
  });

  const again = await runEvent(executor, [
    configMap(namespace, "shared", "a: ours, too"),
  ]);
  strictEqual(again.last.state, "completed", again.last.message);
  const live = await read<Live>(kube, path);
  deepStrictEqual(live.data, { a: "ours, too", b: "theirs" });
  deepStrictEqual(live.metadata.labels, { team: "x" });
  deepStrictEqual(live.metadata.finalizers, ["example.com/hold"]);

  const conflict = await runEvent(executor, [
    configMap(namespace, "shared", "b: ours now"),
  ]);
  strictEqual(conflict.last.error?.code, "conflict");
  match(
    conflict.last.message,
    /"someone" owns \.data\.b; take these fields out/,
  );
  deepStrictEqual(
    conflict.statuses.filter(({ message }) => message.startsWith("Trying")),
    [],
    "what somebody owns is theirs a little later, too",
  );
  deepStrictEqual((await read<Live>(kube, path)).data, {
    a: "ours, too",
    b: "theirs",
  });
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("a list that another manager owns as a whole is called so", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const ours = deployment(namespace, "d").replace(
    "replicas: 1",
    "paused: true",
  );
  const withArgs = (args: string) =>
    `${ours.trimEnd()}\n        args: [${args}]\n`;
  await runEvent(executor, [withArgs("a")]);
  await write(
    kube,
    `/apis/apps/v1/namespaces/${namespace}/deployments/d?fieldManager=someone`,
    {
      method: "PATCH",
      type: "application/strategic-merge-patch+json",
      body: {
        spec: {
          template: { spec: { containers: [{ name: "main", args: ["b"] }] } },
        },
      },
    },
  );
  const run = await runEvent(executor, [withArgs("c")]);
  strictEqual(run.last.error?.code, "conflict");
  match(
    run.last.message,
    /"someone" owns \.spec\.template\.spec\.containers\[name="main"\]\.args \(the whole list\)/,
  );
});

Deno.test("apply.partial (F62): what was applied, what failed and what was left is reported, and nothing is begun after a failure", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const bad = configMap(namespace, "bad").replace("\ndata:", "\ndota:");
  const run = await runEvent(executor, [
    deployment(namespace, "later"),
    configMap(namespace, "good"),
    bad,
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: first, namespace: ${namespace}}\n`,
  ]);
  strictEqual(run.last.state, "failed");
  strictEqual(run.last.error?.code, "invalid");
  match(
    run.last.message,
    /^Cannot apply ConfigMap "bad" .*: .*\.dota: field not declared in schema/,
  );
  deepStrictEqual(changes(run), [
    "Deployment/later: not_attempted",
    "ConfigMap/good: created",
    "ConfigMap/bad: failed",
    "ServiceAccount/first: created",
  ]);
  match(
    run.objects[0]?.message ?? "",
    /^Not attempted: Cannot apply ConfigMap "bad"/,
  );
  const answer = await kube.fetch(
    `/apis/apps/v1/namespaces/${namespace}/deployments/later`,
  );
  await answer.body?.cancel();
  strictEqual(answer.status, 404);
});

Deno.test("apply.partial (F62): after a failure nothing new is begun in its group either", async () => {
  await using cluster = await openPlace();
  const { namespace, executor } = cluster;
  const names = Array.from({ length: 100 }, (_, i) => `a${i}`);
  const [bad = "", ...good] = names.map((name) => configMap(namespace, name));
  const run = await runEvent(executor, [
    bad.replace("\ndata:", "\ndota:"),
    ...good,
  ]);
  strictEqual(run.last.state, "failed");
  strictEqual(run.objects.length, 100);
  strictEqual(run.objects[0]?.status, "failed");
  strictEqual(run.objects.at(-1)?.status, "not_attempted");
});

Deno.test("apply.crd.then.cr (F63): a definition, its namespace and objects of it go in one event, in any order", async () => {
  await using cluster = await openPlace();
  const { executor, kube } = cluster;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const namespace = `made-${crypto.randomUUID().slice(0, 8)}`;
  const thing =
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${namespace}}\nspec: {a: b}\n`;
  const run = await runEvent(executor, [
    thing,
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`,
    thingDefinition(group),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "Thing/t: created",
    `Namespace/${namespace}: created`,
    `CustomResourceDefinition/things.${group}: created`,
  ]);
  await write(
    kube,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
    { method: "DELETE" },
  );
  await write(kube, `/api/v1/namespaces/${namespace}`, { method: "DELETE" });
});

Deno.test("apply.report (F66): the namespace, uid and version that were used are reported", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const run = await runEvent(executor, [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
  ]);
  const live = await read<Live & { metadata: { resourceVersion: string } }>(
    kube,
    `${maps(namespace)}/a`,
  );
  const untimed = run.objects.map(({ duration: _, ...rest }) => rest);
  deepStrictEqual(untimed, [{
    kind: "ConfigMap",
    name: "a",
    namespace,
    api_version: "v1",
    status: "created",
    message: `ConfigMap "a" in namespace "${namespace}" is created`,
    uid: live.metadata.uid,
    resource_version: live.metadata.resourceVersion,
  }]);
});

Deno.test("the bytes of manifests reach the server: octal modes, big integers and yes keep their meaning", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const spec =
    "{mode: 0644, thousand: 1_000, yes: yes, big: 9007199254740993, time: 12:30:45, tilde: ~}";
  const thing = (name: string) =>
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${
    thing("in-list").replaceAll("\n", "\n  ")
  }`;
  const json =
    `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"${group}/v1","kind":"Thing","metadata":{"name":"in-json","namespace":"${namespace}"},"spec":{"big":9007199254740993,"text":"\\ud83d\\ude00 \\/ \u2028"}}]}`;
  const run = await runEvent(executor, [
    thingDefinition(group),
    thing("alone"),
    list,
    json,
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  const raw = async (name: string) => {
    const response = await kube.fetch(
      `/apis/${group}/v1/namespaces/${namespace}/things/${name}`,
    );
    return (await response.text()).replace(/.*"spec":/s, "");
  };
  const expected =
    '{"big":9007199254740993,"mode":420,"thousand":1000,"tilde":null,"time":"12:30:45","true":true}}';
  strictEqual((await raw("alone")).trim(), expected);
  strictEqual((await raw("in-list")).trim(), expected);
  strictEqual(
    (await raw("in-json")).trim(),
    '{"big":9007199254740993,"text":"\u{1f600} / \\u2028"}}',
  );
  await write(
    kube,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
    { method: "DELETE" },
  );
});

Deno.test("a field that cannot change is immutable, and named", async () => {
  await using cluster = await openPlace();
  const { namespace, executor } = cluster;
  await using quick = await openPlugin({ kubeconfig: cluster.kube.kubeconfig });
  await runEvent(executor, [
    deployment(namespace, "d").replace("replicas: 1", "paused: true"),
  ]);
  const run = await runEvent(quick, [
    deployment(namespace, "d").replaceAll("app: d", "app: e"),
  ]);
  strictEqual(run.last.error?.code, "immutable");
  match(run.last.message, /spec\.selector.*field is immutable/);
});

Deno.test("warnings of the server and of ours reach the producer", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const role = `r${crypto.randomUUID().slice(0, 8)}`;
  const run = await runEvent(executor, [
    `apiVersion: v1\nkind: Endpoints\nmetadata: {name: e, namespace: ${namespace}}\nsubsets: []\n`,
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: ${role}, namespace: ${namespace}}\nrules: []\n`,
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects.map((object) => object.namespace), [
    namespace,
    "",
  ]);
  strictEqual(run.warnings.length, 2);
  ok(
    run.warnings.some((warning) =>
      /^ClusterRole .* the namespace is ignored, as the kind has none$/.test(
        warning,
      )
    ),
  );
  ok(
    run.warnings.some((warning) =>
      /^Endpoints "e" in namespace .*: v1 Endpoints is deprecated/.test(warning)
    ),
  );
  await write(kube, `/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`, {
    method: "DELETE",
  });
});

Deno.test("a namespace that another event is about to make is waited for", async () => {
  await using cluster = await openPlace();
  const { executor, kube } = cluster;
  const name = `made-${crypto.randomUUID().slice(0, 8)}`;
  const waited: string[] = [];
  const run = await runEvent(executor, [configMap(name, "a")], {
    async onStatus({ message }) {
      if (!message.startsWith("Trying again")) return;
      waited.push(message);
      await runEvent(executor, [
        `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`,
      ]);
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(
    waited.join(),
    /^Trying again to apply ConfigMap "a" .*: namespaces ".*" not found$/,
  );
  await write(kube, `/api/v1/namespaces/${name}`, { method: "DELETE" });
});

Deno.test("a cancelled event says what was applied, what is unknown and what was not attempted", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const stop = new AbortController();
  const run = await runEvent(executor, [
    configMap(namespace, "a"),
    configMap("nowhere-at-all", "b"), // waits for its namespace
    deployment(namespace, "c"),
  ], {
    signal: stop.signal,
    onStatus: ({ message }) =>
      message.startsWith("Trying again") ? stop.abort() : undefined,
  });
  strictEqual(run.last.state, "cancelled");
  deepStrictEqual(changes(run), [
    "ConfigMap/a: created",
    "ConfigMap/b: unknown",
    "Deployment/c: not_attempted",
  ]);
  strictEqual((await read<Live>(kube, `${maps(namespace)}/a`)).data?.a, "b");
});

Deno.test("stringData: a key that is left out is gone, and a value of the wrong type is named", async () => {
  await using cluster = await openPlace();
  const { namespace, executor, kube } = cluster;
  const secret = (rest: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n${rest}`;
  const data = async () =>
    (await read<Live>(kube, `/api/v1/namespaces/${namespace}/secrets/s`)).data;
  const first = await runEvent(executor, [
    secret("stringData:\n  a: x\n  b: é\n"),
  ]);
  strictEqual(first.last.state, "completed", first.last.message);
  deepStrictEqual(await data(), { a: "eA==", b: "w6k=" });
  const second = await runEvent(executor, [secret("stringData: {a: x}\n")]);
  deepStrictEqual(changes(second), ["Secret/s: configured"]);
  deepStrictEqual(await data(), { a: "eA==" });
  await runEvent(executor, [
    secret("data: {a: b2xk, c: eQ==}\nstringData: {a: z}\n"),
  ]);
  deepStrictEqual(await data(), { a: "eg==", c: "eQ==" });
  const wrong = await runEvent(executor, [secret("stringData: {a: 5}\n")]);
  strictEqual(wrong.last.error?.code, "invalid");
  match(wrong.last.message, /\.stringData\.a: expected string/);
});
