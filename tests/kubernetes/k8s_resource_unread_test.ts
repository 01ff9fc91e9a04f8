/** What is done with objects that may be written, and not read. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  configMapPath,
  deployment,
  grant,
  openPlace,
  read,
  type Run,
  runEvent,
} from "./k8s_resource.ts";

interface Live {
  readonly data: Readonly<Record<string, string>>;
}

/** A place in which somebody may create and patch ConfigMaps, and nothing else. */
async function openWriting() {
  const place = await openPlace();
  const { namespace, executor } = place;
  await grant(place, { kind: "ServiceAccount", name: "writer", namespace }, {
    apiGroups: [""],
    resources: ["configmaps"],
    verbs: ["create", "patch"],
  });
  const as = { service_account: `${namespace}/writer` };
  return {
    ...place,
    apply: (manifest: unknown, rest: object = {}): Promise<Run> =>
      runEvent(executor, [manifest], { payload: { as, ...rest } }),
  };
}

Deno.test("options create_only and adopt: an object that may not be read is not written over", async (t) => {
  await using place = await openWriting();
  const { namespace, executor, kube } = place;
  await runEvent(executor, [configMap(namespace, "a", "k: v")]);
  const cases: Readonly<Record<string, object>> = {
    create_only: { create_only: true, force_conflicts: true },
    adopt: { adopt: "never", force_conflicts: true, field_manager: "other" },
    "adopt, if nothing differs": {
      adopt: "if_no_diff",
      force_conflicts: true,
      field_manager: "other",
    },
  };
  for (const [name, payload] of Object.entries(cases)) {
    for (const dryRun of [true, false]) {
      await t.step(`${name}${dryRun ? ", dry run" : ""}`, async () => {
        const manifest = configMap(namespace, "a", "k: w");
        const run = await place.apply(manifest, {
          ...payload,
          dry_run: dryRun,
        });
        strictEqual(run.last.error?.code, "denied", run.last.message);
        match(
          run.last.message,
          /: it may not be read, which "(create_only|adopt)" needs$/,
        );
        const { data } = await read<Live>(kube, configMapPath(namespace, "a"));
        deepStrictEqual(data, { k: "v" });
      });
    }
  }
});

Deno.test("apply: of an object that may not be read it is said who else looks after it", async () => {
  await using place = await openWriting();
  const { namespace, executor } = place;
  await runEvent(executor, [{
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "a",
      labels: { "kustomize.toolkit.fluxcd.io/name": "web" },
    },
  }], { payload: { field_manager: "kustomize-controller" } });
  const run = await place.apply(configMap(namespace, "a"));
  deepStrictEqual(changes(run), ["ConfigMap/a: configured"]);
  match(
    run.warnings.join(),
    /the Flux Kustomization "web" looks after it, and may change it back$/,
  );
});

Deno.test("apply: of replicas that may not be read it is said that an autoscaler looks after them", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const web = deployment(namespace, "web");
  await runEvent(executor, [
    web,
    `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: ${namespace}}
spec:
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
`,
  ], { payload: { wait: "none" } });
  const writer = { kind: "ServiceAccount", name: "writer", namespace };
  await grant(place, writer, {
    apiGroups: ["apps"],
    resources: ["deployments"],
    verbs: ["create", "patch"],
  });
  await grant(place, writer, {
    apiGroups: ["autoscaling"],
    resources: ["horizontalpodautoscalers"],
    verbs: ["list"],
  });
  const run = await runEvent(executor, [web], {
    payload: { as: { service_account: `${namespace}/writer` }, wait: "none" },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  match(
    run.warnings.join(),
    /the HorizontalPodAutoscaler "web" looks after its replicas, and may change them back$/,
  );
});

Deno.test("option replace_immutable: an object that may not be read is not made anew, and that is said", async () => {
  await using place = await openWriting();
  const { namespace } = place;
  const sealed = (data: string) =>
    `${configMap(namespace, "a", data)}immutable: true\n`;
  await place.apply(sealed("k: v"));
  const run = await place.apply(sealed("k: w"), { replace_immutable: true });
  strictEqual(run.last.error?.code, "immutable");
  match(
    run.last.message,
    /"replace_immutable" makes nothing anew that may not be read$/,
  );
});
