/**
 * What a dry run and a diff say against what the apply does: over fields that
 * it takes over first, above all.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fieldChanges } from "../../plugins/k8s_resource/field_changes.ts";
import { freshNamespace } from "./cluster.ts";
import {
  configMap,
  configMapPath,
  openPlace,
  type Place,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

const CSA = "kubectl-client-side-apply";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

type Object = Readonly<Record<string, unknown>>;

/** Who writes what before, in turns, and what the event has then. */
interface Case {
  /** The resource, such as `/api/v1/namespaces/…/configmaps`, by its group, and its plural. */
  readonly resource: readonly [root: string, plural: string];
  /** What each manager writes; the first makes the object. */
  readonly writes: readonly (readonly [manager: string, body: Object])[];
  /** The manifest. */
  readonly manifest: (namespace: string) => string;
  /** Options of the event. */
  readonly payload?: Object;
  /** What the apply ends with; it completes unless said. */
  readonly ends?: readonly [code: string, message: RegExp];
  /** What of the message is about others, and must not be in it. */
  readonly spared?: RegExp;
}

const MAPS = ["/api/v1", "configmaps"] as const;
const TEMPLATES = ["/api/v1", "podtemplates"] as const;

function map(data: Object, annotations: Object = {}): Object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", annotations },
    data,
  };
}

/** A PodTemplate, which no controller writes to, with much that its next manifest leaves out. */
const RICH: Object = {
  apiVersion: "v1",
  kind: "PodTemplate",
  metadata: {
    name: "a",
    labels: { app: "a", tier: "web" },
    annotations: { [LAST_APPLIED]: "{}" },
    finalizers: ["example.com/kept", "example.com/dropped"],
  },
  template: {
    metadata: { labels: { app: "a", more: "x" } },
    spec: {
      terminationGracePeriodSeconds: 5,
      securityContext: { runAsUser: 1000 },
      containers: [{
        name: "main",
        image: "local/none:0",
        args: ["-v"],
        ports: [{ containerPort: 80 }, { containerPort: 81 }],
        env: [{ name: "A", value: "1" }, { name: "B", value: "2" }],
        livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 7 },
      }, { name: "side", image: "local/side:1" }],
      volumes: [{ name: "tmp", emptyDir: {} }],
    },
  },
};

/** Its next manifest. */
function podTemplate(namespace: string, image = "image: local/none:1"): string {
  return `apiVersion: v1
kind: PodTemplate
metadata:
  name: a
  namespace: ${namespace}
  labels: {app: a}
  finalizers: [example.com/kept]
template:
  metadata: {labels: {app: a}}
  spec:
    containers:
    - name: main
      ${image}
      ports: [{containerPort: 81}]
      livenessProbe: {tcpSocket: {port: 80}}
`;
}

const CASES: Readonly<Record<string, Case>> = {
  "another value, a key that goes, and kubectl's note": {
    resource: MAPS,
    writes: [[CSA, map({ k: "theirs", old: "x" }, { [LAST_APPLIED]: "{}" })]],
    manifest: (namespace) => configMap(namespace, "a", "k: ours"),
  },
  "only what goes": {
    resource: MAPS,
    writes: [[CSA, map({ k: "same", old: "x" })]],
    manifest: (namespace) => configMap(namespace, "a", "k: same"),
  },
  "nothing at all": {
    resource: MAPS,
    writes: [[CSA, map({ k: "same" })]],
    manifest: (namespace) => configMap(namespace, "a", "k: same"),
  },
  "what others have set besides stays": {
    resource: MAPS,
    writes: [
      [CSA, map({ k: "theirs", old: "x" })],
      ["kubectl-edit", { data: { note: "by hand" } }],
    ],
    manifest: (namespace) => configMap(namespace, "a", "k: ours"),
  },
  "another manager's field is a conflict, and only that": {
    resource: MAPS,
    writes: [
      [CSA, map({ k: "theirs", old: "x" })],
      ["ci", { data: { build: "17" } }],
    ],
    manifest: (namespace) => configMap(namespace, "a", "k: ours\n  build: x"),
    ends: ["conflict", /"ci" owns \.data\.build;/],
    spared: /"kubectl-client-side-apply" owns/,
  },
  "much of a large object": {
    resource: TEMPLATES,
    writes: [
      [CSA, RICH],
      ["ci", {
        metadata: { labels: { tier: "back" } },
        template: { spec: { terminationGracePeriodSeconds: 9 } },
      }],
    ],
    manifest: podTemplate,
  },
  "what has to be there goes": {
    resource: TEMPLATES,
    writes: [[CSA, RICH]],
    manifest: (namespace) => podTemplate(namespace, ""),
    ends: ["invalid", /containers\[0\]\.image: Required value/],
  },
  "Helm's, with adopt always": {
    resource: MAPS,
    writes: [[
      "helm",
      map(
        { k: "theirs", old: "x" },
        { "meta.helm.sh/release-name": "shop" },
      ),
    ]],
    payload: { adopt: "always" },
    manifest: (namespace) => configMap(namespace, "a", "k: ours"),
  },
  "Helm's": {
    resource: MAPS,
    writes: [[
      "helm",
      map(
        { old: "x" },
        { "meta.helm.sh/release-name": "shop" },
      ),
    ]],
    manifest: (namespace) => configMap(namespace, "a", "k: ours"),
    ends: ["conflict", /the Helm release "shop" looks after it/],
  },
  "what would change, with adopt if_no_diff": {
    resource: MAPS,
    writes: [[CSA, map({ k: "same", old: "x" })]],
    payload: { adopt: "if_no_diff" },
    manifest: (namespace) => configMap(namespace, "a", "k: same"),
    ends: ["conflict", /would change, and "adopt" is "if_no_diff"/],
  },
};

