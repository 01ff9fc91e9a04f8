import { isRecord } from "@transporter/sdk";
import { describeObject, type Manifest, type ObjectName } from "./manifest.ts";

/** A tool that is told by annotations what to do with an object. */
interface Tool {
  readonly name: string;
  readonly keys: RegExp;
  /** Whether labels of these names tell it the same. */
  readonly readsLabels?: true;
}

const TOOLS: readonly Tool[] = [
  {
    name: "Flux",
    keys:
      /^(kustomize\.toolkit\.fluxcd\.io\/(decrypt|force|prune|reconcile|ssa|substitute)|helm\.toolkit\.fluxcd\.io\/driftDetection)$/,
    readsLabels: true,
  },
  // The others are kapp's notes on what it has applied.
  {
    name: "kapp",
    keys: /^kapp\.k14s\.io\/(?!association$|identity$|original)/,
  },
  {
    name: "Argo CD",
    keys:
      /^argocd\.argoproj\.io\/(compare-options|hook|hook-delete-policy|ignore-healthcheck|sync-options|sync-wave)$/,
  },
  {
    name: "Helm",
    keys: /^helm\.sh\/(hook|hook-delete-policy|hook-weight|resource-policy)$/,
  },
  {
    name: "kpt",
    keys:
      /^(config\.kubernetes\.io\/(apply-time-mutation|depends-on|local-config)|cli-utils\.sigs\.k8s\.io\/on-remove|client\.lifecycle\.config\.k8s\.io\/(deletion|mutation))$/,
  },
];

/** What is said of those keys of labels or annotations that are for a tool. */
function toldBy(
  pairs: unknown,
  what: "annotation" | "label",
): readonly string[] {
  if (!isRecord(pairs)) return [];
  const tools = what === "label"
    ? TOOLS.filter(({ readsLabels }) => readsLabels)
    : TOOLS;
  return Object.keys(pairs).flatMap((key) => {
    const tool = tools.find(({ keys }) => keys.test(key));
    return tool === undefined
      ? []
      : [`the ${what} "${key}" is for ${tool.name}`];
  });
}

/**
 * The annotations, and labels, by which an object tells other tools what to do
 * with it; they are applied like any other, and not obeyed.
 *
 * @param metadata The object's.
 * @returns What is said of each: `the annotation "helm.sh/hook" is for Helm`.
 */
export function directivesIn(
  { annotations, labels }: Readonly<Record<string, unknown>>,
): readonly string[] {
  return [...toldBy(annotations, "annotation"), ...toldBy(labels, "label")];
}

/** What is said of one, of an object or several. */
function warningOf(objects: string, directive: string): string {
  return `${objects}: ${directive}, and is not obeyed: options are those of the event`;
}

/**
 * Says which of them are not obeyed that an object has in the cluster, and not
 * in its manifest: where only its name counts, the manifest need not have them.
 *
 * @param object Which object.
 * @param metadata That of the object as it is.
 */
export function liveDirectiveWarnings(
  object: ObjectName & Pick<Manifest, "directives">,
  metadata: Readonly<Record<string, unknown>>,
): readonly string[] {
  return directivesIn(metadata)
    .filter((directive) => !object.directives.includes(directive))
    .map((directive) => warningOf(describeObject(object), directive));
}

/** Says which of them are not obeyed: one warning for each, however many objects have it. */
export function directiveWarnings(
  objects: readonly Manifest[],
): readonly string[] {
  const all = new Map<string, Manifest[]>();
  for (const object of objects) {
    for (const directive of object.directives) {
      const known = all.get(directive);
      if (known === undefined) all.set(directive, [object]);
      else known.push(object);
    }
  }
  return [...all].flatMap(([directive, [first, ...more]]) => {
    if (first === undefined) return [];
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    return [warningOf(`${describeObject(first)}${others}`, directive)];
  });
}
