import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { FaultProxy } from "../fault_proxy.ts";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  openPlace,
  openPlugin,
  proxied,
  read,
  runEvent,
  thingDefinition,
} from "./k8s_resource.ts";

interface Live {
  readonly data: Readonly<Record<string, string>>;
}

const patching = (patch: unknown, more: object = {}) => ({
  payload: { operation: "patch", patch, ...more },
});

Deno.test("operation patch: a merge patch changes fields of every object that is named, and only those", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const named = ["a", "b"].map((name) => configMap(namespace, name, "k: v"));
  await runEvent(executor, named);
  const run = await runEvent(
    executor,
    named,
    patching({ data: { k: null, new: "x" } }),
  );
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/a: configured",
    "ConfigMap/b: configured",
  ]);
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.k", ".data.new"]);
  for (const name of ["a", "b"]) {
    deepStrictEqual(
      (await read<Live>(kube, configMapPath(namespace, name))).data,
      {
        new: "x",
      },
    );
  }
  const again = await runEvent(
    executor,
    named,
    patching({ data: { k: null, new: "x" } }),
  );
  deepStrictEqual(changes(again), [
    "ConfigMap/a: unchanged",
    "ConfigMap/b: unchanged",
  ]);
});

Deno.test("operation patch: a JSON patch is done step by step, and not at all when a test in it fails", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const named = [configMap(namespace, "a", "k: v")];
  await runEvent(executor, named);
  const refused = await runEvent(
    executor,
    named,
    patching([
      { op: "add", path: "/data/new", value: "x" },
      { op: "test", path: "/data/k", value: "other" },
    ]),
  );
  strictEqual(refused.last.error?.code, "invalid", refused.last.message);
  deepStrictEqual(
    (await read<Live>(kube, configMapPath(namespace, "a"))).data,
    {
      k: "v",
    },
  );
  const done = await runEvent(
    executor,
    named,
    patching([{ op: "add", path: "/data/new", value: "x" }]),
  );
  deepStrictEqual(changes(done), ["ConfigMap/a: configured"]);
});

