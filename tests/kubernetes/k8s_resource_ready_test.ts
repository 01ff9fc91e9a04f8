import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { actAs } from "./identity.ts";
import {
  changes,
  configMap,
  openPlace,
  type Place,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

/** A StorageClass of this test alone, as YAML; nobody makes volumes of it. */
function storageClass(name: string, mode: string): string {
  return `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: ${name}}
provisioner: example.com/none
volumeBindingMode: ${mode}
`;
}

function claim(name: string, storageClassName: string): string {
  return `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], storageClassName: ${storageClassName}, resources: {requests: {storage: 1Mi}}}
`;
}

/** Removes what belongs to the whole cluster. */
async function remove(place: Place, ...paths: string[]): Promise<void> {
  for (const path of paths) await write(place.kube, path, { method: "DELETE" });
}

Deno.test("unbound WaitForFirstConsumer PVC is fine; any other has to be bound", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_500 });
  const { namespace, executor } = place;
  const late = `late-${namespace}`;
  const soon = `soon-${namespace}`;
  const run = await runEvent(executor, [
    storageClass(late, "WaitForFirstConsumer"),
    storageClass(soon, "Immediate"),
    claim("a", late),
    claim("b", late),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.warnings, []);
  const unbound = await runEvent(executor, [claim("c", soon)]);
  strictEqual(unbound.last.error?.code, "not_ready");
  match(
    unbound.last.message,
    /PersistentVolumeClaim "c" .* in time: it is not bound to a volume of the StorageClass "soon-/,
  );
  const missing = await runEvent(executor, [claim("d", `no-${namespace}`)]);
  match(
    missing.last.message,
    /PersistentVolumeClaim "d" .* in time: there is no StorageClass "no-/,
  );
  const classes = "/apis/storage.k8s.io/v1/storageclasses";
  await remove(place, `${classes}/${late}`, `${classes}/${soon}`);
});

Deno.test("a PVC whose StorageClass may not be read is fine, and said to be unchecked", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const rights = await runEvent(executor, [
    `apiVersion: v1
kind: ServiceAccount
metadata: {name: claims}
`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: claims}
rules: [{apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get, create, patch]}]
`,
    `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: claims}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: claims}
subjects: [{kind: ServiceAccount, name: claims, namespace: ${namespace}}]
`,
  ]);
  strictEqual(rights.last.state, "completed", rights.last.message);
  await using account = await actAs(kube, { namespace, name: "claims" });
  await using agent = await account.executor(namespace);
  const run = await runEvent(agent, [claim("a", "some")]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.warnings, [
    `PersistentVolumeClaim "a" in namespace "${namespace}": its readiness is unchecked: it is not bound, and whether its StorageClass "some" waits for a Pod may not be read`,
  ]);
});

Deno.test("LoadBalancer without address waits", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const waited: string[] = [];
  const run = await runEvent(executor, [
    `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
`,
  ], {
    async onStatus({ phase, message }) {
      if (phase !== "verifying" || !message.startsWith("Waiting")) return;
      waited.push(message);
      await write(
        kube,
        `/api/v1/namespaces/${namespace}/services/web/status`,
        {
          method: "PATCH",
          body: {
            status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
          },
        },
      );
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(waited, [
    `Waiting for Service "web" in namespace "${namespace}": its load balancer has no address yet`,
  ]);
});

Deno.test("a custom object without conditions is Current but said to be unchecked", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_500 });
  const { namespace, executor } = place;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const thing = (name: string, status = "") =>
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: ${name}, namespace: ${namespace}}\n${status}`;
  const run = await runEvent(executor, [
    thingDefinition(group),
    thing("plain"),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    `CustomResourceDefinition/things.${group}: created`,
    "Thing/plain: created",
  ]);
  deepStrictEqual(run.warnings, [
    `Thing "plain" in namespace "${namespace}": its readiness is unchecked: it has no condition "Ready" that would say so`,
  ]);
  // The kind has no status subresource, so that an apply may say what a controller would.
  const ready = await runEvent(executor, [
    thing("ready", "status: {conditions: [{type: Ready, status: 'True'}]}\n"),
  ]);
  strictEqual(ready.last.state, "completed", ready.last.message);
  deepStrictEqual(ready.warnings, []);
  const late = await runEvent(executor, [
    thing(
      "late",
      "status: {conditions: [{type: Ready, status: 'False', message: no database}]}\n",
    ),
  ]);
  strictEqual(late.last.error?.code, "not_ready");
  match(
    late.last.message,
    /Thing "late" .* in time: its condition "Ready" is "False": no database$/,
  );
  await remove(
    place,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
  );
});