/** Sets the scene in the place; the path of the object. */
async function set(
  { kube, namespace }: Pick<Place, "kube" | "namespace">,
  { resource: [root, plural], writes }: Case,
): Promise<string> {
  const path = `${root}/namespaces/${namespace}/${plural}`;
  for (const [index, [manager, body]] of writes.entries()) {
    await write(
      kube,
      `${path}${index === 0 ? "" : "/a"}?fieldManager=${manager}`,
      index === 0
        ? { method: "POST", type: "application/json", body }
        : { method: "PATCH", body },
    );
  }
  return `${path}/a`;
}

function told({ last: { error }, objects: [first] }: {
  readonly last: { readonly error?: { readonly code: string } | null };
  readonly objects: readonly {
    readonly status: string;
    readonly changed_fields?: readonly string[];
  }[];
}) {
  return {
    code: error?.code,
    status: first?.status,
    fields: first?.changed_fields?.toSorted(),
  };
}

Deno.test("option dry_run, operation diff: say what the apply does with fields of client-side applies", async (t) => {
  await using place = await openPlace();
  const { kube, executor } = place;
  for (const [name, each] of Object.entries(CASES)) {
    await t.step(name, async () => {
      await using stack = new AsyncDisposableStack();
      const fresh = stack.use(await freshNamespace(kube));
      const { name: namespace } = fresh;
      const path = await set({ kube, namespace }, each);
      const free = { metadata: { finalizers: null } };
      stack.defer(() => write(kube, path, { method: "PATCH", body: free }));
      const before = await read<Object>(kube, path);
      const manifests = [each.manifest(namespace)];
      const payload = { wait: "applied", ...each.payload };
      const tried = await runEvent(executor, manifests, {
        payload: { ...payload, dry_run: true },
      });
      const compared = await runEvent(executor, manifests, {
        payload: { ...each.payload, operation: "diff" },
      });
      deepStrictEqual(await read(kube, path), before);
      const run = await runEvent(executor, manifests, { payload });
      deepStrictEqual(told(tried), told(run), tried.last.message);
      const after = await read<Object>(kube, path);
      if (each.ends === undefined) {
        strictEqual(run.last.state, "completed", run.last.message);
        deepStrictEqual(
          compared.objects[0]?.changes ?? [],
          fieldChanges(before, after),
        );
        return;
      }
      const [code, message] = each.ends;
      strictEqual(run.last.error?.code, code, run.last.message);
      const warned = compared.last.state === "completed"
        ? compared.warnings.join()
        : compared.last.message;
      for (const text of [run.last.message, tried.last.message, warned]) {
        match(text, message);
        if (each.spared) strictEqual(each.spared.test(text), false, text);
      }
    });
  }
});

Deno.test("option dry_run, operation diff: say that fields would be taken over, and an object that goes be made anew", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  await write(
    kube,
    `/api/v1/namespaces/${namespace}/configmaps?fieldManager=${CSA}`,
    {
      method: "POST",
      type: "application/json",
      body: {
        ...map({ k: "v" }),
        metadata: { name: "a", finalizers: ["example.com/held"] },
      },
    },
  );
  const path = configMapPath(namespace, "a");
  await write(kube, path, { method: "DELETE" });
  const manifests = [configMap(namespace, "a", "k: v")];
  for (const payload of [{ dry_run: true }, { operation: "diff" }]) {
    const run = await runEvent(executor, manifests, { payload });
    strictEqual(run.last.state, "completed", run.last.message);
    const warnings = run.warnings.join();
    match(
      warnings,
      /it is being deleted; an apply would wait until it is gone/,
    );
    match(
      warnings,
      /an apply would take over the fields of "kubectl-client-side-apply"/,
    );
  }
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("over client-side apply, a manifest that names a version is applied to that one, and to no other", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const path = await set({ kube, namespace }, {
    resource: MAPS,
    writes: [[CSA, map({ k: "theirs", old: "x" })]],
    manifest: () => "",
  });
  const versionOf = async () => {
    const { metadata } = await read<
      { readonly metadata: { readonly resourceVersion: string } }
    >(kube, path);
    return metadata.resourceVersion;
  };
  const version = await versionOf();
  const manifest = (resourceVersion: string) =>
    configMap(namespace, "a", "k: ours").replace(
      "metadata:",
      `metadata:\n  resourceVersion: "${resourceVersion}"`,
    );
  const other = await runEvent(executor, [manifest("1")]);
  strictEqual(other.last.error?.code, "conflict", other.last.message);
  strictEqual(await versionOf(), version);
  const run = await runEvent(executor, [manifest(version)]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual((await read<Object>(kube, path)).data, { k: "ours" });
});
