import type { PlannedObject } from "./plan.ts";

/** Objects of one kind in one namespace. */
export interface Collection {
  /** Its path at the API server. */
  readonly path: string;
  /** What limits it, as query parameters. */
  readonly selector: Readonly<Record<string, string>>;
  /** The objects, by name. */
  readonly objects: ReadonlyMap<string, PlannedObject>;
  /** Whether to ask for the objects one by one instead. */
  readonly singly: boolean;
}

/** A list holds all objects of the kind in the cluster, and of this kind each may have a megabyte. */
const BULKY = "apiextensions.k8s.io/CustomResourceDefinition";

/** Whether objects of a kind are asked for one by one. */
export function isBulky(
  { group, kind }: Pick<PlannedObject, "group" | "kind">,
): boolean {
  return `${group}/${kind}` === BULKY;
}

/**
 * Puts objects together that one list and one watch can follow. One that is
 * alone is asked for by its name, so that nothing else is listed.
 */
export function collectionsOf(objects: readonly PlannedObject[]): Collection[] {
  const groups = Map.groupBy(
    objects,
    ({ path }) => path.slice(0, path.lastIndexOf("/")),
  );
  return [...groups].map(([path, group]) => ({
    path,
    selector: group.length > 1
      ? {}
      : { fieldSelector: `metadata.name=${group[0]?.name}` },
    objects: new Map(group.map((object) => [object.name, object])),
    singly: group.some(isBulky),
  }));
}
