/** What goes, by a prune or by name, and what does not, when somebody else looks after it. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  kinds,
  type Live,
  maps,
  openBehindProxy,
  PART_OF,
  send,
} from "./apply_set.ts";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  type Place,
  read,
  runEvent,
  thingDefinition,
  write,
} from "./k8s_resource.ts";

const RELEASE = "meta.helm.sh/release-name";
const HELM = { annotations: { [RELEASE]: "shop" } };
const FLUX = { labels: { "kustomize.toolkit.fluxcd.io/name": "shop" } };

/** Changes the metadata of an object as another tool does. */
function mark(
  { kube }: Place,
  path: string,
  metadata: Readonly<Record<string, unknown>>,
): Promise<void> {
  return write(kube, path, { method: "PATCH", body: { metadata } });
}

Deno.test("option apply_set: a member that Helm or Flux have taken over since stays in the set, and goes once they have let it go", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const path = (name: string) => configMapPath(namespace, name);
  const rest = [
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: rest}\n`,
  ];
  const names = ["fluxed", "helmed", "ours"];
  await send(place, [
    ...rest,
    ...names.map((name) => configMap(namespace, name)),
  ]);
  await mark(place, path("helmed"), HELM);
  await mark(place, path("fluxed"), FLUX);

  const said = [
    "ServiceAccount/rest: unchanged",
    "ConfigMap/ours: deleted",
    "ConfigMap/fluxed: skipped",
    "ConfigMap/helmed: skipped",
  ];
  const diff = await send(place, rest, { operation: "diff" });
  deepStrictEqual(changes(diff), said);
  const run = await send(place, rest);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), said);
  strictEqual(
    run.objects.at(-1)?.message,
    `ConfigMap "helmed" in namespace "${namespace}" is not in the manifests any more, and stays, as the Helm release "shop" looks after it; delete it there, take it out of the ApplySet by its label, or set "adopt" to "always"`,
  );
  match(run.objects.at(-2)?.message ?? "", /the Flux Kustomization "shop"/);
  deepStrictEqual(await maps(place), ["fluxed", "helmed"]);
  strictEqual(await kinds(place), "ConfigMap,ServiceAccount");

  await mark(place, path("fluxed"), {
    labels: { [Object.keys(FLUX.labels)[0] ?? ""]: null },
  });
  const next = await send(place, rest);
  deepStrictEqual(changes(next).slice(1), [
    "ConfigMap/fluxed: deleted",
    "ConfigMap/helmed: skipped",
  ]);
  const all = await send(place, rest, { adopt: "always" });
  deepStrictEqual(changes(all).slice(1), ["ConfigMap/helmed: deleted"]);
  deepStrictEqual(all.warnings, [
    `ConfigMap "helmed" in namespace "${namespace}": the Helm release "shop" looks after it, and may make it again`,
  ]);
  strictEqual(await kinds(place), "ServiceAccount");
});

Deno.test("option apply_set: a mark that the manifests had keeps no member", async () => {
  await using place = await openPlace();
  const { namespace } = place;
  const marked = configMap(namespace, "a").replace(
    "metadata:",
    "metadata:\n  labels: {argocd.argoproj.io/instance: shop}",
  );
  const b = configMap(namespace, "b");
  await send(place, [marked, b]);
  const run = await send(place, [b]);
  deepStrictEqual(changes(run), [
    "ConfigMap/b: unchanged",
    "ConfigMap/a: deleted",
  ]);
});

Deno.test("option prune_kinds: a definition and a namespace stay as long as a member stays that somebody else looks after", async () => {
  await using place = await openPlace();
  const { namespace, kube } = place;
  const group = `${namespace}.example.com`;
  const inner = `${namespace}-in`;
  const made = `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${inner}}\n`;
  const thing =
    `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: t, namespace: ${inner}}\n`;
  const rest = configMap(namespace, "rest");
  await send(place, [rest, made, thingDefinition(group), thing]);
  const path = `/apis/${group}/v1/namespaces/${inner}/things/t`;
  await mark(place, path, HELM);
  const all = {
    wait: "none",
    prune_kinds: ["Namespace", "CustomResourceDefinition"],
  };
  const kept = await send(place, [rest], all);
  strictEqual(kept.last.state, "completed", kept.last.message);
  deepStrictEqual(changes(kept).slice(1).sort(), [
    `CustomResourceDefinition/things.${group}: skipped`,
    `Namespace/${inner}: skipped`,
    "Thing/t: skipped",
  ]);
  for (const { kind, message } of kept.objects.slice(1)) {
    if (kind === "Thing") continue;
    match(message ?? "", /stays, as Thing "t" .* would go with it$/);
  }
  const live = await read<Live>(kube, path);
  strictEqual(live.metadata.name, "t");
  const gone = await send(place, [rest], { ...all, adopt: "always" });
  strictEqual(gone.last.state, "completed", gone.last.message);
  deepStrictEqual(changes(gone).slice(1).sort(), [
    `CustomResourceDefinition/things.${group}: deleted`,
    `Namespace/${inner}: deleted`,
    "Thing/t: deleted",
  ]);
});

Deno.test("option apply_set: a member that is taken over or put into another set while it is pruned stays, and only the first in the account", async () => {
  await using cluster = await openBehindProxy();
  const { place, behind, proxy } = cluster;
  const { namespace } = place;
  const rest = [
    `apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: rest}\n`,
  ];
  for (
    const [name, metadata, why, account] of [
      ["a", HELM, /the Helm release "shop" looks/, "ConfigMap,ServiceAccount"],
      [
        "b",
        { labels: { [PART_OF]: "applyset-other-v1" } },
        /is no member of the ApplySet any more$/,
        "ServiceAccount",
      ],
    ] as const
  ) {
    await send(place, [...rest, configMap(namespace, name)], {
      adopt: "always",
    });
    proxy.inject({ method: "DELETE", fault: "cut", times: 1 });
    let changed = false;
    const run = await send(behind, rest, {}, {
      async onStatus({ message }) {
        if (changed || !/^Trying again to delete/.test(message)) return;
        changed = true;
        await mark(place, configMapPath(namespace, name), metadata);
      },
    });
    ok(changed, run.last.message);
    deepStrictEqual(changes(run).slice(1), [`ConfigMap/${name}: skipped`]);
    match(run.objects.at(-1)?.message ?? "", why);
    strictEqual(await kinds(place), account);
    await mark(place, configMapPath(namespace, name), {
      labels: { [PART_OF]: null },
    });
  }
  deepStrictEqual(await maps(place), ["a", "b"]);
});

Deno.test("operation delete: what Helm or another tool's ApplySet looks after goes, and the result warns of it", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const manifests = ["helmed", "kubectl", "mine", "ours"].map((name) =>
    configMap(namespace, name)
  );
  await runEvent(executor, manifests);
  await send(place, [configMap(namespace, "mine")], { adopt: "always" });
  await mark(place, configMapPath(namespace, "helmed"), HELM);
  await mark(place, configMapPath(namespace, "kubectl"), {
    labels: { [PART_OF]: "applyset-kubectl-v1" },
  });
  const warnings = [
    `ConfigMap "helmed" in namespace "${namespace}": the Helm release "shop" looks after it, and may make it again`,
    `ConfigMap "kubectl" in namespace "${namespace}": the ApplySet "applyset-kubectl-v1" looks after it, and may make it again`,
  ];
  for (const dryRun of [true, false]) {
    const run = await runEvent(executor, manifests, {
      payload: { operation: "delete", dry_run: dryRun },
    });
    strictEqual(run.last.state, "completed", run.last.message);
    deepStrictEqual(
      run.objects.map(({ status }) => status),
      manifests.map(() => "deleted"),
    );
    deepStrictEqual(run.warnings.toSorted(), warnings);
  }
  deepStrictEqual(await maps(place), []);
});
