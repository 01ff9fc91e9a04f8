/**
 * What objects tell other tools is not obeyed, and said: also of what is
 * deleted, when it is too late to ask.
 */
import { deepStrictEqual } from "node:assert/strict";
import { changes, openPlace, runEvent } from "./k8s_resource.ts";

const kept = (name: string) =>
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  labels: {kustomize.toolkit.fluxcd.io/prune: disabled}
  annotations: {helm.sh/resource-policy: keep}
`;

const said = (name: string, namespace: string) => [
  `ConfigMap "${name}" in namespace "${namespace}": the annotation "helm.sh/resource-policy" is for Helm, and is not obeyed: options are those of the event`,
  `ConfigMap "${name}" in namespace "${namespace}": the label "kustomize.toolkit.fluxcd.io/prune" is for Flux, and is not obeyed: options are those of the event`,
];

Deno.test("what tells other tools to keep an object is said when it is deleted", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await runEvent(executor, [kept("a")]);
  for (const dryRun of [true, false]) {
    const run = await runEvent(executor, [kept("a")], {
      payload: { operation: "delete", dry_run: dryRun },
    });
    deepStrictEqual(changes(run), ["ConfigMap/a: deleted"]);
    deepStrictEqual(run.warnings, said("a", namespace));
  }
});

Deno.test("what tells other tools to keep an object is said when it is deleted by its name alone", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  await runEvent(executor, [kept("a")]);
  const named = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  for (const dryRun of [true, false]) {
    const run = await runEvent(executor, [named], {
      payload: { operation: "delete", dry_run: dryRun },
    });
    deepStrictEqual(changes(run), ["ConfigMap/a: deleted"]);
    deepStrictEqual(run.warnings, said("a", namespace));
  }
});

Deno.test("what tells other tools to keep an object is said when it is pruned", async () => {
  await using place = await openPlace();
  const { namespace, executor } = place;
  const payload = { apply_set: "team" };
  const stays = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
  await runEvent(executor, [stays, kept("a")], { payload });
  for (const dryRun of [true, false]) {
    const run = await runEvent(executor, [stays], {
      payload: { ...payload, dry_run: dryRun },
    });
    deepStrictEqual(changes(run), [
      "ConfigMap/b: unchanged",
      "ConfigMap/a: deleted",
    ], run.last.message);
    deepStrictEqual(run.warnings, said("a", namespace));
  }
});
