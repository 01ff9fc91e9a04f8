import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { FaultProxy, status } from "../fault_proxy.ts";
import {
  changes,
  configMapPath,
  grant,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  read,
  type Run,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly uid: string };
  readonly data?: Readonly<Record<string, string>>;
}

const immutable = (value: string, name = "a") =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\nimmutable: true\ndata: {k: ${value}}\n`;

const PAYLOAD = { replace_immutable: true, wait: "none" };

const JSON_POST = { method: "POST", type: "application/json" };

/** Sends an event that may make anew what cannot change. */
function replace({ executor }: Place, manifest: string, more = {}) {
  return runEvent(executor, [manifest], { payload: { ...PAYLOAD, ...more } });
}

/** It was refused, and what was there is. */
async function refused(
  run: Run,
  { kube }: Place,
  { code, path, before }: {
    readonly code: string;
    readonly path: string;
    readonly before: Live;
  },
): Promise<void> {
  strictEqual(run.last.error?.code, code, run.last.message);
  match(run.last.message, /; so "replace_immutable" has deleted nothing$/);
  deepStrictEqual(await read<Live>(kube, path), before);
}

/** A policy of the cluster against new ConfigMaps of the place with a value; its end is waited for by nobody. */
async function forbid({ kube, namespace }: Place, value: string) {
  const group = "/apis/admissionregistration.k8s.io/v1";
  const policies = `${group}/validatingadmissionpolicies`;
  const bindings = `${group}/validatingadmissionpolicybindings`;
  const metadata = { name: namespace };
  await write(kube, policies, {
    ...JSON_POST,
    body: {
      metadata,
      spec: {
        matchConstraints: {
          resourceRules: [{
            apiGroups: [""],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["configmaps"],
          }],
        },
        validations: [{
          expression: `!has(object.data) || object.data.k != "${value}"`,
          message: `no ${value} is made here`,
        }],
      },
    },
  });
  await write(kube, bindings, {
    ...JSON_POST,
    body: {
      metadata,
      spec: {
        policyName: namespace,
        validationActions: ["Deny"],
        matchResources: {
          namespaceSelector: {
            matchLabels: { "kubernetes.io/metadata.name": namespace },
          },
        },
      },
    },
  });
  await until(async () => {
    const answer = await kube.fetch(
      `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`,
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          metadata: { name: "probe" },
          data: { k: value },
        }),
      },
    );
    await answer.body?.cancel();
    return answer.status === 422;
  });
  return {
    async [Symbol.asyncDispose]() {
      await write(kube, `${bindings}/${namespace}`, { method: "DELETE" });
      await write(kube, `${policies}/${namespace}`, { method: "DELETE" });
    },
  };
}

Deno.test("option replace_immutable: what a policy of the cluster refuses takes nothing away", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await using _policy = await forbid(place, "new");
  const path = configMapPath(namespace, "a");
  await replace(place, immutable("old"));
  const before = await read<Live>(kube, path);
  const run = await replace(place, immutable("new"));
  await refused(run, place, { code: "denied", path, before });
  match(run.last.message, /ConfigMap "a" in .* no new is made here/);
  const tried = await replace(place, immutable("new"), { dry_run: true });
  await refused(tried, place, { code: "denied", path, before });

  const other = await replace(place, immutable("other"));
  deepStrictEqual(changes(other), ["ConfigMap/a: created"]);
  const after = await read<Live>(kube, path);
  deepStrictEqual(after.data, { k: "other" });
  notStrictEqual(after.metadata.uid, before.metadata.uid);
});

Deno.test("option replace_immutable: who may not create takes nothing away", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await grant(
    place,
    { kind: "ServiceAccount", name: "changer", namespace },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["get", "patch", "delete"],
    },
  );
  const path = configMapPath(namespace, "a");
  await replace(place, immutable("old"));
  const before = await read<Live>(kube, path);
  const as = { service_account: `${namespace}/changer` };
  const run = await replace(place, immutable("new"), { as });
  await refused(run, place, { code: "denied", path, before });
  match(run.last.message, /cannot create resource "configmaps"/);
});

Deno.test("option replace_immutable: rights that name the object are enough", async () => {
  await using place = await openPlace();
  const { namespace, kube, executor } = place;
  const subject = { kind: "ServiceAccount", name: "named", namespace };
  const maps = { apiGroups: [""], resources: ["configmaps"] };
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: "named" };
  const verbs = ["get", "patch", "delete"];
  await write(kube, `${rbac}/roles`, {
    ...JSON_POST,
    body: { metadata, rules: [{ ...maps, verbs, resourceNames: ["a"] }] },
  });
  await write(kube, `${rbac}/rolebindings`, {
    ...JSON_POST,
    body: {
      metadata,
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "Role",
        name: "named",
      },
      subjects: [subject],
    },
  });
  await grant(place, subject, { ...maps, verbs: ["create"] });
  await replace(place, immutable("old"));
  const as = { service_account: `${namespace}/named` };
  const payload = { as, operation: "get", fields: ["$.data"] };
  await until(async () => {
    const seen = await runEvent(executor, [immutable("old")], { payload });
    return seen.last.state === "completed";
  });
  const run = await replace(place, immutable("new"), { as });
  deepStrictEqual(changes(run), ["ConfigMap/a: created"], run.last.message);
});

Deno.test("option replace_immutable: a manifest for one life of an object takes nothing away", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const path = configMapPath(namespace, "a");
  await replace(place, immutable("old"));
  const before = await read<Live>(kube, path);
  const pinned = immutable("new").replace(
    "name: a",
    `name: a, uid: ${before.metadata.uid}`,
  );
  const run = await replace(place, pinned);
  strictEqual(run.last.error?.code, "immutable", run.last.message);
  match(run.last.message, /; "replace_immutable" makes nothing anew by a /);
  deepStrictEqual(await read<Live>(kube, path), before);
});

const service = (
  { ip, port, type = "NodePort", name = "web" }: {
    readonly name?: string;
    readonly ip: string;
    readonly port?: number;
    readonly type?: string;
  },
) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      type,
      clusterIP: ip,
      selector: { app: "web" },
      ports: [{ port: 80, ...(port === undefined ? {} : { nodePort: port }) }],
    },
  });

interface Service extends Live {
  readonly spec: {
    readonly clusterIP: string;
    readonly ports: readonly { readonly nodePort: number }[];
  };
}

Deno.test("option replace_immutable: a Service keeps its port when its address changes, and takes none from another one", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const path = `/api/v1/namespaces/${namespace}/services/web`;
  const first = await replace(place, service({ ip: "" }));
  deepStrictEqual(changes(first), ["Service/web: created"], first.last.message);
  const before = await read<Service>(kube, path);
  const { clusterIP, ports: [port] } = before.spec;
  const octets = clusterIP.split(".");
  const last = (Number(octets.at(-1)) + 77) % 200 + 20;
  const ip = [...octets.slice(0, -1), last].join(".");
  await replace(place, service({ ip: "", name: "other" }));
  const { spec: other } = await read<Service>(
    kube,
    path.replace(/web$/, "other"),
  );
  const address = await replace(place, service({ ip: other.clusterIP }));
  await refused(address, place, { code: "invalid", path, before });
  const [{ nodePort } = { nodePort: 0 }] = other.ports;
  const ported = await replace(place, service({ ip, port: nodePort }));
  match(
    ported.last.message,
    /nodePort: .* provided port is already allocated$/,
  );
  deepStrictEqual(await read<Service>(kube, path), before);
  const run = await replace(place, service({ ip, port: port?.nodePort ?? 0 }));
  deepStrictEqual(changes(run), ["Service/web: created"], run.last.message);
  const after = await read<Service>(kube, path);
  strictEqual(after.spec.clusterIP, ip);
  deepStrictEqual(after.spec.ports, before.spec.ports);
});

/** Sets a quota, and waits until the server has counted what there is. */
async function limit(
  { kube, namespace }: Place,
  hard: Readonly<Record<string, string>>,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  const body = { metadata: { name: "small" }, spec: { hard } };
  await write(kube, path, { ...JSON_POST, body });
  await until(async () => {
    const { status: { used } } = await read<
      { readonly status: { readonly used?: unknown } }
    >(kube, `${path}/small`);
    return used !== undefined;
  });
}

const secret = (value: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nimmutable: true\nstringData: {k: ${value}}\n`;

