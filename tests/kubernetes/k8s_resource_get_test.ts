import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { configMap, deployment, openPlace, runEvent } from "./k8s_resource.ts";

const getting = (...fields: readonly string[]) => ({
  payload: { operation: "get", fields },
});

Deno.test("operation get: reads named fields back, of every object that is named", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const web = deployment(namespace, "web");
  await runEvent(executor, [web], { payload: { wait: "none" } });
  const run = await runEvent(
    executor,
    [web, configMap(namespace, "missing")],
    getting(
      "{.spec.replicas}",
      "{.spec.template.spec.containers[*].image}",
      "{.nothing.there}",
    ),
  );
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects.map(({ status, fields }) => [status, fields]), [
    ["found", {
      "{.spec.replicas}": 1,
      "{.spec.template.spec.containers[*].image}": ["local/none:1"],
      "{.nothing.there}": null,
    }],
    ["missing", undefined],
  ]);
});

Deno.test("operation get: the values of Secrets are HMACs", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const secret =
    `apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ${namespace}}\nstringData: {a: hunter2}\n`;
  await runEvent(executor, [secret]);
  const run = await runEvent(
    executor,
    [secret],
    getting("{.data.a}", "{.data}", "{.type}", "{..a}"),
  );
  const fields = run.objects[0]?.fields ?? {};
  match(String(fields["{.data.a}"]), /^hmac:/);
  strictEqual(fields["{.type}"], "Opaque");
  const shown = JSON.stringify(run.statuses);
  ok(!shown.includes("hunter2") && !shown.includes(btoa("hunter2")), shown);
});

Deno.test("operation get: a long value is cut", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const long = configMap(namespace, "a", `k: ${"x".repeat(10_000)}`);
  await runEvent(executor, [long]);
  const run = await runEvent(executor, [long], getting("{.data.k}"));
  match(
    String(run.objects[0]?.fields?.["{.data.k}"]),
    /^x{4000}… \(10000 characters\)$/,
  );
});

Deno.test("operation get: what cannot be meant is refused by one sentence", async () => {
  await using place = await openPlace();
  const manifests = [configMap(place.namespace, "a")];
  for (
    const [payload, message] of [
      [{ operation: "get" }, /the operation "get" needs "fields"/],
      [{ operation: "get", fields: [] }, /at least one path is needed/],
      [{ operation: "get", fields: ["{.a[}"] }, /Cannot read the path/],
      [{ fields: [".a"] }, /"fields" is only for the operation "get"/],
    ] as const
  ) {
    const run = await runEvent(place.executor, manifests, { payload });
    strictEqual(run.last.error?.code, "invalid", JSON.stringify(payload));
    match(run.last.message, message);
  }
});
