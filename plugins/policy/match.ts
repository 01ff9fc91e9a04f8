import { GROUP, type MatchResources, type Rule } from "./document.ts";
import { isEmpty, selects } from "./selector.ts";
import {
  type Kind,
  labelsOf,
  type Operation,
  type Subject,
} from "./subject.ts";

function has(list: readonly string[], wanted: string): boolean {
  return list.includes("*") || list.includes(wanted);
}

function isNamespaceKind({ group, resource }: Kind): boolean {
  return group === "" && resource === "namespaces";
}

/** Whether a rule is for objects of a kind, and not only for a part of them (`pods/log`). */
function hasResource({ resources }: Rule, { resource }: Kind): boolean {
  return resources.some((each) => {
    const [name, part = ""] = each.split("/");
    return (name === "*" || name === resource) && (part === "" || part === "*");
  });
}

function hasScope({ scope = "*" }: Rule, of: Kind): boolean {
  return scope === "*" || (scope === "Namespaced") === of.namespaced;
}

/** Whether a rule is for a kind, whatever its version, and for an operation. */
function isFor(rule: Rule, of: Kind, operation: Operation): boolean {
  return has(rule.operations, operation) && has(rule.apiGroups, of.group) &&
    hasResource(rule, of) && hasScope(rule, of);
}

function hasName({ resourceNames = [] }: Rule, name?: string): boolean {
  return name === undefined || resourceNames.length === 0 ||
    resourceNames.includes(name);
}

/** An object, as far as rules look at it; without a name any of its kind. */
interface Sighted extends Pick<Subject, "of" | "operation"> {
  readonly name?: string;
}

/** How the rules of a policy see an object. */
export type Matching =
  /** They are for it. */
  | { readonly kind: "yes" }
  /** They are not. */
  | { readonly kind: "no" }
  /** They are for its kind in other versions, and are not to be taken by the letter. */
  | { readonly kind: "version"; readonly versions: readonly string[] };

const YES: Matching = { kind: "yes" };
const NO: Matching = { kind: "no" };

function throughRules(
  rules: readonly Rule[],
  { of, operation, name }: Sighted,
  matchPolicy: MatchResources["matchPolicy"],
): Matching {
  const fitting = rules.filter((rule) =>
    isFor(rule, of, operation) && hasName(rule, name)
  );
  if (fitting.some(({ apiVersions }) => has(apiVersions, of.version))) {
    return YES;
  }
  return matchPolicy === "Exact" || fitting.length === 0 ? NO : {
    kind: "version",
    versions: fitting.flatMap(({ apiVersions }) => apiVersions),
  };
}

/**
 * Whether objects of a kind are policies, or bindings of them: API servers let
 * no policy that is an object judge these, so that nobody locks themselves out
 * ({@link https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/plugin.go}).
 */
export function isPolicyKind({ group, kind }: Kind): boolean {
  return group === GROUP &&
    /^(?:Validating|Mutating)AdmissionPolicy(?:Binding)?$/.test(kind);
}

/** Whether only some names are meant, so that each object has to be looked at. */
export function hasNames(
  { resourceRules = [], excludeResourceRules = [] }: MatchResources,
): boolean {
  return [...resourceRules, ...excludeResourceRules].some((
    { resourceNames = [] },
  ) => resourceNames.length > 0);
}

/** Whether a policy, or a binding, is for the kind and the name of an object. */
export function matchKind(
  { resourceRules = [], excludeResourceRules = [], matchPolicy }:
    MatchResources,
  subject: Sighted,
): Matching {
  // Of a kind as a whole nothing is left out that only some names are.
  const leftOut = subject.name === undefined
    ? excludeResourceRules.filter(({ resourceNames = [] }) =>
      resourceNames.length === 0
    )
    : excludeResourceRules;
  const excluded = throughRules(leftOut, subject, matchPolicy);
  if (excluded.kind !== "no") return NO;
  return resourceRules.length === 0
    ? YES
    : throughRules(resourceRules, subject, matchPolicy);
}

/** Whether the labels of an object and of its namespace are those that a policy, or a binding, is for. */
export function matchLabels(
  { namespaceSelector = {}, objectSelector = {} }: MatchResources,
  { of, object, oldObject, namespaceObject }: Subject,
): boolean {
  if (!isEmpty(namespaceSelector)) {
    const namespace = isNamespaceKind(of)
      ? object ?? oldObject
      : namespaceObject;
    const isIn = namespace !== null &&
      selects(namespaceSelector, labelsOf(namespace));
    if ((of.namespaced || isNamespaceKind(of)) && !isIn) return false;
  }
  if (isEmpty(objectSelector)) return true;
  return [object, oldObject].some((each) =>
    each !== null && selects(objectSelector, labelsOf(each))
  );
}

/** How a policy and a binding of it see an object. */
export function matchBoth(
  policy: MatchResources,
  binding: MatchResources,
  subject: Subject,
): Matching {
  const matching = matchKind(policy, subject);
  const isFor = matching.kind !== "no" && matchLabels(policy, subject) &&
    matchKind(binding, subject).kind !== "no" && matchLabels(binding, subject);
  return isFor ? matching : NO;
}

/** What of a policy's rules nobody can judge by looking at objects: operations and subresources, for people. */
export function notEvaluable(
  { resourceRules = [] }: MatchResources,
  operations: readonly Operation[],
): string[] {
  return resourceRules.flatMap((rule) => {
    const others = rule.operations.filter((each) =>
      each !== "*" && !operations.includes(each)
    );
    const isLost = others.length === rule.operations.length;
    const parts = rule.resources.filter((each) => /\/[^*]/.test(each));
    return [
      ...(isLost ? [`the operation ${others.join(" and ")}`] : []),
      ...parts.map((each) => `the subresource "${each}"`),
    ];
  });
}
