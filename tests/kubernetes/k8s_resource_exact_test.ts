/**
 * What is told of a change is what changed: also when it is only an order, or
 * the last digit of a long number; and files are read as people put them
 * together.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  changes,
  openPlace,
  type Place,
  read,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

const QUICK = { payload: { wait: "none" } };

/** A Deployment without Pods, whose first containers begin in an order. */
const deployment = (...names: readonly string[]) =>
  `apiVersion: apps/v1
kind: Deployment
metadata: {name: ordered}
spec:
  replicas: 0
  selector: {matchLabels: {app: ordered}}
  template:
    metadata: {labels: {app: ordered}}
    spec:
      initContainers: [${
    names.map((name) => `{name: ${name}, image: none}`).join(", ")
  }]
      containers: [{name: main, image: none}]
`;

const ORDER = {
  path: ".spec.template.spec.initContainers",
  before: ['[name="first"]', '[name="second"]'],
  after: ['[name="second"]', '[name="first"]'],
};

Deno.test("another order of containers is a change, which diff, check and apply tell of", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [deployment("first", "second")], QUICK);
  const turned = [deployment("second", "first")];
  for (const operation of ["diff", "check"]) {
    const run = await runEvent(executor, turned, { payload: { operation } });
    deepStrictEqual(run.objects[0]?.changes, [ORDER], operation);
  }
  const run = await runEvent(executor, turned, QUICK);
  deepStrictEqual(changes(run), ["Deployment/ordered: configured"]);
  deepStrictEqual(run.objects[0]?.changed_fields, [ORDER.path]);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/ordered`;
  const { metadata } = await read<
    { readonly metadata: { readonly generation: number } }
  >(kube, path);
  strictEqual(metadata.generation, 2);
});

Deno.test("another order of containers is a difference to an object of others", async () => {
  await using place = await openPlace();
  const { executor } = place;
  await runEvent(executor, [deployment("first", "second")], {
    payload: { ...QUICK.payload, field_manager: "others" },
  });
  const run = await runEvent(executor, [deployment("second", "first")], {
    payload: { ...QUICK.payload, adopt: "if_no_diff" },
  });
  strictEqual(run.last.error?.code, "conflict", run.last.message);
});

/** A kind whose objects hold anything, and an object of it; its group is of this test alone. */
async function thing(place: Place) {
  const group = `${place.namespace}.example.com`;
  await runEvent(place.executor, [thingDefinition(group)]);
  return {
    manifest: (id: string) =>
      `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t}\nspec: {id: ${id}}\n`,
    ignored: [{
      api_version: `${group}/v1`,
      kind: "Thing",
      pointers: ["/spec/id"],
    }],
    async [Symbol.asyncDispose]() {
      await write(
        place.kube,
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${group}`,
        { method: "DELETE" },
      );
    },
  };
}

Deno.test("an integer that a number cannot hold is told to the last digit", async () => {
  await using place = await openPlace();
  await using kind = await thing(place);
  const { executor } = place;
  await runEvent(executor, [kind.manifest("9007199254740993")], QUICK);
  const next = [kind.manifest("9007199254740992")];
  for (const operation of ["diff", "check"]) {
    const run = await runEvent(executor, next, { payload: { operation } });
    deepStrictEqual(run.objects[0]?.changes, [{
      path: ".spec.id",
      before: "9007199254740993",
      after: "9007199254740992",
    }], operation);
  }
  const found = await runEvent(executor, next, {
    payload: { operation: "get", fields: ["$.spec"] },
  });
  deepStrictEqual(found.objects[0]?.fields, {
    "$.spec": { id: "9007199254740993" },
  });
  const left = await runEvent(executor, next, {
    payload: { ...QUICK.payload, dry_run: true, ignore_fields: kind.ignored },
  });
  deepStrictEqual(changes(left), ["Thing/t: unchanged"], left.last.message);
  const run = await runEvent(executor, next, QUICK);
  deepStrictEqual(changes(run), ["Thing/t: configured"]);
  deepStrictEqual(run.objects[0]?.changed_fields, [".spec.id"]);
});

Deno.test("files that were put together are read, with marks of files, tabs and other line ends", async () => {
  await using place = await openPlace();
  const map = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
  const stream = `\ufeff${map("a")}\ufeff---\t\n${
    map("b").replaceAll("\n", "\r\n")
  }---\r\n\ufeff${map("c")}--- # no more\n\n---\n`;
  const run = await runEvent(place.executor, [stream]);
  deepStrictEqual(
    changes(run),
    ["a", "b", "c"].map((name) => `ConfigMap/${name}: created`),
    run.last.message,
  );
});
