import { readPaths } from "../cel/mod.ts";
import type { Write } from "../k8s_resource/port.ts";
import type { ParamRef } from "./document.ts";
import type { Decision } from "./judge.ts";
import { type Given, isGiven, type ParamKind } from "./params.ts";
import type { Binding, Policy } from "./policy.ts";
import { isEmpty, selects } from "./selector.ts";
import { type Fields, labelsOf, partOf, splitVersion } from "./subject.ts";

function isKind(write: Write, group: string, kind: string): boolean {
  return write.group === group && write.kind === kind;
}

/** Whether a write is of an object that a policy looks things up in. */
function isLookedUp(
  paramKind: ParamKind,
  paramRef: ParamRef,
  write: Write,
): boolean {
  const { namespace, name, object, oldObject } = write;
  const { group } = splitVersion(paramKind.apiVersion);
  if (!isKind(write, group, paramKind.kind)) return false;
  if ((paramRef.namespace ?? namespace) !== namespace) return false;
  return paramRef.name === undefined
    ? [object, oldObject].some((each) =>
      each !== null && selects(paramRef.selector ?? {}, labelsOf(each))
    )
    : paramRef.name === name;
}

/** Whether a write takes such objects away with the namespace that they are in, or changes what their kind is. */
function holdsLookedUp(
  paramKind: ParamKind,
  paramRef: ParamRef,
  write: Write,
): boolean {
  if (isKind(write, "", "Namespace")) {
    return write.operation === "DELETE" && write.name === paramRef.namespace;
  }
  if (!isKind(write, "apiextensions.k8s.io", "CustomResourceDefinition")) {
    return false;
  }
  const spec = partOf(write.oldObject, "spec");
  return spec["group"] === splitVersion(paramKind.apiVersion).group &&
    partOf(spec, "names")["kind"] === paramKind.kind;
}

/** Whether a write changes what a policy looks up in the cluster. */
function changesParams(
  { paramKind }: Policy,
  { paramRef }: Binding,
  write: Write,
): boolean {
  if (paramKind === undefined || paramRef === undefined) return false;
  const { object, oldObject } = write;
  const isMeant = isLookedUp(paramKind, paramRef, write) ||
    holdsLookedUp(paramKind, paramRef, write);
  if (!isMeant || object === null || oldObject === null) return isMeant;
  return told(oldObject) !== told(object);
}

/** Whether a Namespace is one of those that a policy, and a binding of it, are for. */
function isIn(namespace: Fields, policy: Policy, binding: Binding): boolean {
  return [policy, binding].every(({ match: { namespaceSelector = {} } }) =>
    isEmpty(namespaceSelector) ||
    selects(namespaceSelector, labelsOf(namespace))
  );
}

/** What an object says, or a field of it; without what changes with each write. */
function told(object: Fields, path: readonly string[] = []): string {
  const metadata = {
    ...partOf(object, "metadata"),
    ...{ resourceVersion: undefined, managedFields: undefined },
    generation: undefined,
  };
  let value: unknown = { ...object, metadata };
  for (const field of path) value = partOf({ value }, "value")[field];
  const exact = (_key: string, each: unknown) =>
    typeof each === "bigint" ? `${each}n` : each;
  return JSON.stringify(value, exact) ?? "";
}

/** What a policy decides by reads of the Namespace of an object. */
function readFields(
  { variables, validations }: Policy,
): readonly (readonly string[])[] {
  return [...variables, ...validations].flatMap(({ text, program }) =>
    program.reads.has("namespaceObject")
      ? readPaths(text, "namespaceObject")
      : []
  );
}

/**
 * Keeps a policy as strict as it is: what it looks things up in, and what it
 * reads of Namespaces, is not for events to change, although it is in the
 * cluster. What makes a policy hold in more namespaces may be done.
 *
 * @param write What is about to be sent.
 * @param given What was given with the policies, and is not the cluster's.
 * @returns Why the policy does not allow it, if so.
 */
export function guard(
  policy: Policy,
  binding: Binding,
  write: Write,
  given: Given,
): Decision | undefined {
  if (!isGiven(given, policy) && changesParams(policy, binding, write)) {
    const message = "it looks things up there, which no event may change";
    return { rule: "paramRef", message, isError: false };
  }
  if (!isKind(write, "", "Namespace")) return undefined;
  const { object, oldObject } = write;
  if (object === null || oldObject === null) return undefined;
  if (!isIn(oldObject, policy, binding)) return undefined;
  if (!isIn(object, policy, binding)) {
    const message =
      "it would hold there no longer, and no event may change that";
    return { rule: "namespaceSelector", message, isError: false };
  }
  const changed = readFields(policy).find((path) =>
    told(oldObject, path) !== told(object, path)
  );
  if (changed === undefined) return undefined;
  const field = ["namespaceObject", ...changed].join(".");
  const message = `it reads "${field}", which no event may change`;
  return { rule: "namespaceObject", message, isError: false };
}