Deno.test("option replace_immutable: a quota that is full has room for the new one in place of the old", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const path = `/api/v1/namespaces/${namespace}/secrets/s`;
  await replace(place, secret("old"));
  const before = await read<Live>(kube, path);
  await limit(place, { "count/secrets": "1" });
  const run = await replace(place, secret("new"));
  deepStrictEqual(changes(run), ["Secret/s: created"], run.last.message);
  const after = await read<Live>(kube, path);
  deepStrictEqual(after.data, { k: btoa("new") });
  notStrictEqual(after.metadata.uid, before.metadata.uid);
});

/** What the server says for as long as a quota counts what was deleted. */
const FULL = status(
  403,
  'secrets "s" is forbidden: exceeded quota: small, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1',
  { reason: "Forbidden" },
);

for (const times of [2, Infinity]) {
  const what = times === Infinity
    ? "what fails once the old one is gone says that it is"
    : "a quota that counts the old one for a moment is waited for";
  Deno.test(`option replace_immutable: ${what}`, async () => {
    await using place = await openPlace();
    const { namespace, kube } = place;
    await replace(place, secret("old"));
    await using proxy = await FaultProxy.open({
      server: kube.server,
      caPem: kube.address.caPem,
    });
    await using access = await proxied(proxy, kube, { namespace });
    await using executor = await openPlugin(access.config);
    let isGone = false;
    let left = times;
    proxy.onRequest = ({ method, path }) => {
      if (method === "DELETE") isGone = true;
      const isNew = isGone && method === "PATCH" && path.includes("/s?");
      return isNew && left-- > 0 ? FULL : undefined;
    };
    const run = await runEvent(executor, [secret("new")], {
      payload: { ...PAYLOAD, timeout: "3s" },
    });
    if (times !== Infinity) {
      deepStrictEqual(changes(run), ["Secret/s: created"], run.last.message);
      return;
    }
    strictEqual(run.last.error?.code, "denied");
    match(run.last.message, /; the old one was deleted before that$/);
    const gone = await kube.fetch(`/api/v1/namespaces/${namespace}/secrets/s`);
    await gone.body?.cancel();
    strictEqual(gone.status, 404);
  });
}

Deno.test("option replace_immutable: a quota without room for more than the old one had takes nothing away", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const path = `/api/v1/namespaces/${namespace}/services/web`;
  await replace(place, service({ ip: "", type: "ClusterIP" }));
  await limit(place, { "services.nodeports": "0" });
  const before = await read<Live>(kube, path);
  const run = await replace(
    place,
    service({ ip: "10.0.0.78", type: "NodePort" }),
  );
  await refused(run, place, { code: "denied", path, before });
  match(run.last.message, /exceeded quota/);
});

Deno.test("option replace_immutable: a Job of another image is made anew", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/j`;
  const job = (image: string) =>
    `apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec:
  suspend: true
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: ${image}}]}
`;
  await replace(place, job("one"));
  const before = await read<Live>(kube, path);
  const run = await replace(place, job("two"));
  deepStrictEqual(changes(run), ["Job/j: created"], run.last.message);
  const after = await read<Live>(kube, path);
  notStrictEqual(after.metadata.uid, before.metadata.uid);
});
