/** Fields that are recorded for another version of a kind: README.md, "Apply", API-version moves. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  openPlugin,
  type Place,
  read,
  type Run,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

/** Who owns what of an object of these tests, and what is in it. */
interface Live {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly metadata: {
    readonly managedFields?: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly apiVersion: string;
      readonly fieldsV1: {
        readonly "f:spec"?: Readonly<Record<string, unknown>>;
      };
    }[];
  };
}

/** A kind with two versions, in a group of its own. */
interface Kind extends AsyncDisposable {
  readonly place: Place;
  /** An object, with texts in its fields. */
  thing(version: string, spec: Readonly<Record<string, string>>): string;
  /** Writes as `kubectl apply` did from its own side. */
  kubectl(version: string, spec: unknown, make?: boolean): Promise<void>;
  live(): Promise<Live>;
  /** `manager operation version fields` of each entry. */
  owners(): Promise<string[]>;
  /** Takes the version v1 out of the definition. */
  retire(): Promise<void>;
}

async function twoVersions(place: Place): Promise<Kind> {
  const { kube, namespace } = place;
  const group = `${namespace}.example.com`;
  const text = { type: "string" };
  const version = (name: string) => ({
    name,
    served: true,
    storage: name === "v2",
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: { type: "object", properties: { a: text, b: text, c: text } },
        },
      },
    },
  });
  const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const all = `/apis/${group}/VERSION/namespaces/${namespace}/things`;
  const pathIn = (version: string) => all.replace("VERSION", version);
  await write(kube, definition, {
    method: "POST",
    type: "application/json",
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { kind: "Thing", plural: "things" },
        versions: [version("v1"), version("v2")],
      },
    },
  });
  const answers = async (path: string) => {
    const answer = await kube.fetch(path);
    await answer.body?.cancel();
    return answer.ok;
  };
  await until(() => answers(pathIn("v1")));
  await until(() => answers(pathIn("v2")));
  const live = () => read<Live>(kube, `${pathIn("v2")}/t`);
  const apiVersion = (version: string) => `${group}/${version}`;
  return {
    place,
    live,
    [Symbol.asyncDispose]: () =>
      write(kube, `${definition}/things.${group}`, { method: "DELETE" }),
    thing: (version, spec) =>
      `apiVersion: ${apiVersion(version)}
kind: Thing
metadata: {name: t}
spec: ${JSON.stringify(spec)}
`,
    async kubectl(version, spec, make = false) {
      const query = "?fieldManager=kubectl-client-side-apply";
      await write(kube, `${pathIn(version)}${make ? "" : "/t"}${query}`, {
        ...(make
          ? { method: "POST", type: "application/json" }
          : { method: "PATCH" }),
        body: {
          apiVersion: apiVersion(version),
          kind: "Thing",
          metadata: { name: "t" },
          spec,
        },
      });
    },
    async owners() {
      const { managedFields = [] } = (await live()).metadata;
      return managedFields.map(
        ({ manager, operation, apiVersion, fieldsV1 }) =>
          `${manager} ${operation} ${apiVersion.split("/")[1]} ${
            Object.keys(fieldsV1["f:spec"] ?? {})
              .filter((key) => key !== ".").map((key) => key.slice(2))
          }`,
      ).sort();
    },
    async retire() {
      const path = `${definition}/things.${group}`;
      await write(kube, `${path}/status`, {
        method: "PATCH",
        body: { status: { storedVersions: ["v2"] } },
      });
      await write(kube, path, {
        method: "PATCH",
        body: { spec: { versions: [version("v2")] } },
      });
      // The server takes a moment; then it does not know what to do with the object.
      await until(async () => {
        const answer = await kube.fetch(
          `${pathIn("v2")}/t?fieldManager=probe&dryRun=All`,
          {
            method: "PATCH",
            headers: { "content-type": "application/apply-patch+yaml" },
            body: `{apiVersion: ${
              apiVersion("v2")
            }, kind: Thing, metadata: {name: t}}`,
          },
        );
        await answer.body?.cancel();
        return answer.status === 500;
      });
    },
  };
}