Deno.test("an APIService waits until its server is available", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_500 });
  const { namespace, executor } = place;
  const name = `v1.g${crypto.randomUUID().slice(0, 8)}.example`;
  const run = await runEvent(executor, [
    `apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: ${name}}
spec: {group: ${
      name.slice("v1.".length)
    }, version: v1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: {name: none, namespace: ${namespace}}}
`,
  ]);
  strictEqual(run.last.error?.code, "not_ready");
  match(
    run.last.message,
    /^Cannot get APIService "v1\..*" ready in time: its server is not available: service\/none in ".*" is not present$/,
  );
  await remove(
    place,
    `/apis/apiregistration.k8s.io/v1/apiservices/${name}`,
  );
});

Deno.test("ready_when: CEL conditions per kind, in place of the kind's own rule", async () => {
  await using place = await openPlace({ phase_timeout_ms: 5_000 });
  const { namespace, executor, kube } = place;
  const group = `g${crypto.randomUUID().slice(0, 8)}.example`;
  const things = `/apis/${group}/v1/namespaces/${namespace}/things`;
  const thing = (name: string) =>
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: ${name}, namespace: ${namespace}}\nstatus: {phase: Starting, nodes: 1}\n`;
  const payload = {
    ready_when: [
      {
        api_version: `${group}/v1`,
        kind: "Thing",
        when: "self.status.phase == 'Running' && self.status.nodes > 1",
      },
      {
        api_version: "v1",
        kind: "ConfigMap",
        when: "self.data.a == 'b'",
      },
    ],
  };
  const waited: string[] = [];
  const manifests = [
    thingDefinition(group),
    thing("db"),
    configMap(namespace, "a"),
  ];
  const run = await runEvent(executor, manifests, {
    payload,
    async onStatus({ phase, message }) {
      if (phase !== "verifying" || !message.startsWith("Waiting")) return;
      waited.push(message);
      await write(kube, `${things}/db`, {
        method: "PATCH",
        body: { status: { phase: "Running", nodes: 2 } },
      });
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.warnings, []);
  deepStrictEqual(waited, [
    `Waiting for Thing "db" in namespace "${namespace}": "self.status.phase == 'Running' && self.status.nodes > 1" is false`,
  ]);
  const late = await runEvent(executor, [
    thing("db2"),
    configMap(namespace, "a", "a: c"),
  ], { payload });
  strictEqual(late.last.error?.code, "not_ready");
  match(
    late.last.message,
    /^Cannot get Thing "db2" .* ready in time: .* \(and 1 more\)$/,
  );
  const refused = await runEvent(executor, [configMap(namespace, "b")], {
    payload: { ready_when: payload.ready_when.slice(0, 1) },
  });
  strictEqual(refused.last.error?.code, "invalid");
  deepStrictEqual(refused.objects, []);
  await remove(
    place,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
  );
});

Deno.test("ready_when: a condition sees keys of a Secret, and never its values", async () => {
  await using place = await openPlace({ phase_timeout_ms: 1_500 });
  const { executor } = place;
  const secret =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2, same: hunter2}\n";
  const asking = (when: string) => ({
    payload: { ready_when: [{ api_version: "v1", kind: "Secret", when }] },
  });
  const seen = await runEvent(
    executor,
    [secret],
    asking("self.data.password == self.data.same && !has(self.data.token)"),
  );
  strictEqual(seen.last.state, "completed", seen.last.message);
  const value = btoa("hunter2");
  for (
    const [when, why] of [
      ["{'a': true}[self.data.password]", /no such key: hmac:/],
      [`self.data.password == '${value}'`, /is false$/],
    ] as const
  ) {
    const run = await runEvent(executor, [secret], asking(when));
    strictEqual(run.last.error?.code, "not_ready", run.last.message);
    match(run.last.message, why);
    strictEqual(
      JSON.stringify(run).replaceAll(when, "").includes(value),
      false,
      run.last.message,
    );
  }
});
