/**
 * Networks that lie: something else answers in place of the API server, or says
 * nothing of what became of a request.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type Fault, status } from "../fault_proxy.ts";
import { kinds, maps, openBehindProxy, send } from "./apply_set.ts";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  changes,
  configMap,
  deployment,
  openPlugin,
  proxied,
  read,
  runEvent,
} from "./k8s_resource.ts";

/** What is no answer of an API server, although it is a 200 in JSON. */
const STRANGE: Readonly<Record<string, unknown>> = {
  "an empty object": {},
  "the health of something else": { status: "ok" },
  "a refusal": { kind: "Status", status: "Failure", message: "no" },
  "a success of nothing": { kind: "Status", status: "Success" },
};

Deno.test("k8s.lies: what something else answers in the API server's place is no success", async (t) => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  for (const [name, body] of Object.entries(STRANGE)) {
    await t.step(name, async () => {
      proxy.inject({ method: "PATCH", times: 2, fault: { status: 200, body } });
      const run = await runEvent(executor, [configMap(namespace, "a")]);
      proxy.heal();
      strictEqual(run.last.error?.code, "failed", run.last.message);
      match(run.last.message, /^Cannot apply ConfigMap "a" .*: the answer is/);
      match(run.last.message, /is something else at its address\?$/);
      deepStrictEqual(changes(run), ["ConfigMap/a: unknown"]);
    });
  }
});

Deno.test("k8s.lies: kinds are not taken from what something else answers", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  proxy.inject({ path: /^\/api$/, fault: { status: 200, body: {} } });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  strictEqual(run.last.error?.code, "failed", run.last.message);
  match(run.last.message, /^Cannot ask the cluster for its kinds/);
  const next = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(next), ["ConfigMap/a: created"], next.last.message);
});

Deno.test("option apply_set: a list of something else prunes nothing, and loses no member", async () => {
  await using cluster = await openBehindProxy();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n";
  await send(place, [configMap(namespace, "a"), account]);
  proxy.inject({
    method: "GET",
    path: /serviceaccounts\?labelSelector/,
    fault: { status: 200, body: {} },
  });
  const b = configMap(namespace, "b");
  const lied = await send(behind, [b]);
  strictEqual(lied.last.error?.code, "failed", lied.last.message);
  deepStrictEqual(await maps(place), ["a", "b"]);
  strictEqual(await kinds(place), "ConfigMap,ServiceAccount");
});

Deno.test("option apply_set: members whose list the server forgets each time end the event when time is up", async () => {
  await using cluster = await openBehindProxy();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  await send(place, [configMap(namespace, "a")]);
  proxy.inject({
    path: /configmaps\?labelSelector.*continue=/,
    times: 10_000,
    fault: status(410, "The provided continue parameter is too old", {
      reason: "Expired",
    }),
  });
  proxy.inject({
    path: /configmaps\?labelSelector/,
    times: 10_000,
    fault: {
      status: 200,
      body: {
        kind: "PartialObjectMetadataList",
        metadata: { continue: "more" },
        items: [],
      },
    },
  });
  const b = configMap(namespace, "b");
  const run = await send(behind, [b], { timeout: "2s" });
  strictEqual(run.last.error?.code, "cluster_unavailable", run.last.message);
  match(run.last.message, /^Cannot find the members of the ApplySet /);
  deepStrictEqual(await maps(place), ["a", "b"]);
});

/** Answers that say nothing of whether a request was done. */
const UNCLEAR: Readonly<Record<string, Fault & { readonly status: number }>> = {
  "502 of a proxy": { status: 502, body: "<html>Bad Gateway</html>" },
  "503 of a proxy": { status: 503, body: "upstream reset" },
  "504 of a proxy": { status: 504, body: "<html>Gateway Timeout</html>" },
  "504 of the server": {
    status: 504,
    body: { kind: "Status", reason: "Timeout", message: "context deadline" },
  },
  "500 of its store": {
    status: 500,
    body: { kind: "Status", message: "etcdserver: request timed out" },
  },
};

