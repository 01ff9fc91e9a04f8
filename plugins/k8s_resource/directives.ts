import { describeObject, type Manifest } from "./manifest.ts";
import { isMapping, type Value } from "./yaml_value.ts";

/** The tools that are told by annotations what to do with an object, and by which. */
const TOOLS: readonly (readonly [tool: string, annotation: RegExp])[] = [
  [
    "Flux",
    /^kustomize\.toolkit\.fluxcd\.io\/(force|prune|reconcile|ssa|substitute)$/,
  ],
  // The others are kapp's notes on what it has applied.
  ["kapp", /^kapp\.k14s\.io\/(?!association$|identity$|original)/],
  [
    "Argo CD",
    /^argocd\.argoproj\.io\/(compare-options|hook|hook-delete-policy|sync-options|sync-wave)$/,
  ],
  [
    "Helm",
    /^helm\.sh\/(hook|hook-delete-policy|hook-weight|resource-policy)$/,
  ],
  [
    "kpt",
    /^(config\.kubernetes\.io\/(depends-on|local-config)|cli-utils\.sigs\.k8s\.io\/on-remove|client\.lifecycle\.config\.k8s\.io\/(deletion|mutation))$/,
  ],
];

function toolOf(annotation: string): string | undefined {
  return TOOLS.find(([, regexp]) => regexp.test(annotation))?.[0];
}

/**
 * The annotations by which an object tells other tools what to do with it;
 * they are applied like any other, and not obeyed.
 *
 * @param metadata The object's.
 */
export function directivesIn(
  { annotations }: { readonly [key: string]: Value },
): readonly string[] {
  if (annotations === undefined || !isMapping(annotations)) return [];
  return Object.keys(annotations).filter((key) => toolOf(key) !== undefined);
}

/** Says which annotations are not obeyed: one warning for each, however many objects have it. */
export function directiveWarnings(
  objects: readonly Manifest[],
): readonly string[] {
  const all = new Map<string, Manifest[]>();
  for (const object of objects) {
    for (const annotation of object.directives) {
      const known = all.get(annotation);
      if (known === undefined) all.set(annotation, [object]);
      else known.push(object);
    }
  }
  return [...all].flatMap(([annotation, [first, ...more]]) => {
    if (first === undefined) return [];
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    return [
      `${
        describeObject(first)
      }${others}: the annotation "${annotation}" is for ${
        toolOf(annotation)
      }, and is not obeyed: options are those of the event`,
    ];
  });
}
