import { type ApplySetName, guardedKindOf } from "../apply_set.ts";
import type { Need } from "./needs.ts";
import type { PlacedObject } from "./object_needs.ts";

/**
 * What pruning an ApplySet needs: its Secret, and to find and delete whatever
 * earlier manifests have had. Kinds that only those had are not known here.
 *
 * @param set Which ApplySet.
 * @param objects The objects of the manifests.
 */
export function* pruning(
  set: ApplySetName,
  objects: readonly PlacedObject[],
): Generator<Need> {
  const parent = {
    namespace: set.namespace,
    group: "",
    resource: "secrets",
  };
  yield { ...parent, verb: "create" }; // by a POST, which is judged without its name
  for (const verb of ["get", "patch"]) {
    yield { ...parent, name: set.name, verb };
  }
  const namespaces = new Set([
    set.namespace,
    ...objects.map(({ namespace }) => namespace).filter((name) => name !== ""),
  ]);
  const kinds = Map.groupBy(
    objects,
    ({ group, resource }) => `${group}/${resource}`,
  );
  for (const [first] of kinds.values()) {
    if (first === undefined) continue;
    const { group, resource } = first;
    const verbs = guardedKindOf(first) !== undefined
      ? ["list"]
      : ["get", "list", "delete"];
    for (const namespace of first.namespace === "" ? [""] : namespaces) {
      for (const verb of verbs) yield { namespace, group, resource, verb };
    }
  }
}
