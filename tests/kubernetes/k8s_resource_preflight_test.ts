import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { PolicyRule } from "@transporter/plugins/rights";
import { FaultProxy, status } from "../fault_proxy.ts";
import { actAs } from "./identity.ts";
import { freshNamespace } from "./cluster.ts";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  type Run,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A place, and a ServiceAccount in it with some rights. */
interface Limited extends AsyncDisposable {
  readonly place: Place;
  readonly proxy: FaultProxy;
  /** Runs an event with those rights. */
  run(
    manifests: readonly unknown[],
    payload?: Readonly<Record<string, unknown>>,
  ): Promise<Run>;
}

async function open(...rules: readonly PolicyRule[]): Promise<Limited> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const { kube, namespace } = place;
  const name = "limited";
  const metadata = { name, namespace };
  const given = await runEvent(place.executor, [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${RBAC}/v1`, kind: "Role", metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: RBAC, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ]);
  strictEqual(given.last.state, "completed", given.last.message);
  const account = stack.use(await actAs(kube, metadata));
  const [verb] = rules.at(-1)?.verbs ?? [];
  await until(async () =>
    [...await account.rights(namespace)]
      .some((right) => right.startsWith(`${verb} ${rules.at(-1)?.apiGroups}/`))
  );
  const proxy = stack.use(
    await FaultProxy.open({ server: kube.server, caPem: kube.address.caPem }),
  );
  const access = stack.use(await proxied(proxy, kube, { namespace }));
  const executor = stack.use(await openPlugin(access.config));
  const as = { service_account: `${namespace}/${name}` };
  const all = stack.move();
  return {
    place,
    proxy,
    run: (manifests, payload = {}) =>
      runEvent(executor, manifests, { payload: { ...payload, as } }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const WRITE = ["get", "create", "patch"];

function rule(
  resource: string,
  verbs: readonly string[],
  group = "",
): PolicyRule {
  return { apiGroups: [group], resources: [resource], verbs };
}

async function isThere(place: Place, name: string): Promise<boolean> {
  const path = configMapPath(place.namespace, name);
  const answer = await place.kube.fetch(path);
  await answer.body?.cancel();
  return answer.ok;
}

const reviews = ({ proxy }: Limited) =>
  proxy.seen.filter(({ path }) => path.includes("/selfsubject"))
    .map(({ path }) => path.slice(path.lastIndexOf("/") + 1));

Deno.test("preflight.access: an event that lacks a right for its third object does not begin with the first", async () => {
  await using limited = await open(
    rule("deployments", ["get"], "apps"),
    rule("configmaps", WRITE),
  );
  const { place } = limited;
  const { namespace } = place;
  const run = await limited.run([
    configMap(namespace, "a"),
    configMap(namespace, "b"),
    deployment(namespace, "c"),
  ]);
  strictEqual(run.last.error?.code, "denied");
  match(
    run.last.message,
    /^Cannot apply Deployment "c" in namespace ".*": the ServiceAccount ".*\/limited" cannot patch resource "deployments" in API group "apps" in the namespace ".*" \(and 1 more\), so nothing was begun/,
  );
  deepStrictEqual(changes(run), [
    "ConfigMap/a: not_attempted",
    "ConfigMap/b: not_attempted",
    "Deployment/c: not_attempted",
  ]);
  const right = { namespace, group: "apps", resource: "deployments" };
  deepStrictEqual(run.last.error?.details?.["missing"], [
    { ...right, name: "c", verb: "patch" },
    { ...right, name: "c", verb: "create" },
  ]);
  strictEqual(await isThere(place, "a"), false);
});

Deno.test("preflight.access: what belongs to the whole cluster is asked for there", async () => {
  // In a Role such a rule has no effect.
  await using limited = await open({
    apiGroups: ["*"],
    resources: ["*"],
    verbs: ["*"],
  });
  const { place } = limited;
  const { namespace } = place;
  const run = await limited.run([
    configMap(namespace, "a"),
    `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: ${namespace}}, value: 1}`,
  ]);
  match(
    run.last.message,
    /cannot patch resource "priorityclasses" in API group "scheduling.k8s.io" at the cluster scope/,
  );
  strictEqual(await isThere(place, "a"), false);
});

Deno.test("preflight.access: a right for objects that are there, or not, is not missed", async () => {
  await using limited = await open(
    rule("secrets", WRITE),
    rule("configmaps", ["get", "patch"]),
  );
  const { place } = limited;
  const { namespace } = place;
  const secret = (name: string) =>
    `{apiVersion: v1, kind: Secret, metadata: {name: ${name}, namespace: ${namespace}}}`;
  const maps = [configMap(namespace, "a", "c: d"), secret("s")];
  const absent = await limited.run(maps);
  match(absent.last.message, /cannot create resource "configmaps"/);
  await runEvent(place.executor, [configMap(namespace, "a")]);
  const present = await limited.run(maps);
  deepStrictEqual(changes(present), [
    "ConfigMap/a: configured",
    "Secret/s: created",
  ]);
  const gone = await limited.run([
    configMap(namespace, "x1"),
    configMap(namespace, "x2"),
  ], { operation: "delete" });
  deepStrictEqual(changes(gone), [
    "ConfigMap/x1: unchanged",
    "ConfigMap/x2: unchanged",
  ], gone.last.message);
  const kept = await limited.run(maps, { operation: "delete" });
  match(
    kept.last.message,
    /^Cannot delete ConfigMap "a".* cannot delete resource "configmaps"/,
  );
});

Deno.test("preflight.access: a right that names objects counts for these", async () => {
  await using limited = await open({
    ...rule("configmaps", WRITE),
    resourceNames: ["a", "b"],
  });
  const { namespace } = limited.place;
  const named = await limited.run([
    configMap(namespace, "a"),
    configMap(namespace, "b"),
  ]);
  strictEqual(named.last.state, "completed", named.last.message);
  const other = await limited.run([
    configMap(namespace, "a"),
    configMap(namespace, "c"),
  ]);
  match(other.last.message, /^Cannot apply ConfigMap "c"/);
});

Deno.test("preflight.access: a right that the event gives to itself is not missed", async () => {
  await using limited = await open(
    rule("rolebindings", WRITE, RBAC),
    {
      ...rule("clusterroles", ["bind"], RBAC),
      resourceNames: ["edit"],
    },
  );
  const { namespace } = limited.place;
  const binding = (name: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind: "RoleBinding",
    metadata: { name: `edit-${name}`, namespace },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  });
  const other = await limited.run([
    binding("other"),
    configMap(namespace, "a"),
  ]);
  match(other.last.message, /cannot patch resource "configmaps"/);
  // The server may need a moment to know the binding, so the object can be denied; the binding was begun.
  const own = await limited.run([
    binding("limited"),
    configMap(namespace, "a"),
  ]);
  strictEqual(changes(own)[0], "RoleBinding/edit-limited: created");
});

Deno.test("preflight.cost: one object asks for no review, and several events for one", async () => {
  await using limited = await open(rule("configmaps", WRITE));
  const { namespace } = limited.place;
  const maps = [configMap(namespace, "a"), configMap(namespace, "b")];
  await limited.run(maps.slice(0, 1));
  await limited.run(maps, { operation: "get", fields: [".data"] });
  await limited.run(maps, { operation: "diff" });
  deepStrictEqual(reviews(limited), []);
  await limited.run(maps);
  await limited.run(maps);
  await limited.run(maps);
  deepStrictEqual(reviews(limited), ["selfsubjectrulesreviews"]);
  const looks = limited.proxy.seen.filter(({ path }) =>
    path === `/api/v1/namespaces/${namespace}`
  );
  strictEqual(looks.length, 1);
});

Deno.test("preflight.access: a server that answers no reviews refuses by itself", async () => {
  await using limited = await open(rule("configmaps", WRITE));
  const { proxy, place } = limited;
  const { namespace } = place;
  proxy.inject({
    path: /\/selfsubject/,
    fault: status(403, "Forbidden"),
    times: 100,
  });
  const run = await limited.run([
    configMap(namespace, "a"),
    deployment(namespace, "c"),
  ]);
  strictEqual(run.last.error?.code, "denied");
  deepStrictEqual(changes(run), [
    "ConfigMap/a: created",
    "Deployment/c: failed",
  ]);
});

Deno.test("preflight.namespace: an event into a namespace that is being deleted is not begun", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  await using other = await freshNamespace(kube);
  const held = configMap(other.name, "held").replace(
    "metadata:",
    "metadata:\n  finalizers: [example.com/held]",
  );
  await runEvent(executor, [held]);
  await write(kube, `/api/v1/namespaces/${other.name}`, {
    method: "DELETE",
  });
  const run = await runEvent(executor, [
    configMap(namespace, "a"),
    configMap(other.name, "b"),
  ]);
  strictEqual(run.last.error?.code, "conflict");
  match(
    run.last.message,
    new RegExp(
      `^Cannot apply objects in namespace "${other.name}": it is being deleted, so nothing was begun`,
    ),
  );
  deepStrictEqual(changes(run), [
    "ConfigMap/a: not_attempted",
    "ConfigMap/b: not_attempted",
  ]);
  await write(kube, configMapPath(other.name, "held"), {
    method: "PATCH",
    body: { metadata: { finalizers: null } },
  });
});

Deno.test("preflight.grants: an event with a role that may not be granted is not begun", async () => {
  await using limited = await open(
    rule("configmaps", WRITE),
    rule("rolebindings", WRITE, RBAC),
    rule("roles", WRITE, RBAC),
  );
  const { place } = limited;
  const { namespace } = place;
  const role = (resource: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind: "Role",
    metadata: { name: `made-${resource}`, namespace },
    rules: [{ apiGroups: [""], resources: [resource], verbs: ["get"] }],
  });
  const binding = (kind: string, name: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind: "RoleBinding",
    metadata: { name: `made-${name}`, namespace },
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: [{ kind: "ServiceAccount", name: "somebody", namespace }],
  });
  for (const granting of [role("secrets"), binding("ClusterRole", "view")]) {
    const run = await limited.run([configMap(namespace, "a"), granting]);
    strictEqual(run.last.error?.code, "denied");
    match(
      run.last.message,
      /attempting to grant RBAC permissions not currently held.*; nothing was begun$/s,
    );
    strictEqual(await isThere(place, "a"), false);
  }
  const own = await limited.run([
    configMap(namespace, "a"),
    role("configmaps"),
    binding("Role", "made-configmaps"),
  ]);
  strictEqual(own.last.state, "completed", own.last.message);
});
