import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { FaultProxy } from "../fault_proxy.ts";
import {
  changes,
  configMap,
  deployment,
  grant,
  openPlace,
  openPlugin,
  type Place,
  proxied,
  runEvent,
  until,
} from "./k8s_resource.ts";

/** Lets somebody write ConfigMaps and Deployments, and nothing else. */
function allow(
  place: Place,
  subject: Readonly<Record<string, string>>,
): Promise<void> {
  return grant(place, subject, {
    apiGroups: ["", "apps"],
    resources: ["configmaps", "deployments"],
    verbs: ["get", "create", "patch", "delete", "list", "watch"],
  });
}

const SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";

Deno.test("option as: an event has the rights of the ServiceAccount, not the agent's", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await allow(place, { kind: "ServiceAccount", name: "deployer", namespace });
  const payload = { as: { service_account: `${namespace}/deployer` } };
  const allowed = await runEvent(executor, [configMap(namespace, "a")], {
    payload,
  });
  deepStrictEqual(changes(allowed), ["ConfigMap/a: created"]);
  const denied = await runEvent(executor, [SECRET], { payload });
  strictEqual(denied.last.error?.code, "denied");
  match(denied.last.message, /system:serviceaccount:.*:deployer/);
  strictEqual((await runEvent(executor, [SECRET])).last.state, "completed");
  const read = await runEvent(executor, [SECRET], {
    payload: { ...payload, operation: "get", fields: [".type"] },
  });
  strictEqual(
    read.last.error?.code,
    "denied",
    "what it may not see stays unseen",
  );
});

Deno.test("option as: groups are each a group of their own", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await allow(place, {
    apiGroup: "rbac.authorization.k8s.io",
    kind: "Group",
    name: "team-a",
  });
  const run = (groups: readonly string[]) =>
    runEvent(executor, [configMap(namespace, "a")], {
      payload: { as: { service_account: `${namespace}/x`, groups } },
    });
  strictEqual((await run(["others"])).last.error?.code, "denied");
  strictEqual((await run(["others", "team-a"])).last.state, "completed");
});

Deno.test("option as: the groups of ServiceAccounts come by themselves", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const run = () =>
    runEvent(executor, [configMap(namespace, "a")], {
      payload: { as: { service_account: `${namespace}/x` } },
    });
  strictEqual((await run()).last.error?.code, "denied");
  await allow(place, {
    apiGroup: "rbac.authorization.k8s.io",
    kind: "Group",
    name: `system:serviceaccounts:${namespace}`,
  });
  strictEqual((await run()).last.state, "completed");
});

Deno.test("option as: every request but discovery is made as the identity, reads and watches too", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  await allow(place, { kind: "ServiceAccount", name: "deployer", namespace });
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, {
    namespace,
    kube_events: true,
  });
  await using executor = await openPlugin(access.config);
  const as = {
    service_account: `${namespace}/deployer`,
    groups: ["a", "b"],
    extra: { "example.com/ticket": ["1", "2"] },
  };
  const web = deployment(namespace, "web");
  const manifests = [configMap(namespace, "a"), web];
  for (
    const payload of [
      { timeout: "1s" },
      { dry_run: true },
      { operation: "diff" },
      { operation: "check" },
      { operation: "get", fields: [".spec"] },
      { operation: "patch", patch: { metadata: { labels: { a: "b" } } } },
      { operation: "delete" },
    ]
  ) await runEvent(executor, manifests, { payload: { ...payload, as } });
  await until(() =>
    Promise.resolve(proxy.seen.some(({ path }) => path.endsWith("/events")))
  );
  const work = proxy.seen.filter(({ path }) =>
    !/^\/apis?(\/[^/]+\/[^/]+)?$/.test(path) && path !== "/api/v1"
  );
  ok(work.length > 20 && work.some(({ path }) => path.includes("watch=")));
  for (const request of work) {
    deepStrictEqual(request.as, [
      ["impersonate-user", `system:serviceaccount:${namespace}:deployer`],
      ["impersonate-group", "a"],
      ["impersonate-group", "b"],
      ["impersonate-extra-example.com%2fticket", "1"],
      ["impersonate-extra-example.com%2fticket", "2"],
    ], `${request.method} ${request.path}`);
  }
});

Deno.test("option as: what is no identity is refused by one sentence", async () => {
  await using place = await openPlace();
  for (
    const [as, message] of [
      ["deployer", /"as": /],
      [{ service_account: "deployer" }, /a ServiceAccount like/],
      [{ service_account: "a/b/c" }, /a ServiceAccount like/],
      [{ service_account: "a/b", user: "x" }, /"as\.user"/],
      [{ service_account: "a/b", groups: ["a\nb"] }, /printable/],
    ] as const
  ) {
    const run = await runEvent(place.executor, [SECRET], { payload: { as } });
    strictEqual(run.last.error?.code, "invalid", JSON.stringify(as));
    match(run.last.message, message);
  }
});