function send(
  { place: { executor } }: Pick<Kind, "place">,
  manifest: string,
  payload: Readonly<Record<string, unknown>> = {},
): Promise<Run> {
  return runEvent(executor, [manifest], { payload });
}

for (const [from, to] of [["v1", "v2"], ["v2", "v1"]] as const) {
  Deno.test(`API-version moves: what an apply of ${from} set and one of ${to} drops goes, without a conflict`, async () => {
    await using place = await openPlace();
    await using kind = await twoVersions(place);
    await send(kind, kind.thing(from, { a: "1", b: "1" }));
    const moved = await send(kind, kind.thing(to, { a: "2" }));
    deepStrictEqual(changes(moved), ["Thing/t: configured"]);
    deepStrictEqual((await kind.live()).spec, { a: "2" });
    deepStrictEqual(await kind.owners(), [`transporter Apply ${to} a`]);
  });
}

Deno.test("API-version moves: what kubectl has applied in two versions goes when it is dropped, of both", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  await kind.kubectl("v1", { a: "1", b: "1" }, true);
  await kind.kubectl("v2", { a: "2", c: "1" });
  deepStrictEqual(await kind.owners(), [
    "kubectl-client-side-apply Update v1 b",
    "kubectl-client-side-apply Update v2 a,c",
  ]);
  const run = await send(kind, kind.thing("v2", { a: "3" }));
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual((await kind.live()).spec, { a: "3" });
  deepStrictEqual(await kind.owners(), ["transporter Apply v2 a"]);
});

Deno.test("API-version moves: what kubectl has applied in an older version after us goes, too", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  await send(kind, kind.thing("v2", { a: "1", b: "1" }));
  await kind.kubectl("v1", { a: "2", c: "1" });
  const run = await send(kind, kind.thing("v2", { a: "3" }));
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual((await kind.live()).spec, { a: "3" });
});

Deno.test("API-version moves: once the version is gone an apply mends the record, and what it drops goes", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  await send(kind, kind.thing("v1", { a: "1", b: "1" }));
  await kind.retire();
  const run = await send(kind, kind.thing("v2", { a: "2" }));
  deepStrictEqual(changes(run), ["Thing/t: configured"]);
  deepStrictEqual(run.objects[0]?.changed_fields, [".spec.a", ".spec.b"]);
  match(run.warnings.join(), /were recorded for ".*\/v1", which is gone/);
  deepStrictEqual((await kind.live()).spec, { a: "2" });
  const again = await send(kind, kind.thing("v2", { a: "2" }));
  deepStrictEqual(changes(again), ["Thing/t: unchanged"]);
  ok(!again.warnings.join().includes("is gone"));
});

Deno.test("API-version moves: others keep what is recorded for them in a version that is gone", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  const { kube, namespace } = place;
  await send(kind, kind.thing("v1", { a: "1" }), { field_manager: "them" });
  await send(kind, kind.thing("v2", { b: "1" }));
  await kind.retire();
  // One that has not known the version.
  await using executor = await openPlugin({
    kubeconfig: kube.kubeconfig,
    namespace,
  });
  const run = await runEvent(executor, [kind.thing("v2", { b: "2" })]);
  deepStrictEqual(changes(run), ["Thing/t: configured"]);
  deepStrictEqual(await kind.owners(), [
    "them Apply v2 a",
    "transporter Apply v2 b",
  ]);
  const wanted = kind.thing("v2", { a: "2", b: "2" });
  const refused = await runEvent(executor, [wanted]);
  strictEqual(refused.last.error?.code, "conflict");
  match(refused.last.message, /"them" owns \.spec\.a/);
});

Deno.test("API-version moves: a dry run and a diff say what is wrong when the version is gone, and write nothing", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  await send(kind, kind.thing("v1", { a: "1" }));
  await kind.retire();
  for (const payload of [{ dry_run: true }, { operation: "diff" }]) {
    const { last } = await send(kind, kind.thing("v2", { a: "2" }), payload);
    strictEqual(last.error?.code, "unsupported");
    match(
      last.message,
      /fields of it are recorded for ".*\/v1", a version that its definition has no more, which an apply puts right and a dry run cannot$/,
    );
  }
  deepStrictEqual(await kind.owners(), ["transporter Apply v1 a"]);
});

