import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { status } from "../fault_proxy.ts";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  configMap,
  configMapPath,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

/** What of it is looked at. */
interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
}

/** An executor behind a proxy, which has made three objects and so takes the next one for new. */
async function open(rest: Readonly<Record<string, unknown>> = {}) {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await executorBehindProxy(rest));
  const { namespace, proxy, executor } = place;
  for (const name of ["a", "b", "c"]) {
    await runEvent(executor, [configMap(namespace, name)]);
  }
  proxy.seen.length = 0;
  const all = stack.move();
  return {
    ...place,
    /** The requests since then, without what they all have. */
    methods: () =>
      proxy.seen.map(({ method, path }) =>
        `${method} ${/configmaps\/(.*?)(\?|$)/.exec(path)?.[1]}`
      ),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

Deno.test("after three new objects the next one is a single apply, of an object that is not there", async () => {
  await using place = await open();
  const { executor, namespace, kube, methods } = place;
  const run = await runEvent(executor, [configMap(namespace, "d")]);
  strictEqual(run.objects[0]?.status, "created");
  deepStrictEqual(methods(), ["PATCH d"]);
  const live = await read<ConfigMap>(kube, configMapPath(namespace, "d"));
  deepStrictEqual(live.data, { a: "b" });
});

Deno.test("one that is there after all is looked at before anything is done, and the next one, too", async () => {
  await using place = await open();
  const { executor, namespace, kube, methods } = place;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  for (
    const [name, labels] of Object.entries({
      other: {},
      flux: { "kustomize.toolkit.fluxcd.io/name": "shop" },
    })
  ) {
    await write(kube, path, {
      method: "POST",
      type: "application/json",
      body: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, labels },
        data: { c: "d" },
      },
    });
  }
  const run = await runEvent(executor, [configMap(namespace, "other")]);
  strictEqual(run.objects[0]?.status, "configured");
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.a"]);
  deepStrictEqual(methods(), ["PATCH other", "GET other", "PATCH other"]);

  for (const name of ["e", "f", "g"]) {
    await runEvent(executor, [configMap(namespace, name)]);
  }
  place.proxy.seen.length = 0;
  const refused = await runEvent(executor, [configMap(namespace, "flux")]);
  strictEqual(refused.last.error?.code, "conflict");
  match(refused.last.message, /Flux/);
  deepStrictEqual(methods().slice(0, 2), ["PATCH flux", "GET flux"]);
  const { data } = await read<ConfigMap>(kube, `${path}/flux`);
  deepStrictEqual(data, { c: "d" });
  place.proxy.seen.length = 0;
  await runEvent(executor, [configMap(namespace, "h")]);
  deepStrictEqual(methods(), ["GET h", "PATCH h"]);
});

Deno.test("one that was made although nobody said so is called created", async () => {
  await using place = await open();
  const { executor, namespace, proxy, methods } = place;
  proxy.inject({ method: "PATCH", fault: "cut_after" });
  const run = await runEvent(executor, [configMap(namespace, "d")]);
  strictEqual(run.objects[0]?.status, "created");
  deepStrictEqual(methods(), ["PATCH d", "GET d", "PATCH d"]);
});

Deno.test("what cannot change ends the event, and what can is tried again after a look", async () => {
  await using place = await open();
  const { executor, namespace, proxy, methods } = place;
  proxy.inject({ method: "PATCH", fault: status(422, "no") });
  const refused = await runEvent(executor, [configMap(namespace, "d")]);
  strictEqual(refused.last.error?.code, "invalid");
  match(
    refused.last.message,
    /^Cannot apply ConfigMap "d" in namespace .*: no$/,
  );
  deepStrictEqual(methods(), ["PATCH d"]);

  for (
    const [code, why] of [[503, "a moment"], [
      403,
      'configmaps "h" is forbidden: User "x" cannot patch resource',
    ]] as const
  ) {
    const fault = status(code, why);
    for (const name of ["e", "f", "g"]) {
      await runEvent(executor, [configMap(namespace, `${name}-${code}`)]);
    }
    proxy.seen.length = 0;
    proxy.inject({ method: "PATCH", fault });
    const run = await runEvent(executor, [configMap(namespace, `h-${code}`)]);
    strictEqual(run.objects[0]?.status, "created");
    deepStrictEqual(methods().map((method) => method.split("-")[0]), [
      "PATCH h",
      "GET h",
      "PATCH h",
    ]);
  }
});

Deno.test("nothing is taken for new where the object that is there has a say", async () => {
  await using place = await open();
  const { executor, namespace, methods } = place;
  const payload = { create_only: true };
  const run = await runEvent(executor, [configMap(namespace, "d")], {
    payload,
  });
  strictEqual(run.objects[0]?.status, "created");
  deepStrictEqual(methods(), ["GET d", "PATCH d"]);
});
