import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { k8sResourceKind } from "../../plugins/k8s_resource/mod.ts";
import { actAs } from "./identity.ts";
import {
  changes,
  configMapPath,
  deployment,
  openPlace,
  type Place,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly fieldsV1: unknown;
    }[];
  };
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: { readonly containers: readonly { image: string }[] };
    };
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** An option `ignore_fields` for one kind. */
function ignore(
  apiVersion: string,
  kind: string,
  ...pointers: readonly string[]
) {
  return { ignore_fields: [{ api_version: apiVersion, kind, pointers }] };
}

const REPLICAS = ignore("apps/v1", "StatefulSet", "/spec/replicas");

function webPath({ namespace }: Place, resource = "deployments"): string {
  return `/apis/apps/v1/namespaces/${namespace}/${resource}/web`;
}

/** A StatefulSet of three, to which its controller writes nothing but its status. */
function statefulSet(namespace: string, image?: string): string {
  return deployment(namespace, "web", image)
    .replace("kind: Deployment", "kind: StatefulSet")
    .replace("replicas: 1", "replicas: 3\n  serviceName: web");
}

/** What our applies own of an object. */
function owned({ metadata }: Live): string {
  return JSON.stringify(metadata.managedFields.filter(
    ({ manager, operation }) =>
      manager === "transporter" && operation === "Apply",
  ));
}

Deno.test("option ignore_fields: what an autoscaler has set stays, and everything else is applied", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const web = (image: string) => statefulSet(namespace, image);
  const path = webPath(place, "statefulsets");
  const payload = { ...REPLICAS, wait: "none" };
  await runEvent(executor, [web("local/none:1")], { payload });
  const made = await read<Live>(kube, path);
  strictEqual(made.spec.replicas, 3, "an object that is not there is made so");

  for (const replicas of [7, 0]) { // after a scale to 0 nobody owns the field any more
    await write(kube, `${path}/scale?fieldManager=hpa`, {
      method: "PATCH",
      body: { spec: { replicas } },
    });
    const image = `local/none:${replicas}`;
    const run = await runEvent(executor, [web(image)], { payload });
    strictEqual(run.last.state, "completed", run.last.message);
    deepStrictEqual(run.objects[0]?.changed_fields, [
      '.spec.template.spec.containers[name="main"].image',
    ]);
    const { spec } = await read<Live>(kube, path);
    strictEqual(spec.replicas, replicas);
    strictEqual(spec.template.spec.containers[0]?.image, image);
  }

  for (
    const [operation, status] of [["diff", "unchanged"], ["check", "unchanged"]]
  ) {
    const same = await runEvent(executor, [web("local/none:0")], {
      payload: { operation, ...REPLICAS },
    });
    deepStrictEqual(changes(same), [`StatefulSet/web: ${status}`]);
    deepStrictEqual(same.warnings, []);
  }
  const check = await runEvent(executor, [web("local/none:0")], {
    payload: { operation: "check" },
  });
  deepStrictEqual(check.objects[0]?.changes, [
    { path: ".spec.replicas", before: 0, after: 3 },
  ]);
});

Deno.test("option ignore_fields: a field that is ours is given up, and neither goes nor gets its default", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const web = statefulSet(namespace);
  const path = webPath(place, "statefulsets");
  await runEvent(executor, [web], { payload: { wait: "none" } });
  match(owned(await read<Live>(kube, path)), /f:replicas/);

  const other = web.replace("replicas: 3", "replicas: 5");
  for (
    const payload of [
      { operation: "diff", ...REPLICAS },
      { operation: "check", ...REPLICAS },
      { dry_run: true, ...REPLICAS },
      { wait: "none", ...REPLICAS },
      { wait: "none", ...REPLICAS },
    ]
  ) {
    const run = await runEvent(executor, [other], { payload });
    deepStrictEqual(
      changes(run),
      ["StatefulSet/web: unchanged"],
      JSON.stringify([payload, run.objects, run.last.message]),
    );
    deepStrictEqual(run.warnings, []);
    strictEqual((await read<Live>(kube, path)).spec.replicas, 3);
  }
  ok(!/f:replicas/.test(owned(await read<Live>(kube, path))));
  // A manifest that has it no more leaves it alone, too.
  const without = web.replace("  replicas: 3\n", "");
  const run = await runEvent(executor, [without], {
    payload: { wait: "none" },
  });
  strictEqual(run.last.state, "completed");
  strictEqual((await read<Live>(kube, path)).spec.replicas, 3);
});

Deno.test("option ignore_fields: a field in a list is that of the element with the same key", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const web = deployment(namespace, "web") +
    "      - image: local/second:1\n        name: second\n";
  const payload = ignore(
    "apps/v1",
    "Deployment",
    "/spec/template/spec/containers/1/image",
  );
  await runEvent(executor, [web], { payload: { wait: "none" } });
  await write(kube, `${webPath(place)}?fieldManager=image-updater`, {
    method: "PATCH",
    type: "application/json-patch+json",
    body: [{ // it has turned them round
      op: "replace",
      path: "/spec/template/spec/containers",
      value: [
        { name: "second", image: "local/second:9" },
        { name: "main", image: "local/none:1" },
      ],
    }],
  });
  for (
    const options of [
      { operation: "diff" },
      { operation: "check" },
      { wait: "none" },
    ]
  ) {
    const run = await runEvent(executor, [web], {
      payload: { ...payload, ...options },
    });
    strictEqual(run.last.state, "completed", run.last.message);
    const { spec } = await read<Live>(kube, webPath(place));
    const images = spec.template.spec.containers.map(({ image }) => image);
    deepStrictEqual(images.sort(), ["local/none:1", "local/second:9"]);
  }
});

