import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  openPlace,
  read,
  runEvent,
  thingDefinition,
  until,
  write,
} from "./k8s_resource.ts";

/** The definition of a kind with these versions, of which the last one is stored. */
function definition(
  group: string,
  versions: Readonly<Record<string, object>>,
  spec: Readonly<Record<string, unknown>> = {},
) {
  const names = Object.keys(versions);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind: "Thing", plural: "things" },
      versions: Object.entries(versions).map(([name, properties]) => ({
        name,
        served: true,
        storage: name === names.at(-1),
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", properties } },
          },
        },
      })),
      ...spec,
    },
  };
}

const text = { type: "string" };

Deno.test("preflight.crd: a definition that loses stored objects is refused before anything is begun", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const first = await runEvent(executor, [
    definition(group, { v1: { a: text } }),
  ]);
  strictEqual(first.last.state, "completed", first.last.message);
  const ns = (name: string) =>
    `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}}}`;
  for (
    const [next, code, message] of [
      [
        definition(group, { v2: { a: text } }),
        "invalid",
        /objects are stored in the version "v1", which it has no more, so nothing was begun/,
      ],
      [
        definition(group, { v1: { a: text } }, { scope: "Cluster" }),
        "immutable",
        /its scope is "Namespaced" and cannot become "Cluster"/,
      ],
    ] as const
  ) {
    const run = await runEvent(executor, [ns(`${namespace}-x`), next]);
    strictEqual(run.last.error?.code, code);
    match(run.last.message, message);
    deepStrictEqual(
      run.objects.map(({ status }) => status),
      ["not_attempted", "not_attempted"],
    );
    // A definition that is alone is looked at, too.
    match((await runEvent(executor, [next])).last.message, message);
  }
  const both = await runEvent(executor, [
    definition(group, { v1: { a: text }, v2: { a: text } }),
  ]);
  deepStrictEqual(both.warnings, []);
});

Deno.test("preflight.crd: a schema that takes less, and a webhook that fails, are warned of", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const group = `${namespace}.example.com`;
  const webhook = {
    conversion: {
      strategy: "Webhook",
      webhook: {
        conversionReviewVersions: ["v1"],
        clientConfig: { service: { namespace, name: "nobody" } },
      },
    },
  };
  const versions = { v1: { a: text, b: text }, v2: { a: text, b: text } };
  await runEvent(executor, [definition(group, versions)]);
  const thing = {
    apiVersion: `${group}/v2`,
    kind: "Thing",
    metadata: { name: "t", namespace },
    spec: { a: "x" },
  };
  deepStrictEqual(changes(await runEvent(executor, [thing])), [
    "Thing/t: created",
  ]);
  await runEvent(executor, [definition(group, versions, webhook)]);
  await until(async () => {
    const answer = await kube.fetch(`/apis/${group}/v1/things?limit=1`);
    await answer.body?.cancel();
    return !answer.ok;
  });
  const run = await runEvent(executor, [
    definition(group, { v1: { a: text, b: text }, v2: { a: text } }, webhook),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  const [narrowed = "", failing = ""] = run.warnings;
  match(
    narrowed,
    /^CustomResourceDefinition "things\..*": in the version "v2" ".spec.b" is gone: objects that are there may not fit$/,
  );
  match(failing, /: its conversion webhook fails: /);
  await write(
    kube,
    `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
    { method: "DELETE" },
  );
});

Deno.test("preflight.crd: an event without definitions that are there is not told of them", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const run = await runEvent(executor, [
    thingDefinition(`${namespace}.example.com`),
    configMap(namespace, "a"),
  ]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.warnings, []);
});

for (const known of [true, false]) {
  Deno.test(
    `definition: an object of one that is being deleted is tried again until that is gone, its kind ${
      known ? "known before" : "looked up"
    }`,
    async () => {
      await using place = await openPlace();
      const { namespace, executor, kube } = place;
      const group = `${namespace}.example.com`;
      const thing = (name: string) =>
        `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: ${name}, finalizers: [example.com/hold]}\n`;
      await runEvent(executor, [thingDefinition(group), thing("old")]);
      if (known) await runEvent(executor, [thing("old")]);
      const declared =
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`;
      await write(kube, declared, { method: "DELETE" });
      await until(async () => {
        const path = `/apis/${group}/v1`;
        const { resources } = await read<{
          readonly resources: readonly { readonly verbs: readonly string[] }[];
        }>(kube, path);
        return resources.every(({ verbs }) => !verbs.includes("patch"));
      });
      const tries: string[] = [];
      const { last } = await runEvent(executor, [thing("new")], {
        async onStatus({ message }) {
          if (!message.startsWith("Trying again")) return;
          tries.push(message);
          await write(
            kube,
            `/apis/${group}/v1/namespaces/${namespace}/things/old`,
            {
              method: "PATCH",
              body: { metadata: { finalizers: null } },
            },
          );
        },
      });
      match(tries.join(), /custom resource definition is terminating$/);
      strictEqual(last.error?.code, "unknown_kind", last.message);
    },
  );
}