Deno.test("operation patch: a strategic patch merges lists by their keys, where the API has it", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const web = deployment(namespace, "web");
  await runEvent(executor, [web], { payload: { wait: "none" } });
  const strategic = patching({
    spec: {
      template: { spec: { containers: [{ name: "side", image: "b" }] } },
    },
  }, { patch_type: "strategic" });
  const run = await runEvent(executor, [web], strategic);
  strictEqual(run.last.state, "completed", run.last.message);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
  const live = await read<
    {
      spec: { template: { spec: { containers: readonly { name: string }[] } } };
    }
  >(kube, path);
  deepStrictEqual(
    live.spec.template.spec.containers.map(({ name }) => name).toSorted(),
    ["main", "side"],
  );

  const group = `${namespace}.example.com`;
  const thing =
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a, namespace: ${namespace}}\n`;
  await runEvent(executor, [thingDefinition(group), thing]);
  const custom = await runEvent(executor, [thing], strategic);
  strictEqual(custom.last.error?.code, "unsupported", custom.last.message);
});

Deno.test("operation patch: what is not there is not made", async () => {
  await using place = await openPlace();
  const run = await runEvent(
    place.executor,
    [configMap(place.namespace, "a")],
    patching({ data: { a: "b" } }),
  );
  strictEqual(run.last.error?.code, "not_found");
  match(run.last.message, /Cannot patch ConfigMap "a" .*: it is not there/);
});

Deno.test("operation patch: dry_run writes nothing", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const named = [configMap(namespace, "a", "k: v")];
  await runEvent(executor, named);
  const run = await runEvent(
    executor,
    named,
    patching({ data: { k: "w" } }, { dry_run: true }),
  );
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.k"]);
  deepStrictEqual(
    (await read<Live>(kube, configMapPath(namespace, "a"))).data,
    {
      k: "v",
    },
  );
});

Deno.test("operation patch: the steps of a JSON patch are sent once, even when the answer is lost", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(access.config);
  const named = [configMap(namespace, "a", "k: v")];
  await runEvent(executor, named);
  proxy.inject({ method: "PATCH", fault: "cut_after" });
  const lost = await runEvent(
    executor,
    named,
    patching([{ op: "add", path: "/data/new", value: "x" }]),
  );
  strictEqual(lost.last.error?.code, "cluster_unavailable");
  match(lost.last.message, /nobody knows whether it was done/);
  deepStrictEqual(changes(lost), ["ConfigMap/a: unknown"]);
  strictEqual(
    proxy.seen.filter(({ path }) => path.includes("configmaps/a?")).length,
    2, // the apply before, and the patch
  );
});

Deno.test("operations patch and get: a report says what is tried again", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(access.config);
  const named = [configMap(namespace, "a", "k: v")];
  await runEvent(executor, named);
  for (
    const [payload, method, verb] of [
      [{ operation: "patch", patch: { data: { k: "w" } } }, "PATCH", "patch"],
      [{ operation: "get", fields: [".data"] }, "GET", "read"],
    ] as const
  ) {
    proxy.inject({ method, path: /configmaps/, fault: { status: 503 } });
    const run = await runEvent(executor, named, { payload });
    strictEqual(run.last.state, "completed", run.last.message);
    const reports = run.statuses.filter(({ message }) =>
      message.startsWith(`Trying again to ${verb} ConfigMap "a"`)
    );
    strictEqual(reports.length, 1, verb);
  }
});

Deno.test("operation patch: repeats safely when its steps do", async () => {
  await using place = await openPlace();
  const manifests = [configMap(place.namespace, "a")];
  const repeatable = (patch: unknown) =>
    place.executor.repeatable({ manifests, operation: "patch", patch });
  ok(repeatable({ data: { a: "b" } }));
  ok(repeatable([{ op: "replace", path: "/data/a", value: "b" }]));
  strictEqual(
    repeatable([{ op: "add", path: "/data/a", value: "b" }]),
    false,
  );
});

Deno.test("operation patch: what the server refuses shows neither the object nor the values of a Secret", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const named = [
    `apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: ${namespace}}\nstringData: {password: hunter2, pin: hunter3}\nimmutable: true\n`,
  ];
  await runEvent(executor, named);
  for (
    const [patch, patchType, reason] of [
      [
        { colour: "red" },
        "merge",
        /strict decoding error: unknown field "colour"$/,
      ],
      [
        { data: { password: "hunter2?" } },
        "merge",
        /illegal base64 data at input byte 7$/,
      ],
      [
        { stringData: { pin: "hunter4" }, colour: 1 },
        "strategic",
        /unknown field "colour"$/,
      ],
      [{ stringData: { pin: ["hunter4"] } }, "strategic", /unrecognized type/],
      [
        [{ op: "add", path: "/colour", value: "hunter4" }],
        "json",
        /unknown field "colour"$/,
      ],
      [
        [{ op: "add", path: "/data/x/y", value: "hunter4" }],
        "json",
        /a step of the patch cannot be done/,
      ],
    ] as const
  ) {
    const run = await runEvent(
      executor,
      named,
      patching(patch, { patch_type: patchType }),
    );
    strictEqual(run.last.error?.code, "invalid", run.last.message);
    match(
      run.last.message,
      /^Cannot patch Secret "a" in namespace "[^"]*": \w/,
    );
    match(run.last.message, reason);
    const shown = JSON.stringify(run);
    for (const value of ["hunter2", "hunter3", "hunter4"]) {
      ok(!shown.includes(value), run.last.message);
      ok(!shown.includes(btoa(value).replace(/=+$/, "")), run.last.message);
    }
  }
});

Deno.test("operation patch: no step takes a value of a Secret to where it is shown", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const secret =
    `apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: ${namespace}, annotations: {b: c}}\nstringData: {a: hunter2}\n`;
  await runEvent(executor, [secret]);
  for (
    const step of [
      { op: "copy", from: "/data/a", path: "/metadata/annotations/b" },
      { op: "move", from: "/data/a", path: "/metadata/name" },
      { op: "copy", from: "/data", path: "/metadata/annotations" },
      { op: "copy", from: "", path: "/data/b" },
      { op: "copy", from: "/metadata/annotations/b", path: "/type" },
    ]
  ) {
    const run = await runEvent(
      executor,
      [configMap(namespace, "b"), secret],
      patching([step]),
    );
    strictEqual(run.last.error?.code, "invalid", JSON.stringify(step));
    match(run.last.message, /"patch\.0": "copy" and "move" stay within/);
    deepStrictEqual(run.objects, []);
  }
  const within = await runEvent(
    executor,
    [secret],
    patching([{ op: "move", from: "/data/a", path: "/data/b" }]),
  );
  deepStrictEqual(changes(within), ["Secret/a: configured"]);
});

Deno.test("operation patch: what cannot be meant is refused by one sentence", async () => {
  await using place = await openPlace();
  const manifests = [configMap(place.namespace, "a")];
  for (
    const [payload, message] of [
      [{ operation: "patch" }, /the operation "patch" needs "patch"/],
      [{ operation: "patch", patch: {} }, /at least one field is needed/],
      [{ operation: "patch", patch: "x" }, /a list of steps .* is needed/],
      [
        { operation: "patch", patch: [] },
        /"patch": at least one step is needed$/,
      ],
      [
        {
          operation: "patch",
          patch: [{ op: "test", path: "/a" }],
          patch_type: "merge",
        },
        /a "patch" is a list for the type "json"/,
      ],
      [
        { operation: "patch", patch: [{ op: "put", path: "/data/a" }] },
        /a list of steps .* is needed/,
      ],
      [
        { operation: "patch", patch: [{ op: "remove", path: "data/a" }] },
        /"patch\.0\.path": a JSON pointer like "\/spec\/replicas" is needed$/,
      ],
      [
        { operation: "patch", patch: [{ op: "add", path: "/data/a" }] },
        /"patch\.0": "add" needs a "value"$/,
      ],
      [
        { operation: "patch", patch: [{ op: "copy", path: "/data/a" }] },
        /"patch\.0": "copy" needs a "from"$/,
      ],
      [{ patch: { a: 1 } }, /"patch" is only for the operation "patch"/],
    ] as const
  ) {
    const run = await runEvent(place.executor, manifests, { payload });
    strictEqual(run.last.error?.code, "invalid", JSON.stringify(payload));
    match(run.last.message, message);
  }
});

Deno.test("operation patch: an apply of the same manager takes what it has changed, without a conflict", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [configMap(namespace, "a", "k: applied")]);
  await runEvent(
    executor,
    [configMap(namespace, "a")],
    patching({ data: { k: "patched", added: "x" } }),
  );
  const next = [configMap(namespace, "a", "k: again")];
  const other = await runEvent(executor, next, {
    payload: { field_manager: "other" },
  });
  strictEqual(other.last.error?.code, "conflict", other.last.message);
  const run = await runEvent(executor, next);
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
  const { data } = await read<Live>(kube, path);
  deepStrictEqual(data, { k: "again", added: "x" });
});
