import { deepStrictEqual } from "node:assert/strict";
import { readManifests } from "./bundle.ts";
import { directiveWarnings } from "./directives.ts";

function annotated(name: string, ...annotations: string[]): string {
  const pairs = annotations.map((key) => `${JSON.stringify(key)}: "x"`);
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, annotations: {${pairs.join(", ")}}}
`;
}

Deno.test("directiveWarnings() names each annotation that another tool would obey, once", () => {
  const prune = "kustomize.toolkit.fluxcd.io/prune";
  const more = [
    "helm.toolkit.fluxcd.io/driftDetection",
    "argocd.argoproj.io/ignore-healthcheck",
    "config.kubernetes.io/apply-time-mutation",
  ];
  const others = [
    "kapp.k14s.io/versioned",
    "argocd.argoproj.io/sync-wave",
    "helm.sh/hook",
    "config.kubernetes.io/local-config",
  ];
  const objects = readManifests([
    annotated("a", prune),
    annotated("b", prune, ...others),
    annotated("c", prune),
    annotated("d", ...more),
  ]);
  deepStrictEqual(directiveWarnings(objects), [
    `ConfigMap "a" and 2 more: the annotation "${prune}" is for Flux, and is not obeyed: options are those of the event`,
    ...["kapp", "Argo CD", "Helm", "kpt"].map((tool, i) =>
      `ConfigMap "b": the annotation "${
        others[i]
      }" is for ${tool}, and is not obeyed: options are those of the event`
    ),
    ...["Flux", "Argo CD", "kpt"].map((tool, i) =>
      `ConfigMap "d": the annotation "${
        more[i]
      }" is for ${tool}, and is not obeyed: options are those of the event`
    ),
  ]);
});

Deno.test("directiveWarnings() names labels that tell a tool the same, and no others", () => {
  const objects = readManifests([
    annotated(
      "a",
      "kustomize.toolkit.fluxcd.io/reconcile",
      "kapp.k14s.io/app",
      "helm.sh/hook",
    ).replace("annotations:", "labels:"),
  ]);
  deepStrictEqual(directiveWarnings(objects), [
    'ConfigMap "a": the label "kustomize.toolkit.fluxcd.io/reconcile" is for Flux, and is not obeyed: options are those of the event',
  ]);
});

Deno.test("directiveWarnings() says nothing of what tools note, nor of other annotations", () => {
  const objects = readManifests([
    annotated(
      "a",
      "kapp.k14s.io/original",
      "kapp.k14s.io/identity",
      "argocd.argoproj.io/tracking-id",
      "meta.helm.sh/release-name",
      "example.com/prune",
    ),
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, annotations: }\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: [1]}\n",
  ]);
  deepStrictEqual(directiveWarnings(objects), []);
});
