import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  type ApiObject,
  generateRights,
  type PolicyRule,
  type RightsRequest,
} from "@transporter/plugins/rights";
import { systemClock, systemRng } from "@transporter/sdk";
import { FaultProxy, type SeenRequest } from "../fault_proxy.ts";
import { actAs, type Identity, rightsIn } from "./identity.ts";
import {
  changes,
  configMap,
  deployment,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  type Run,
  runEvent,
  thingDefinition,
  until,
} from "./k8s_resource.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

const SURROUNDINGS = {
  clock: systemClock,
  rng: systemRng,
  signal: new AbortController().signal,
};

/** An example, in a namespace and with kinds of this test alone. */
async function example(name: string, namespace: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(name, EXAMPLES));
  return text
    .replaceAll("transporter-test", `${namespace}-x`)
    .replaceAll("transporter-demo", `${namespace}-x`)
    .replaceAll("namespace: default", `namespace: ${namespace}`)
    .replaceAll("greetings.example.com", `${namespace}.example.com`);
}

/** The rights for manifests, given to a ServiceAccount. */
interface Given extends AsyncDisposable {
  readonly place: Place;
  /** Sees every request. */
  readonly proxy: FaultProxy;
  readonly account: Identity;
  readonly objects: readonly ApiObject[];
  /** Runs an event as the ServiceAccount. */
  run(payload?: Readonly<Record<string, unknown>>): Promise<Run>;
  /** Takes a right away, until the server knows. */
  without(verb: string, resource: string): Promise<AsyncDisposable>;
}

function rulesOf(objects: readonly ApiObject[]): PolicyRule[] {
  return objects.flatMap(({ rules = [] }) => rules as PolicyRule[]);
}

/** The namespace of an object. */
function placeOf({ metadata }: ApiObject): string | undefined {
  return (metadata as { readonly namespace?: string }).namespace;
}

/** The roles without a verb for a resource. */
function reduced(
  objects: readonly ApiObject[],
  { verb, resource }: { readonly verb: string; readonly resource: string },
): ApiObject[] {
  return objects.map((object) =>
    object.rules === undefined ? object : {
      ...object,
      rules: (object.rules as PolicyRule[]).map((rule) =>
        rule.resources?.includes(resource)
          ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) }
          : rule
      ).filter(({ verbs }) => verbs.length > 0),
    }
  );
}

