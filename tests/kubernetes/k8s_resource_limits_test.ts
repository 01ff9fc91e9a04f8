import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FaultProxy } from "../fault_proxy.ts";
import {
  changes,
  configMap,
  openPlace,
  openPlugin,
  proxied,
  runEvent,
  thingDefinition,
} from "./k8s_resource.ts";

/** What costs its reader far more than its bytes, and what is said of it. */
const HOSTILE: Readonly<Record<string, readonly [string, RegExp]>> = {
  "an alias bomb": [
    `a: &a [1]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]\n`,
    /^invalid_yaml: .*alias/,
  ],
  "nesting without end": [
    `data: ${"[".repeat(1_000_000)}`,
    /^invalid_yaml: .*nested deeper than 64 levels/,
  ],
  "JSON that is nested as deep": [
    `{"data": ${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
    /^invalid_yaml: .*nested deeper than 64 levels/,
  ],
  "brackets and commas": [
    `data: [${"{},".repeat(300_000)}]`,
    /^invalid_yaml: .*more than 250000 names, values and signs/,
  ],
  "an object that is too large": [
    configMap("default", "large", `a: ${"x".repeat(1_600_000)}`),
    /^invalid_manifest: .*more than the 1572864 that a cluster can store/,
  ],
  "too many objects": [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n---\n"
      .repeat(2_001),
    /^invalid_manifest: .*more than 2000 objects/,
  ],
};

Deno.test("yaml.limits (F96): what is too deep, too large or a bomb is refused, reaches no cluster, and holds up nothing", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, { namespace });
  await using executor = await openPlugin(access.config);
  for (const [name, [manifest, message]] of Object.entries(HOSTILE)) {
    const { last } = await runEvent(executor, [manifest]);
    strictEqual(last.state, "failed", name);
    match(`${last.error?.code}: ${last.message}`, message, name);
  }
  deepStrictEqual(proxy.seen, []);
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"]);
});

Deno.test("an object that is too large for the store with the account of its fields ends its event at once", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const definition = [thingDefinition(group)];
  await runEvent(executor, definition);
  const pairs = Array.from(
    { length: 20_000 },
    (_, i) => `  key-${String(i).padStart(8, "0")}: ${"x".repeat(60)}\n`,
  );
  const run = await runEvent(executor, [
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: a}\nspec:\n${
      pairs.join("")
    }`,
  ]);
  strictEqual(run.last.error?.code, "too_large", run.last.message);
  match(run.last.message, /managedFields the object is larger than/);
  deepStrictEqual(
    run.statuses.filter(({ message }) => message.startsWith("Trying again")),
    [],
  );
  await runEvent(executor, definition, { payload: { operation: "delete" } });
});
