import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  openPlace,
  type Place,
  read,
  type Run,
  runEvent,
} from "./k8s_resource.ts";
import { findTool, type Tool, toolFor } from "./tools.ts";

/** Without kubectl there is nothing to test: it is no part of the API server that tests build. */
const ignore = findTool("kubectl") === undefined;

interface Live {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly fieldsV1: Readonly<Record<string, Readonly<object>>>;
    }[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly replicas?: number };
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** A place, kubectl in it, and what both say of one object. */
async function open() {
  const place = await openPlace();
  const { kube, namespace } = place;
  return {
    place,
    kubectl: toolFor("kubectl", { kubeconfig: kube.kubeconfig, namespace }),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

function ours(
  { executor }: Place,
  manifest: string,
  payload: Readonly<Record<string, unknown>> = {},
): Promise<Run> {
  return runEvent(executor, [manifest], {
    payload: { wait: "applied", ...payload },
  });
}

function theirs(
  kubectl: Tool,
  manifest: string,
  ...flags: readonly string[]
): ReturnType<Tool["run"]> {
  return kubectl.run(["apply", "-f", "-", ...flags], { stdin: manifest });
}

/** Who owns the fields of `data`, `manager operation: keys` each. */
function owners({ metadata }: Live): string[] {
  return metadata.managedFields.flatMap(
    ({ manager, operation, fieldsV1 }) => {
      const keys = Object.keys(fieldsV1["f:data"] ?? {})
        .filter((key) => key !== ".").map((key) => key.slice(2));
      return keys.length === 0
        ? []
        : [`${manager} ${operation}: ${keys.join()}`];
    },
  ).sort();
}

function live({ kube, namespace }: Place): Promise<Live> {
  return read<Live>(kube, configMapPath(namespace, "a"));
}

Deno.test({
  name:
    "kubectl apply and ours in turns: each has its say, and a key that is dropped goes",
  ignore,
  async fn() {
    await using all = await open();
    const { place, kubectl } = all;
    const { namespace } = place;
    const map = (data: string) => configMap(namespace, "a", data);
    await kubectl.do(["apply", "-f", "-"], {
      stdin: map("k: theirs\n  old: x"),
    });
    const first = await ours(place, map("k: ours"));
    deepStrictEqual(changes(first), ["ConfigMap/a: configured"]);
    const taken = await live(place);
    deepStrictEqual(taken.data, { k: "ours" });
    deepStrictEqual(owners(taken), ["transporter Apply: k"]);
    strictEqual(taken.metadata.annotations?.[LAST_APPLIED], undefined);

    const again = await theirs(kubectl, map("k: again\n  more: z"));
    match(again.text, /missing the kubectl.kubernetes.io\/last-applied/);
    strictEqual(again.ok, true, again.text);
    deepStrictEqual((await live(place)).data, { k: "again", more: "z" });
    const back = await ours(place, map("k: ours"));
    deepStrictEqual(changes(back), ["ConfigMap/a: configured"]);
    const end = await live(place);
    deepStrictEqual([end.data, owners(end)], [
      { k: "ours" },
      ["transporter Apply: k"],
    ]);
  },
});

Deno.test({
  name:
    "kubectl apply --server-side and ours: each refuses what the other owns, and force takes it",
  ignore,
  async fn() {
    await using all = await open();
    const { place, kubectl } = all;
    const { namespace } = place;
    const map = (data: string) => configMap(namespace, "a", data);
    await ours(place, map("k: ours"));
    const beside = await theirs(kubectl, map("theirs: x"), "--server-side");
    strictEqual(beside.ok, true, beside.text);
    deepStrictEqual(owners(await live(place)), [
      "kubectl Apply: theirs",
      "transporter Apply: k",
    ]);

    const refused = await theirs(kubectl, map("k: x"), "--server-side");
    strictEqual(refused.ok, false);
    match(refused.text, /conflict with "transporter": \.data\.k/);
    const forced = await theirs(
      kubectl,
      map("k: x"),
      "--server-side",
      "--force-conflicts",
    );
    strictEqual(forced.ok, true, forced.text);

    const { last } = await ours(place, map("k: ours"));
    strictEqual(last.error?.code, "conflict");
    match(last.message, /"kubectl".*\.data\.k|\.data\.k.*"kubectl"/);
    const back = await ours(place, map("k: ours"), { force_conflicts: true });
    deepStrictEqual(changes(back), ["ConfigMap/a: configured"]);
    deepStrictEqual(owners(await live(place)), ["transporter Apply: k"]);
    // Adoption is about who looks after an object: it forces nothing, and stands in nobody's way.
    const same = await ours(place, map("k: ours"), { adopt: "always" });
    deepStrictEqual(changes(same), ["ConfigMap/a: unchanged"]);
    const after = await theirs(kubectl, map("other: x"), "--server-side");
    strictEqual(after.ok, true, after.text);
  },
});

Deno.test({
  name:
    "kubectl annotate, label and edit beside ours: what is theirs stays, what was ours is a conflict",
  ignore,
  async fn() {
    await using all = await open();
    const { place, kubectl } = all;
    const { namespace } = place;
    const map = (data: string) => configMap(namespace, "a", data);
    await ours(place, map("k: ours"));
    await kubectl.do(["annotate", "configmap/a", "team=web"]);
    await kubectl.do(["label", "configmap/a", "tier=front"]);
    const same = await ours(place, map("k: ours"));
    deepStrictEqual(changes(same), ["ConfigMap/a: unchanged"]);
    strictEqual((await live(place)).metadata.annotations?.["team"], "web");

    const editor = await Deno.makeTempFile({ suffix: ".sh" });
    await Deno.writeTextFile(
      editor,
      '#!/bin/sh\nsed -i "s/k: ours/k: edited/" "$1"\n',
    );
    await Deno.chmod(editor, 0o700);
    try {
      await kubectl.do(["edit", "configmap/a"], {
        env: { KUBE_EDITOR: editor },
      });
    } finally {
      await Deno.remove(editor);
    }
    deepStrictEqual((await live(place)).data, { k: "edited" });
    const { last } = await ours(place, map("k: ours"));
    strictEqual(last.error?.code, "conflict", last.message);
    match(last.message, /kubectl-edit/);
    await ours(place, map("k: ours"), { force_conflicts: true });
    deepStrictEqual((await live(place)).data, { k: "ours" });
  },
});

Deno.test({
  name:
    "kubectl scale beside ours: a conflict that names it, unless replicas are left to others",
  ignore,
  async fn() {
    await using all = await open();
    const { place, kubectl } = all;
    const { kube, namespace } = place;
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
    const replicas = async () => (await read<Live>(kube, path)).spec?.replicas;
    const manifest = deployment(namespace, "web");
    await ours(place, manifest);
    await kubectl.do(["scale", "deployment/web", "--replicas=3"]);
    const { last } = await ours(place, manifest);
    strictEqual(last.error?.code, "conflict", last.message);
    match(last.message, /kubectl/);
    match(last.message, /replicas/);
    const left = await ours(place, manifest, {
      ignore_fields: [{
        api_version: "apps/v1",
        kind: "Deployment",
        pointers: ["/spec/replicas"],
      }],
    });
    strictEqual(left.last.state, "completed", left.last.message);
    strictEqual(await replicas(), 3);
    const back = await ours(place, manifest, { force_conflicts: true });
    deepStrictEqual(changes(back), ["Deployment/web: configured"]);
    strictEqual(await replicas(), 1);
  },
});
