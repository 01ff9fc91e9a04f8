import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  AGENT,
  type PolicyRule,
  PRESETS,
  TENANT,
} from "@transporter/plugins/rights";
import { isDeepStrictEqual } from "node:util";
import { until } from "../until.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { actAs, type Identity, rightsIn } from "./identity.ts";
import {
  changes,
  configMap,
  deployment,
  openPlugin,
  runEvent,
  thingDefinition,
} from "./k8s_resource.ts";

/** An agent with the rights of presets, in place of a cluster-wide installation. */
interface Installed extends AsyncDisposable {
  readonly agent: Identity;
  /** Somebody without any binding. */
  readonly nobody: Identity;
  /** The namespaces: of the agent, one that it manages, and another one. */
  readonly home: string;
  readonly managed: string;
  readonly other: string;
}

/** Applies the manifests of presets, with names of this test where they name the whole cluster's. */
async function install(...presets: readonly string[]): Promise<Installed> {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: home } = stack.use(await freshNamespace(kube));
  const { name: managed } = stack.use(await freshNamespace(kube));
  const { name: other } = stack.use(await freshNamespace(kube));
  const admin = stack.use(await openPlugin({ kubeconfig: kube.kubeconfig }));
  const manifests = await Promise.all(
    ["base", ...presets].map(async (preset) =>
      (await Deno.readTextFile(
        new URL(`../../deploy/rights/${preset}.yaml`, import.meta.url),
      ))
        .replaceAll(/(name(?:space)?): transporter$/gm, `$1: ${home}`)
        .replaceAll("namespace: apps", `namespace: ${managed}`)
        .replaceAll("transporter-agent-", `${home}-`)
    ),
  );
  const nobody = `apiVersion: v1
kind: ServiceAccount
metadata: {name: nobody, namespace: ${home}}`;
  const run = await runEvent(admin, [...manifests, nobody]);
  strictEqual(run.last.state, "completed", run.last.message);
  const account = { ...AGENT, namespace: home };
  const installed = {
    agent: stack.use(await actAs(kube, account)),
    nobody: stack.use(await actAs(kube, { ...account, name: "nobody" })),
    home,
    managed,
    other,
  };
  const all = stack.move();
  return { ...installed, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Waits for rights: the API server takes a moment to know of a binding that it has just stored. */
async function come(
  rights: () => Promise<readonly string[]>,
  wanted: readonly string[],
): Promise<void> {
  let found = await rights();
  const isSo = async () => isDeepStrictEqual(found = await rights(), wanted);
  await until(isSo, { waitMs: 10_000 }).catch(() => {}); // what is told is what differs
  deepStrictEqual(found, wanted);
}

for (const { name, scope, rules } of PRESETS) {
  if (scope === "agent") continue;
  Deno.test(`the manifests of the preset ${name} allow what it says, and nothing else`, async () => {
    await using all = await install(...name === "base" ? [] : [name]);
    const { agent, nobody, home, managed, other } = all;
    async function rights(namespace: string): Promise<string[]> {
      const everybody = await nobody.rights(namespace);
      return [...await agent.rights(namespace)]
        .filter((right) => !everybody.has(right)).sort();
    }
    const everybody = await nobody.rights(other);
    const rulesOf = (wanted: string) =>
      PRESETS.find((preset) => preset.name === wanted)?.rules ?? [];
    const expected = (...more: readonly PolicyRule[]) =>
      [...rightsIn([...rulesOf("base"), ...more])]
        .filter((right) => !everybody.has(right)).sort();
    const everywhere = scope === "cluster" ? rules : [];
    await come(() => rights(managed), expected(...rules));
    await come(() => rights(other), expected(...everywhere));
    await come(
      () => rights(home),
      expected(...rulesOf("lease"), ...everywhere),
    );
  });
}

/** What an agent tries, and the refusal that it gets; absent: it is done. */
interface Attempt {
  readonly what: string;
  readonly manifest: (where: Installed) => string;
  readonly refused?: RegExp;
}

const role = (where: Installed, resource: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: made, namespace: ${where.managed}}
rules:
- {apiGroups: [""], resources: [${resource}], verbs: [list]}
`;

const binding = (where: Installed, name: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ${name}, namespace: ${where.managed}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${name}}
subjects:
- {kind: ServiceAccount, name: default, namespace: ${where.managed}}
`;

const ATTEMPTS: Readonly<Record<string, readonly Attempt[]>> = {
  observe: [
    {
      what: "a ConfigMap",
      manifest: ({ managed }) => configMap(managed, "a"),
      refused: /cannot patch resource "configmaps" in API group ""/,
    },
  ],
  namespace: [
    {
      what: "a ConfigMap",
      manifest: ({ managed }) => configMap(managed, "a"),
    },
    {
      what: "a Secret",
      manifest: ({ managed }) =>
        `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: ${managed}}, stringData: {a: b}}`,
    },
    {
      what: "a ConfigMap of another namespace",
      manifest: ({ other }) => configMap(other, "a"),
      refused:
        /cannot patch resource "configmaps" in API group "" in the namespace "test-/,
    },
    {
      what: "a Role",
      manifest: (where) => role(where, "configmaps"),
      refused:
        /cannot patch resource "roles" in API group "rbac.authorization.k8s.io"/,
    },
    {
      what: "a Namespace",
      manifest: ({ managed }) =>
        `{apiVersion: v1, kind: Namespace, metadata: {name: ${managed}-x}}`,
      refused: /cannot patch resource "namespaces" in API group ""/,
    },
  ],
  platform: [
    {
      what: "a Namespace",
      manifest: ({ managed }) =>
        `{apiVersion: v1, kind: Namespace, metadata: {name: ${managed}, labels: {seen: "1"}}}`,
    },
    {
      what: "a definition of a kind",
      manifest: ({ managed }) => thingDefinition(`${managed}.example.com`),
    },
    {
      what: "a binding of a role that it may bind",
      manifest: (where) => binding(where, "view"),
    },
    {
      what: "a binding of another one",
      manifest: (where) => binding(where, "admin"),
      refused: /is attempting to grant RBAC permissions not currently held/,
    },
    {
      what: "a Role that allows what it may do itself",
      manifest: (where) => role(where, "limitranges"),
    },
    {
      what: "a Role that allows more",
      manifest: (where) => role(where, "secrets"),
      refused: /is attempting to grant RBAC permissions not currently held/,
    },
    {
      what: "a Deployment",
      manifest: ({ managed }) => deployment(managed, "a"),
      refused: /cannot patch resource "deployments" in API group "apps"/,
    },
  ],
};

for (const [preset, attempts] of Object.entries(ATTEMPTS)) {
  Deno.test(`an agent with the preset ${preset} does what it may, and is told which right it lacks`, async () => {
    await using all = await install(preset);
    await using executor = await all.agent.executor(all.managed);
    for (const { what, manifest, refused } of attempts) {
      const run = await runEvent(executor, [manifest(all)]);
      if (refused === undefined) {
        strictEqual(
          run.last.state,
          "completed",
          `${what}: ${run.last.message}`,
        );
        continue;
      }
      strictEqual(run.last.error?.code, "denied", `${what}: ${changes(run)}`);
      match(run.last.message, refused);
      match(run.last.message, /^Cannot apply /);
    }
  });
}

Deno.test("an agent with the presets namespace and namespace-delete removes what is in its namespaces", async () => {
  await using all = await install("namespace", "namespace-delete");
  const { agent, managed, other } = all;
  await using executor = await agent.executor(managed);
  await runEvent(executor, [configMap(managed, "a")]);
  const path = (namespace: string) =>
    `/api/v1/namespaces/${namespace}/configmaps/a`;
  strictEqual((await agent.ask("DELETE", path(managed))).status, 200);
  strictEqual((await agent.ask("DELETE", path(other))).status, 403);
});

Deno.test("an agent with the preset impersonate acts as the named ServiceAccount, and has no rights besides", async () => {
  await using all = await install("impersonate");
  const { agent, managed } = all;
  const tenant = `system:serviceaccount:${managed}:${TENANT}`;
  const me = { body: {}, as: tenant };
  const review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const { body } = await agent.ask("POST", review, me);
  deepStrictEqual(
    (body.status as { userInfo: { username: string } }).userInfo.username,
    tenant,
  );
  const another = `system:serviceaccount:${managed}:default`;
  const refused = await agent.ask("POST", review, { body: {}, as: another });
  strictEqual(refused.status, 403);
  match(
    String(refused.body.message),
    /cannot impersonate resource "serviceaccounts"/,
  );
  await using executor = await agent.executor(managed);
  const run = await runEvent(executor, [configMap(managed, "a")]);
  strictEqual(run.last.error?.code, "denied");
});
