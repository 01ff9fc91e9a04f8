import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  openPlace,
  type Place,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

interface Live {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
    }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

function mapsOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

/** Makes a ConfigMap as another tool would. */
async function make(
  { kube, namespace }: Place,
  name: string,
  options: {
    readonly manager?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  } = {},
): Promise<void> {
  const { manager = "somebody", labels, annotations } = options;
  await write(kube, `${mapsOf(namespace)}?fieldManager=${manager}`, {
    method: "POST",
    type: "application/json",
    body: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, labels, annotations },
      data: { k: "v", old: "x" },
    },
  });
}

const ADDITION = "new: x";

/** How tools mark what is theirs, and what the refusal calls them. */
const TOOLS: Readonly<Record<string, readonly [object, RegExp]>> = {
  "Helm": [
    { annotations: { "meta.helm.sh/release-name": "shop" } },
    /the Helm release "shop" looks after it/,
  ],
  "Argo CD": [
    { labels: { "argocd.argoproj.io/instance": "shop" } },
    /the Argo CD application "shop"/,
  ],
  "Argo CD, by annotation": [
    {
      annotations: { "argocd.argoproj.io/tracking-id": "shop:/ConfigMap:n/a" },
    },
    /the Argo CD application "shop:/,
  ],
  "Argo CD, by a label that others have, too": [
    {
      manager: "argocd-controller",
      labels: { "app.kubernetes.io/instance": "shop" },
    },
    /the Argo CD application "shop" looks after it/,
  ],
  "Flux": [
    { labels: { "kustomize.toolkit.fluxcd.io/name": "shop" } },
    /the Flux Kustomization "shop"/,
  ],
  "Flux, Helm": [
    { labels: { "helm.toolkit.fluxcd.io/name": "shop" } },
    /the Flux HelmRelease "shop"/,
  ],
  "kapp": [
    { labels: { "kapp.k14s.io/app": "1764500000000000000" } },
    /the kapp app "1764500000000000000" looks after it/,
  ],
  "kpt": [
    { annotations: { "config.k8s.io/owning-inventory": "shop-1" } },
    /the kpt inventory "shop-1" looks after it/,
  ],
};

Deno.test("objects that Helm, Argo CD or Flux look after are refused unless adopt is always", async (t) => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  for (
    const [index, [tool, [marks, message]]] of Object.entries(TOOLS).entries()
  ) {
    await t.step(tool, async () => {
      const name = `a${index}`;
      await make(place, name, marks);
      const path = `${mapsOf(namespace)}/${name}`;
      const before = await read<Live>(kube, path);
      const manifests = [configMap(namespace, name, ADDITION)];
      const refused = await runEvent(executor, manifests);
      strictEqual(refused.last.error?.code, "conflict");
      match(refused.last.message, message);
      deepStrictEqual(await read<Live>(kube, path), before);
      const taken = await runEvent(executor, manifests, {
        payload: { adopt: "always" },
      });
      strictEqual(taken.last.state, "completed", taken.last.message);
    });
  }
});

Deno.test("a mark that stands in our own manifests is no sign of another tool", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const marked = configMap(namespace, "a").replace(
    "metadata:",
    "metadata:\n  labels: {argocd.argoproj.io/instance: shop}",
  );
  for (const expected of ["created", "unchanged"]) {
    const run = await runEvent(executor, [marked]);
    deepStrictEqual(changes(run), [`ConfigMap/a: ${expected}`]);
  }
});

Deno.test("a label that charts and Argo CD have is no sign of Argo CD when somebody else has set it", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const labels = { "app.kubernetes.io/instance": "shop" };
  await make(place, "a", { labels });
  const run = await runEvent(executor, [configMap(namespace, "a", ADDITION)]);
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"], run.last.message);
});

Deno.test("option adopt: never and if_no_diff keep off what others made; what is ours stays ours", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await make(place, "a");
  const same = [configMap(namespace, "a", "k: v")];
  const other = [configMap(namespace, "a", ADDITION)];
  const run = (manifests: readonly string[], adopt: string) =>
    runEvent(executor, manifests, { payload: { adopt } });
  const never = await run(same, "never");
  strictEqual(never.last.error?.code, "conflict");
  match(
    never.last.message,
    /was made by somebody else, and "adopt" is "never"/,
  );
  const differs = await run(other, "if_no_diff");
  strictEqual(differs.last.error?.code, "conflict");
  match(differs.last.message, /would change, and "adopt" is "if_no_diff"/);
  const adopted = await run(same, "if_no_diff");
  deepStrictEqual(changes(adopted), ["ConfigMap/a: unchanged"]);
  for (const adopt of ["never", "if_no_diff"]) {
    strictEqual((await run(other, adopt)).last.state, "completed");
  }
});

Deno.test("over kubectl-client-side-apply, fields that a manifest drops go, and the annotation with them", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
  await make(place, "a", {
    manager: "kubectl-client-side-apply",
    annotations: { [lastApplied]: "{}" },
  });
  const run = await runEvent(executor, [configMap(namespace, "a", "k: v")]);
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(run.objects[0]?.changed_fields, [
    ".data.old",
    ".metadata.annotations",
  ]);
  match(
    run.warnings.join(),
    /the fields of "kubectl-client-side-apply" were taken over/,
  );
  const live = await read<Live>(kube, `${mapsOf(namespace)}/a`);
  deepStrictEqual(live.data, { k: "v" });
  strictEqual(live.metadata.annotations, undefined);
  deepStrictEqual(
    live.metadata.managedFields.map(({ manager, operation }) => [
      manager,
      operation,
    ]),
    [["transporter", "Apply"]],
  );
});

Deno.test("Helm's fields are taken over with adopt always only", async () => {
  await using place = await openPlace();
  const { namespace, executor, kube } = place;
  await make(place, "a", { manager: "helm" });
  const manifests = [configMap(namespace, "a", "k: v")];
  await runEvent(executor, manifests);
  const path = `${mapsOf(namespace)}/a`;
  deepStrictEqual((await read<Live>(kube, path)).data, { k: "v", old: "x" });
  await runEvent(executor, manifests, { payload: { adopt: "always" } });
  deepStrictEqual((await read<Live>(kube, path)).data, { k: "v" });
});
