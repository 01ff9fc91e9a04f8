import { isMapping, type Value } from "./yaml_value.ts";

/** A kind that a CustomResourceDefinition of the same event makes known. */
export interface DeclaredKind {
  /** The API group. */
  readonly group: string;
  /** The kind. */
  readonly kind: string;
  /** The plural, which is in the paths. */
  readonly resource: string;
  /** Whether its objects live in namespaces. */
  readonly namespaced: boolean;
  /** The versions it is served in. */
  readonly versions: readonly string[];
}

/**
 * What a CustomResourceDefinition declares.
 *
 * @param group The API group of the object.
 * @param kind The kind of the object.
 * @param value The object.
 * @returns The kind; `undefined` when it is no definition, or one that the server will refuse.
 */
export function declaredKind(
  group: string,
  kind: string,
  value: { readonly [key: string]: Value },
): DeclaredKind | undefined {
  if (group !== "apiextensions.k8s.io" || kind !== "CustomResourceDefinition") {
    return undefined;
  }
  const { spec } = value;
  if (
    !isMapping(spec) || !isMapping(spec.names) || !Array.isArray(spec.versions)
  ) return undefined;
  const { names } = spec;
  if (
    typeof spec.group !== "string" || typeof names.kind !== "string" ||
    typeof names.plural !== "string"
  ) return undefined;
  return {
    group: spec.group,
    kind: names.kind,
    resource: names.plural,
    namespaced: spec.scope === "Namespaced",
    versions: spec.versions.flatMap((version: Value) =>
      isMapping(version) && version.served === true &&
        typeof version.name === "string"
        ? [version.name]
        : []
    ),
  };
}
