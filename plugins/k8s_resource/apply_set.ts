import { createHash } from "node:crypto";
import type { Cluster } from "./cluster.ts";
import type { ObjectName } from "./manifest.ts";
import type { Options } from "./event_options.ts";
import { GUARDED_KINDS } from "./options.ts";

/** The object that keeps account of an ApplySet: a Secret. */
export interface ApplySetName {
  /** Its namespace. */
  readonly namespace: string;
  /** Its name. */
  readonly name: string;
}

/** Where the members of an ApplySet may be. */
export interface Scope {
  /** The kinds: `Deployment.apps`, `ConfigMap`. */
  readonly kinds: ReadonlySet<string>;
  /** The namespaces besides the parent's. */
  readonly namespaces: ReadonlySet<string>;
}

/** The ApplySet that an event's objects are of, if any. */
export function applySetOf(
  { applySet, namespace }: Pick<Options, "applySet" | "namespace">,
  cluster: Pick<Cluster, "namespace">,
): ApplySetName | undefined {
  if (applySet === undefined) return undefined;
  const slash = applySet.indexOf("/");
  return {
    namespace: slash === -1
      ? namespace ?? cluster.namespace
      : applySet.slice(0, slash),
    name: applySet.slice(slash + 1),
  };
}

/** The id of an ApplySet, by the KEP's hash of its parent. */
export function applySetId({ namespace, name }: ApplySetName): string {
  const hash = createHash("sha256").update(`${name}.${namespace}.Secret.`)
    .digest("base64url");
  return `applyset-${hash}-v1`;
}

/** A group and a kind, as the annotations have them. */
export function groupKindOf(
  { group, kind }: Pick<ObjectName, "group" | "kind">,
): string {
  return group === "" ? kind : `${kind}.${group}`;
}

/** The opposite of {@linkcode groupKindOf}. */
export function readGroupKind(
  text: string,
): Pick<ObjectName, "group" | "kind"> {
  const dot = text.indexOf(".");
  return dot === -1
    ? { group: "", kind: text }
    : { group: text.slice(dot + 1), kind: text.slice(0, dot) };
}

/** Where these objects are. */
export function scopeOf(
  objects: readonly ObjectName[],
  set: ApplySetName,
): Scope {
  const namespaces = objects.map(({ namespace }) => namespace)
    .filter((each) => each !== "" && each !== set.namespace);
  return {
    kinds: new Set(objects.map(groupKindOf)),
    namespaces: new Set(namespaces),
  };
}

/** What is in one of both. */
export function unionOf(a: Scope, b: Scope): Scope {
  return {
    kinds: a.kinds.union(b.kinds),
    namespaces: a.namespaces.union(b.namespaces),
  };
}

/** Whether both are the same. */
export function isSameScope(a: Scope, b: Scope): boolean {
  return a.kinds.symmetricDifference(b.kinds).size === 0 &&
    a.namespaces.symmetricDifference(b.namespaces).size === 0;
}

/** The groups of {@linkcode GUARDED_KINDS}; somebody else's kind of the same name is none of them. */
const GUARDED: ReadonlyMap<string, string> = new Map(
  GUARDED_KINDS.map((kind): [string, string] => [
    kind === "CustomResourceDefinition" ? `${kind}.apiextensions.k8s.io` : kind,
    kind,
  ]),
);

/** The kind of an object, as `prune_kinds` names it, if it is pruned only then. */
export function guardedKindOf(
  object: Pick<ObjectName, "group" | "kind">,
): string | undefined {
  return GUARDED.get(groupKindOf(object));
}