Deno.test("API-version moves: a patch does not make the server forget who owns what", async () => {
  await using place = await openPlace();
  await using kind = await twoVersions(place);
  const { kube, namespace } = place;
  await send(kind, kind.thing("v1", { a: "1", b: "1" }));
  await kind.retire();
  await using executor = await openPlugin({
    kubeconfig: kube.kubeconfig,
    namespace,
  });
  const run = await runEvent(executor, [kind.thing("v2", {})], {
    payload: { operation: "patch", patch: { spec: { c: "1" } } },
  });
  deepStrictEqual(run.objects[0]?.changed_fields, [".spec.c"]);
  match(run.warnings.join(), /were recorded for ".*\/v1", which is gone/);
  deepStrictEqual(await kind.owners(), [
    "transporter Apply v2 a,b",
    "transporter Update v2 c",
  ]);
});

Deno.test("API-version moves: of a HorizontalPodAutoscaler, from v1 to v2 and back", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const scaler = (version: string, rest: string) =>
    `apiVersion: autoscaling/${version}
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, maxReplicas: 5${rest}}
`;
  const path =
    `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/h`;
  const minimum = async () => (await read<Live>(kube, path)).spec.minReplicas;
  for (const [from, to] of [["v1", "v2"], ["v2", "v1"]] as const) {
    await send({ place }, scaler(from, ", minReplicas: 3"));
    strictEqual(await minimum(), 3);
    const moved = await send({ place }, scaler(to, ""));
    deepStrictEqual(changes(moved), ["HorizontalPodAutoscaler/h: configured"]);
    strictEqual(await minimum(), 1, "the server's default");
  }
});

Deno.test("before-first-apply: an object without an account of its fields is applied to like any other", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const path = configMapPath(namespace, "a");
  await write(kube, path.replace(/\/a$/, ""), {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: "a" }, data: { a: "1", old: "1" } },
  });
  const forget = { metadata: { managedFields: [{}] } };
  await write(kube, path, { method: "PATCH", body: forget });
  const wanted = configMap(namespace, "a", "a: '2'");
  const run = await send({ place }, wanted);
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
  deepStrictEqual(run.objects[0]?.changed_fields, [".data.a", ".data.old"]);
  deepStrictEqual(run.warnings, [], "nobody's fields were taken");
  deepStrictEqual((await read<Live>(kube, path)).data, { a: "2" });
  deepStrictEqual(changes(await send({ place }, wanted)), [
    "ConfigMap/a: unchanged",
  ]);
  // Again without one, and nothing to change.
  await write(kube, path, { method: "PATCH", body: forget });
  deepStrictEqual(changes(await send({ place }, wanted)), [
    "ConfigMap/a: unchanged",
  ]);
});

Deno.test("a conflict with oneself: an apply takes what a patch of the same manager has set, and leaves what it has added", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const kind = { place };
  const patch = (fields: Readonly<Record<string, string>>, rest = {}) =>
    send(kind, configMap(namespace, "a"), {
      operation: "patch",
      patch: { data: fields },
      ...rest,
    });
  await send(kind, configMap(namespace, "a", "a: '1'"));
  await patch({ a: "2", added: "1" });
  const wanted = configMap(namespace, "a", "a: '3'");
  const seen = await send(kind, wanted, { operation: "diff" });
  deepStrictEqual(seen.warnings, []);
  const run = await send(kind, wanted);
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
  const path = configMapPath(namespace, "a");
  deepStrictEqual((await read<Live>(kube, path)).data, { a: "3", added: "1" });

  // Another's is one, also beside our own.
  await patch({ a: "4" });
  await patch({ b: "4" }, { field_manager: "them" });
  const both = configMap(namespace, "a", "a: '5'\n  b: '5'");
  const refused = await send(kind, both);
  strictEqual(refused.last.error?.code, "conflict");
  match(refused.last.message, /"them" owns \.data\.b/);
  deepStrictEqual((await read<Live>(kube, path)).data, {
    a: "4",
    b: "4",
    added: "1",
  });
});