Deno.test("k8s.lies: the steps of a JSON patch are sent once, also when the answer does not say whether they were done", async (t) => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor, kube } = cluster;
  const named = [deployment(namespace, "a")];
  await runEvent(executor, named, { payload: { wait: "none" } });
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/a`;
  const container = "/spec/template/spec/containers/0";
  await runEvent(executor, named, {
    payload: {
      operation: "patch",
      patch: [{ op: "add", path: `${container}/args`, value: ["a"] }],
    },
  });
  const args = ["a"];
  for (const [name, answer] of Object.entries(UNCLEAR)) {
    await t.step(name, async () => {
      proxy.inject({ method: "PATCH", fault: { instead: answer } });
      const patch = [{ op: "add", path: `${container}/args/-`, value: name }];
      const run = await runEvent(executor, named, {
        payload: { operation: "patch", patch },
      });
      args.push(name);
      const live = await read<
        { spec: { template: { spec: { containers: [{ args: string[] }] } } } }
      >(kube, path);
      deepStrictEqual(live.spec.template.spec.containers[0].args, args);
      strictEqual(run.last.error?.code, "cluster_unavailable");
      match(run.last.message, /so nobody knows whether it was done$/);
      deepStrictEqual(changes(run), ["Deployment/a: unknown"]);
    });
  }
});

Deno.test("k8s.lies: an apply that was done behind an error is told as what it did", async (t) => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  let made = 0;
  for (const [name, answer] of Object.entries(UNCLEAR)) {
    await t.step(name, async () => {
      const once = `once-${made++}`;
      proxy.inject({ method: "PATCH", fault: { instead: answer } });
      const run = await runEvent(executor, [configMap(namespace, once)]);
      deepStrictEqual(changes(run), [`ConfigMap/${once}: created`]);
      const never = `never-${made++}`;
      proxy.inject({
        method: "PATCH",
        times: 1_000,
        fault: { instead: answer },
      });
      const lost = await runEvent(executor, [configMap(namespace, never)], {
        payload: { timeout: "1s" },
      });
      proxy.heal();
      strictEqual(lost.last.error?.code, "cluster_unavailable");
      deepStrictEqual(changes(lost), [`ConfigMap/${never}: unknown`]);
    });
  }
});

Deno.test("k8s.hang: a server that stays silent holds an event no longer than its `timeout`", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  proxy.inject({ method: "PATCH", times: 100, fault: "hang" });
  const run = await runEvent(executor, [configMap(namespace, "a")], {
    payload: { timeout: "1s" },
  });
  strictEqual(run.last.error?.code, "cluster_unavailable");
  const [, ms] = /no answer came in (\d+) ms$/.exec(run.last.message) ?? [];
  strictEqual(Number(ms) <= 1_000, true, run.last.message);
  deepStrictEqual(changes(run), ["ConfigMap/a: unknown"]);
});

/** What an API server says to everybody before it has read the rules of RBAC (seen on 1.36.3). */
function unread(verb: string): Fault {
  return status(
    403,
    `configmaps "a" is forbidden: User "system:serviceaccount:x:agent" cannot ${verb} resource "configmaps" in API group ""`,
    { reason: "Forbidden" },
  );
}

const STARTING: Fault = {
  status: 500,
  body: "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed",
};

Deno.test("k8s.start: what a server denies before it has read its rules is asked again", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  for (const fault of ["cut", unread("patch"), unread("patch")] as const) {
    proxy.inject({ method: "PATCH", fault });
  }
  proxy.inject({ path: /^\/readyz/, fault: unread("get path") });
  proxy.inject({ path: /^\/readyz/, fault: STARTING });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"], run.last.message);
  match(
    run.statuses.map(({ message }) => message).join("\n"),
    /Trying again to apply .*: the API server may still be starting: configmaps "a" is forbidden/,
  );
});

Deno.test("k8s.start: what a server denies that is ready is denied, after one question", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, executor } = cluster;
  await runEvent(executor, [configMap(namespace, "first")]);
  proxy.seen.length = 0;
  for (let events = 0; events < 2; events++) {
    proxy.inject({ method: "PATCH", fault: unread("patch") });
    const run = await runEvent(executor, [configMap(namespace, "a")]);
    strictEqual(run.last.error?.code, "denied", run.last.message);
  }
  const asked = proxy.seen.map(({ method, path }) =>
    path === "/readyz" ? path : method
  );
  deepStrictEqual(asked, ["GET", "PATCH", "/readyz", "GET", "PATCH"]);
});

Deno.test("k8s.start: rights that a server does not know of yet are asked for again before an event is refused", async () => {
  await using cluster = await executorBehindProxy();
  const { namespace, proxy, kube } = cluster;
  await using access = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(access.config);
  const says = (kind: string, status: object): Fault => ({
    status: 201,
    body: { kind, apiVersion: "authorization.k8s.io/v1", status },
  });
  proxy.onRequest = ({ path }) => {
    if (proxy.seen.some((each) => each.path === "/readyz")) return undefined;
    if (/selfsubjectrulesreviews/.test(path)) {
      return says("SelfSubjectRulesReview", { resourceRules: [] });
    }
    return /selfsubjectaccessreviews/.test(path)
      ? says("SelfSubjectAccessReview", { allowed: false })
      : undefined;
  };
  proxy.inject({ path: /^\/readyz/, fault: STARTING });
  const run = await runEvent(executor, [
    configMap(namespace, "a"),
    configMap(namespace, "b"),
  ]);
  deepStrictEqual(
    changes(run),
    ["ConfigMap/a: created", "ConfigMap/b: created"],
    run.last.message,
  );
});