async function give(
  manifestsFor: (place: Place) => Promise<readonly string[]>,
  request: Partial<RightsRequest> = {},
): Promise<Given> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const { kube, namespace, executor } = place;
  const proxy = stack.use(
    await FaultProxy.open({
      server: kube.server,
      caPem: kube.address.caPem,
    }),
  );
  const access = stack.use(
    await proxied(proxy, kube, { namespace, kube_events: true }),
  );
  const agent = stack.use(await openPlugin(access.config));
  const manifests = await manifestsFor(place);
  const name = `${namespace}-agent`;
  const { objects } = await generateRights({
    manifests,
    namespace,
    name,
    account: { namespace, name },
    deletes: false,
    waits: true,
    anyName: false,
    tells: true,
    ...request,
  }, SURROUNDINGS);
  async function apply(all: readonly ApiObject[]): Promise<void> {
    const { last } = await runEvent(executor, all);
    strictEqual(last.state, "completed", last.message);
  }
  // Namespaces have to be there before their Roles, which is what a note says.
  const places = [...new Set(objects.map(placeOf))]
    .map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    }))
    .filter((each) => each.metadata.name !== undefined);
  await apply([...places, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace },
  }]);
  await apply(objects);
  const account = stack.use(await actAs(kube, { namespace, name }));
  /** Waits until the server knows exactly these rights. */
  async function known(given: readonly ApiObject[]): Promise<void> {
    for (const role of objects.filter(({ rules }) => rules !== undefined)) {
      const place = placeOf(role);
      const now = given.filter((each) => placeOf(each) === place);
      const rights = rightsIn(rulesOf(now));
      await until(async () => {
        const has = await account.rights(place ?? namespace);
        return [...rightsIn(rulesOf([role]))]
          .every((right) => has.has(right) === rights.has(right));
      });
    }
  }
  await known(objects);
  const all = stack.move();
  return {
    place,
    proxy,
    account,
    objects,
    run: (payload = {}) =>
      runEvent(agent, manifests, {
        payload: {
          ...payload,
          as: { service_account: `${namespace}/${name}` },
        },
      }),
    async without(verb, resource) {
      const less = reduced(objects, { verb, resource });
      await apply(less);
      await known(less);
      return {
        async [Symbol.asyncDispose]() {
          await apply(objects);
          await known(objects);
        },
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What a request has to be allowed, as {@linkcode rightsIn} writes it. */
function rightsOf({ method, path }: SeenRequest): string[] {
  const url = new URL(path, "http://server");
  const [, group = "", rest = ""] =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/[^/]+(?=\/))?\/(.*)$/
      .exec(url.pathname) ?? [];
  // Discovery, and questions about oneself, which everybody may ask.
  if (rest === "" || rest.startsWith("selfsubject")) return [];
  const [resource = "", inPath] = rest.split("/");
  const selected = /^metadata\.name=(.*)$/
    .exec(url.searchParams.get("fieldSelector") ?? "")?.[1];
  const name = inPath ?? selected;
  const what = `${group}/${resource}${
    name === undefined ? "" : ` "${decodeURIComponent(name)}"`
  }`;
  const verbs: Readonly<Record<string, readonly string[]>> = {
    GET: inPath !== undefined
      ? ["get"]
      : url.searchParams.has("watch")
      ? ["watch"]
      : ["list"],
    POST: ["create"],
    PATCH: ["patch", "create"],
    DELETE: ["delete"],
  };
  return (verbs[method] ?? [method]).map((verb) => `${verb} ${what}`);
}

for (const name of ["namespace.yaml", "demo.yaml", "nginx.yaml"]) {
  Deno.test(`rbac.generate: an event with examples/${name} needs the rights that are printed for it, and uses each of them`, async () => {
    await using given = await give(
      async ({ namespace }) => [await example(name, namespace)],
      { deletes: true },
    );
    // No kubelet runs pods here, so what waits says why until time is up.
    const state = name === "nginx.yaml" ? "not_ready" : undefined;
    const applied = await given.run({ timeout: "5s" });
    strictEqual(applied.last.error?.code, state, applied.last.message);
    deepStrictEqual(
      applied.warnings.filter((text) => !text.includes("is unchecked")),
      [],
    );
    const deleted = await given.run({ operation: "delete", timeout: "20s" });
    strictEqual(deleted.last.state, "completed", deleted.last.message);
    const rights = rightsIn(rulesOf(given.objects));
    await until(() =>
      Promise.resolve(
        given.proxy.seen.some(({ path }) => path.startsWith("/apis/events.")),
      )
    );
    const anyName = (right: string) => right.replace(/ "[^"]*"$/, "");
    const asked = given.proxy.seen.flatMap(rightsOf);
    deepStrictEqual(
      asked.filter((right) =>
        !rights.has(right) && !rights.has(anyName(right))
      ),
      [],
    );
    // What is ready at once is not watched, and needs no explanation; what a role grants is used by others. An
    // autoscaler is looked for only where replicas would change, as they do in the test below.
    const used = new Set(asked.flatMap((right) => [right, anyName(right)]));
    const spare = [...rights].filter((right) =>
      !used.has(right) &&
      !/^watch |^list (\/events|autoscaling\/horizontalpodautoscalers)$/.test(
        right,
      )
    );
    deepStrictEqual(spare, name === "demo.yaml" ? ["list /configmaps"] : []);
  });
}

Deno.test("rbac.generate: a manifest that leaves its replicas to an autoscaler has the right to find it, and uses it", async () => {
  const handedOver = (namespace: string) =>
    deployment(namespace, "web").replace("  replicas: 1\n", "");
  await using given = await give(
    ({ namespace }) => Promise.resolve([handedOver(namespace)]),
    { waits: false },
  );
  const { place: { namespace, executor }, proxy } = given;
  const autoscaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: ${namespace}}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 9}
`;
  const before = deployment(namespace, "web").replace(
    "replicas: 1",
    "replicas: 5",
  );
  const { last } = await runEvent(executor, [before, autoscaler], {
    payload: { wait: "none" },
  });
  strictEqual(last.state, "completed", last.message);
  const run = await given.run({ wait: "none" });
  strictEqual(run.last.error?.code, "conflict", run.last.message);
  match(run.last.message, /HorizontalPodAutoscaler "web" .* are 5, and not 1/);
  const right = "list autoscaling/horizontalpodautoscalers";
  strictEqual(proxy.seen.flatMap(rightsOf).includes(right), true);
});

Deno.test("rbac.generate: without one of the verbs an event is denied, and told which", async () => {
  await using given = await give(
    ({ namespace }) =>
      Promise.resolve([configMap(namespace, "a"), deployment(namespace, "b")]),
    { deletes: true, waits: false },
  );
  for (const resource of ["configmaps", "deployments"]) {
    for (const verb of ["create", "patch"]) {
      await using _without = await given.without(verb, resource);
      const { last } = await given.run({ wait: "none" });
      strictEqual(last.error?.code, "denied", `${verb} ${resource}`);
      match(last.message, new RegExp(`cannot ${verb} resource "${resource}"`));
    }
  }
  strictEqual((await given.run({ wait: "none" })).last.state, "completed");
  for (const verb of ["get", "delete"]) {
    await using _without = await given.without(verb, "deployments");
    const { last } = await given.run({ operation: "delete", wait: "none" });
    strictEqual(last.error?.code, "denied", verb);
    match(last.message, new RegExp(`cannot ${verb} resource "deployments"`));
  }
  const gone = await given.run({ operation: "delete", wait: "none" });
  strictEqual(gone.last.state, "completed", gone.last.message);
});

Deno.test("generateRights() asks a cluster for kinds that nobody else knows", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const thing = `{apiVersion: ${group}/v1, kind: Thing, metadata: {name: a}}`;
  const request = {
    manifests: [thing],
    namespace,
    name: "agent",
    account: { namespace, name: "agent" },
    deletes: false,
    waits: false,
    anyName: false,
    tells: false,
    cluster: { kubeconfig: kube.kubeconfig },
  };
  const refused = await generateRights(request, SURROUNDINGS)
    .catch((error) => error);
  strictEqual(refused.code, "unknown_kind");
  match(refused.message, /the cluster has (no )?"Thing" in/);
  await runEvent(executor, [thingDefinition(group)]);
  await until(async () => {
    const answer = await kube.fetch(`/apis/${group}/v1`);
    await answer.body?.cancel();
    return answer.ok;
  });
  let rules: readonly PolicyRule[] = [];
  await until(async () => {
    try {
      rules = rulesOf((await generateRights(request, SURROUNDINGS)).objects);
    } catch (error) {
      if ((error as { code?: string }).code !== "unknown_kind") throw error;
    }
    return rules.length > 0;
  });
  deepStrictEqual(rules, [{
    apiGroups: [group],
    resources: ["things"],
    resourceNames: ["a"],
    verbs: ["get", "create", "patch"],
  }]);
});

Deno.test("rbac.generate: an ApplySet is pruned with the rights that are printed for it", async () => {
  await using given = await give(
    ({ namespace }) => Promise.resolve([configMap(namespace, "a")]),
    { applySet: "team", waits: false },
  );
  const { place: { namespace, executor } } = given;
  const payload = { apply_set: "team" };
  const both = [configMap(namespace, "a"), configMap(namespace, "b")];
  await runEvent(executor, both, { payload });
  const pruned = await given.run({ ...payload, wait: "none" });
  deepStrictEqual(changes(pruned), [
    "ConfigMap/a: unchanged",
    "ConfigMap/b: deleted",
  ], pruned.last.message);
  await using _without = await given.without("delete", "configmaps");
  await runEvent(executor, both, { payload });
  const denied = await given.run({ ...payload, wait: "none" });
  match(denied.last.message, /cannot delete resource "configmaps"/);
});
