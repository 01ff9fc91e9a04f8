/**
 * What happens between two requests of an event: somebody deletes, or makes
 * anew, what was looked at a moment ago, or the server does not know yet what
 * it has told of.
 */
import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { status } from "../fault_proxy.ts";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  changes,
  configMap,
  configMapPath,
  read,
  runEvent,
  thingDefinition,
  until,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: { readonly uid: string };
  readonly data: Readonly<Record<string, string>>;
}

const HOLD = "example.com/hold";

Deno.test("an object that somebody deletes after it was looked at is waited for, and made anew", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [configMap(namespace, "a")]);
  await write(kube, path, {
    method: "PATCH",
    body: { metadata: { finalizers: [HOLD] } },
  });
  const before = await read<Live>(kube, path);
  let isDeleted = false;
  proxy.onRequest = async ({ method }) => {
    if (method === "PATCH" && !isDeleted) {
      isDeleted = true;
      await write(kube, path, { method: "DELETE" });
    }
    return undefined;
  };
  const run = await runEvent(executor, [configMap(namespace, "a", "a: c")], {
    async onStatus({ message }) {
      if (!message.startsWith("Waiting to apply")) return;
      match(
        message,
        /it is being deleted, and held by the finalizers "example/,
      );
      await write(kube, path, {
        method: "PATCH",
        body: { metadata: { finalizers: null } },
      });
    },
  });
  deepStrictEqual(changes(run), ["ConfigMap/a: created"], run.last.message);
  const after = await read<Live>(kube, path);
  notStrictEqual(after.metadata.uid, before.metadata.uid);
  deepStrictEqual(after.data, { a: "c" });
});

Deno.test("an object that somebody changes while fields of it are taken over is looked at again", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const path = configMapPath(namespace, "a");
  await write(
    kube,
    `${path.replace(/\/a$/, "")}?fieldManager=kubectl-client-side-apply`,
    {
      method: "POST",
      type: "application/json",
      body: { metadata: { name: "a" }, data: { a: "b", old: "x" } },
    },
  );
  let patches = 0;
  proxy.onRequest = async ({ method }) => {
    if (method === "PATCH" && patches++ === 0) {
      await write(kube, path, {
        method: "PATCH",
        body: { data: { other: "y" } },
      });
    }
    return undefined;
  };
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
  strictEqual(patches, 3, "refused, done for the new version, and the apply");
  deepStrictEqual((await read<Live>(kube, path)).data, { a: "b", other: "y" });
});

Deno.test("operation diff: what somebody else changes while it looks is not taken for a change of the manifests", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const manifests = [configMap(namespace, "a")];
  await runEvent(executor, manifests);
  let isLooking = true;
  proxy.onRequest = async ({ method }) => {
    if (method === "PATCH" && isLooking) {
      isLooking = false;
      await write(kube, configMapPath(namespace, "a"), {
        method: "PATCH",
        body: { data: { other: "x" } },
      });
    }
    return undefined;
  };
  const run = await runEvent(executor, manifests, {
    payload: { operation: "diff" },
  });
  deepStrictEqual(changes(run), ["ConfigMap/a: unchanged"], run.last.message);
  strictEqual(isLooking, false);
});

const sealed = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: true\ndata: {k: ${value}}\n`;

Deno.test("option replace_immutable: an object that took the name of the old one is not deleted for it", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const payload = { namespace, replace_immutable: true };
  const path = configMapPath(namespace, "a");
  await runEvent(executor, [sealed("old")], { payload });
  let uid = "";
  proxy.onRequest = async ({ method }) => {
    if (method !== "DELETE" || uid !== "") return undefined;
    await write(kube, path, { method: "DELETE" });
    await write(kube, path.slice(0, path.lastIndexOf("/")), {
      method: "POST",
      type: "application/json",
      body: { metadata: { name: "a" }, data: { other: "x" } },
    });
    uid = (await read<Live>(kube, path)).metadata.uid;
    return undefined;
  };
  const run = await runEvent(executor, [sealed("new")], { payload });
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
  const after = await read<Live>(kube, path);
  strictEqual(after.metadata.uid, uid);
  deepStrictEqual(after.data, { k: "new", other: "x" });
  deepStrictEqual(run.warnings, []);
});

Deno.test("option replace_immutable: what would take more with it is kept: Namespace", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const path = `/api/v1/namespaces/${namespace}`;
  const { metadata: { uid } } = await read<Live>(kube, path);
  // No field of it cannot change; the server may have one some day.
  proxy.inject({
    method: "PATCH",
    fault: status(422, "spec: Invalid value: field is immutable", {
      reason: "Invalid",
    }),
  });
  const run = await runEvent(executor, [
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`,
  ], { payload: { replace_immutable: true } });
  strictEqual(run.last.error?.code, "immutable", run.last.message);
  match(run.last.message, /; "replace_immutable" does not delete a Namespace/);
  strictEqual((await read<Live>(kube, path)).metadata.uid, uid);
});

Deno.test("a kind that its definition has told of is waited for when the server does not serve it yet", async () => {
  await using place = await executorBehindProxy();
  const { namespace, executor, kube, proxy } = place;
  const group = `${namespace}.example.com`;
  proxy.inject({
    method: "PATCH",
    path: /things\/t\?/,
    times: 2,
    fault: { status: 404, body: "404 page not found" },
  });
  const run = await runEvent(executor, [
    thingDefinition(group),
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${namespace}}\n`,
  ]);
  deepStrictEqual(changes(run), [
    `CustomResourceDefinition/things.${group}: created`,
    "Thing/t: created",
  ], run.last.message);
  const path =
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`;

  // The server does not let go of its names: nobody makes it anew for that.
  const { metadata: { uid } } = await read<Live>(kube, path);
  const renamed = await runEvent(executor, [
    thingDefinition(group).replace("kind: Thing,", "kind: Other,"),
  ], { payload: { replace_immutable: true } });
  strictEqual(renamed.last.error?.code, "immutable", renamed.last.message);
  match(renamed.last.message, /; "replace_immutable" does not delete a Custom/);
  strictEqual((await read<Live>(kube, path)).metadata.uid, uid);
  await write(kube, path, { method: "DELETE" });
  await until(async () => {
    const answer = await kube.fetch(path);
    await answer.body?.cancel();
    return answer.status === 404;
  });
});