Deno.test("option ignore_fields: a key of data and of annotations, the only one there is", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const map = (value: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {example.com/by: us}\ndata: {k: ${value}}\n`;
  await runEvent(executor, [map("old")]);
  const payload = ignore(
    "v1",
    "ConfigMap",
    "/data/k",
    "/metadata/annotations/example.com~1by",
  );
  const run = await runEvent(executor, [map("new")], { payload });
  deepStrictEqual(changes(run), ["ConfigMap/a: unchanged"], run.last.message);
  const live = await read<Live>(kube, configMapPath(namespace, "a"));
  deepStrictEqual(live.data, { k: "old" });
  deepStrictEqual(live.metadata.annotations, { "example.com/by": "us" });
});

Deno.test("option ignore_fields: of a Secret, also by its stringData", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const secret = (value: string) =>
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {made: ${value}, ours: ${value}}\n`;
  const payload = ignore("v1", "Secret", "/stringData/made");
  await runEvent(executor, [secret("old")], { payload });
  await runEvent(executor, [secret("new")], { payload });
  const live = await read<Live>(
    kube,
    `/api/v1/namespaces/${namespace}/secrets/s`,
  );
  deepStrictEqual(live.data, { made: btoa("old"), ours: btoa("new") });
});

Deno.test("option ignore_fields: a part of what is owned as a whole is refused", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const web = deployment(namespace, "web").replace(
    "    spec:\n",
    "    spec:\n      tolerations: [{key: a, operator: Exists}]\n",
  );
  await runEvent(executor, [web], { payload: { wait: "none" } });
  const before = await read<Live>(kube, webPath(place));
  const run = await runEvent(executor, [web], {
    payload: ignore(
      "apps/v1",
      "Deployment",
      "/spec/template/spec/tolerations/0/key",
    ),
  });
  strictEqual(run.last.error?.code, "invalid", run.last.message);
  match(run.last.message, /is owned as a whole; name that in "ignore_fields"/);
  const after = await read<Live>(kube, webPath(place));
  deepStrictEqual(after.spec, before.spec);
  strictEqual(owned(after), owned(before));
});

Deno.test("option ignore_fields: what is left alone stays as it is when the object is made anew", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const path = webPath(place, "statefulsets");
  const web = statefulSet(namespace);
  await runEvent(executor, [web], { payload: { wait: "none" } });
  await write(kube, `${path}?fieldManager=autoscaler`, {
    method: "PATCH",
    body: { spec: { replicas: 7 } },
  });
  const other = web.replace("serviceName: web", "serviceName: other");
  const run = await runEvent(executor, [other], {
    payload: { ...REPLICAS, replace_immutable: true, wait: "none" },
  });
  deepStrictEqual(changes(run), ["StatefulSet/web: created"], run.last.message);
  strictEqual((await read<Live>(kube, path)).spec.replicas, 7);
});

Deno.test("option ignore_fields: who may not read an object is refused", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const group = "rbac.authorization.k8s.io";
  await write(kube, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "writer" } },
  });
  await write(kube, `${rbac}/roles`, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: { name: "writer" },
      rules: [{
        apiGroups: [""],
        resources: ["configmaps"],
        verbs: ["create", "patch"],
      }],
    },
  });
  await write(kube, `${rbac}/rolebindings`, {
    method: "POST",
    type: "application/json",
    body: {
      metadata: { name: "writer" },
      roleRef: { apiGroup: group, kind: "Role", name: "writer" },
      subjects: [{ kind: "ServiceAccount", name: "writer", namespace }],
    },
  });
  await using account = await actAs(kube, { namespace, name: "writer" });
  await using executor = await account.executor(namespace);
  const run = await runEvent(executor, [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n",
  ], { payload: ignore("v1", "ConfigMap", "/data/k") });
  strictEqual(run.last.error?.code, "denied");
  match(run.last.message, /may not be read, which "ignore_fields" needs/);
});

Deno.test("option ignore_fields: what cannot be meant is refused at submit", async () => {
  const manifests = ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"];
  for (
    const [ignored, message] of [
      [[], /at least one kind is needed/],
      [
        [{ api_version: "v1", kind: "Secret", pointers: ["/data"] }],
        /for "Secret" in "v1": no manifest has an object of it/,
      ],
      [
        [{ api_version: "v1", kind: "ConfigMap", pointers: ["data"] }],
        /a JSON pointer like "\/spec\/replicas" is needed/,
      ],
      [
        [{
          api_version: "v1",
          kind: "ConfigMap",
          pointers: ["/metadata/name"],
        }],
        /"\/metadata\/name" is what tells objects apart/,
      ],
    ] as const
  ) {
    const error = await Promise.resolve(
      k8sResourceKind.check({ manifests, ignore_fields: ignored }),
    ).then(() => undefined, (reason) => reason);
    strictEqual(error?.code, "invalid");
    match(error.message, message);
  }
});
