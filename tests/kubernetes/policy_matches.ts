/**
 * Which writes a policy is for: what its rules and those of its binding say,
 * and whether an API server has it judge them.
 *
 * @module
 */
import type { MatchResources, Rule } from "../../plugins/policy/document.ts";
import type { Fields, Kind, Operation } from "../../plugins/policy/subject.ts";

/** A write, as far as rules look at it. */
export interface Written {
  readonly of: Kind;
  readonly operation: Exclude<Operation, "CONNECT">;
  readonly name: string;
  /** Labels of the object before; absent: it is made. */
  readonly before?: Readonly<Record<string, string>>;
  /** Labels of the object after; absent: it goes. */
  readonly after?: Readonly<Record<string, string>>;
}

/** What rules say of a write. */
export interface MatchCase {
  readonly policy: MatchResources;
  readonly binding?: MatchResources;
  readonly write: Written;
  /** Whether an API server has the policy judge it. */
  readonly isFor: boolean;
  /** A gate denies it in any case, as nobody converts objects for it. */
  readonly isStricter?: true;
}

/** Labels of the namespace in which objects are written. */
export const NAMESPACE_LABELS = { stage: "live" } as const;

const MAPS: Kind = {
  ...{ group: "", version: "v1", kind: "ConfigMap", resource: "configmaps" },
  namespaced: true,
};

const SCALERS: Kind = {
  ...{ group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler" },
  ...{ resource: "horizontalpodautoscalers", namespaced: true },
};

const ROLES: Kind = {
  ...{ group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole" },
  ...{ resource: "clusterroles", namespaced: false },
};

const NAMESPACES: Kind = {
  ...{ group: "", version: "v1", kind: "Namespace", resource: "namespaces" },
  namespaced: false,
};

const CREATE = { operation: "CREATE", name: "one", after: {} } as const;
const CREATED: Written = { of: MAPS, ...CREATE };
const SCALER: Written = { of: SCALERS, ...CREATE };
const ROLE: Written = { of: ROLES, ...CREATE };
const NAMESPACE: Written = { of: NAMESPACES, ...CREATE };

function made(after: Readonly<Record<string, string>>): Written {
  return { ...CREATED, after };
}

function changed(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  of: Kind = MAPS,
): Written {
  return { of, operation: "UPDATE", name: "one", before, after };
}

function deleted(
  before: Readonly<Record<string, string>>,
  of: Kind = MAPS,
): Written {
  return { of, operation: "DELETE", name: "one", before };
}

const ALL: Rule = {
  ...{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"] },
  resources: ["*"],
};

const OWN: Rule = { ...ALL, apiGroups: [""], resources: ["configmaps"] };

function rule(own: Partial<Rule>): MatchResources {
  return { resourceRules: [{ ...OWN, ...own }] };
}

function but(
  excluded: Partial<Rule>,
  more: MatchResources = {},
): MatchResources {
  const excludeResourceRules = [{ ...OWN, ...excluded }];
  return { resourceRules: [ALL], excludeResourceRules, ...more };
}

function scaled(
  apiVersions: string[],
  matchPolicy?: MatchResources["matchPolicy"],
): MatchResources {
  return {
    resourceRules: [{
      ...{ ...ALL, apiGroups: ["autoscaling"], apiVersions },
      resources: ["horizontalpodautoscalers"],
    }],
    ...matchPolicy ? { matchPolicy } : {},
  };
}

const scoped = (scope: "Cluster" | "Namespaced" | "*"): MatchResources => ({
  resourceRules: [{ ...ALL, scope }],
});
const all = (more: MatchResources): MatchResources => ({
  resourceRules: [ALL],
  ...more,
});
const of = (labels: Record<string, string>) => ({
  objectSelector: { matchLabels: labels },
});
const within = (labels: Record<string, string>) => ({
  namespaceSelector: { matchLabels: labels },
});

/** A line of the table: what is for the policy, for the write, and what comes of it. */
function row(
  policy: MatchResources,
  write: Written,
  isFor: boolean,
  binding?: MatchResources,
): MatchCase {
  return { policy, write, isFor, ...binding ? { binding } : {} };
}

const { stage } = NAMESPACE_LABELS;

/** The table. */
export const MATCHES: Readonly<Record<string, MatchCase>> = {
  "group: its own": row(rule({}), CREATED, true),
  "group: another": row(rule({ apiGroups: ["apps"] }), CREATED, false),
  "group: one of several": row(
    rule({ apiGroups: ["apps", ""] }),
    CREATED,
    true,
  ),
  "version: its own": row(rule({ apiVersions: ["v1"] }), CREATED, true),
  "version: another, by the letter": row(
    scaled(["v1"], "Exact"),
    SCALER,
    false,
  ),
  "version: its own, by the letter": row(scaled(["v2"], "Exact"), SCALER, true),
  "version: another that is served": row(
    scaled(["v1"], "Equivalent"),
    SCALER,
    true,
  ),
  "version: another that is served, and nothing said": row(
    scaled(["v1"]),
    SCALER,
    true,
  ),
  "version: another that is not served": {
    ...row(scaled(["v9"]), SCALER, false),
    isStricter: true,
  },
  "version: several": row(scaled(["v9", "v2"]), SCALER, true),
  "resource: another": row(rule({ resources: ["secrets"] }), CREATED, false),
  "resource: all": row(rule({ resources: ["*"] }), CREATED, true),
  "resource: all and their parts": row(
    rule({ resources: ["*/*"] }),
    CREATED,
    true,
  ),
  "resource: it and its parts": row(
    rule({ resources: ["configmaps/*"] }),
    CREATED,
    true,
  ),
  "resource: a part of all": row(
    rule({ resources: ["*/status"] }),
    CREATED,
    false,
  ),
  "resource: a part of it": row(
    rule({ resources: ["configmaps/status"] }),
    CREATED,
    false,
  ),
  "resource: a part of it, and it": row(
    rule({ resources: ["configmaps/status", "configmaps"] }),
    CREATED,
    true,
  ),
  "operation: another": row(
    rule({ operations: ["UPDATE", "DELETE", "CONNECT"] }),
    CREATED,
    false,
  ),
  "operation: CREATE": row(rule({ operations: ["CREATE"] }), CREATED, true),
  "operation: UPDATE": row(
    rule({ operations: ["UPDATE"] }),
    changed({}, {}),
    true,
  ),
  "operation: DELETE": row(rule({ operations: ["DELETE"] }), deleted({}), true),
  "operation: an update is no creation": row(
    rule({ operations: ["CREATE", "DELETE"] }),
    changed({}, {}),
    false,
  ),
  "operation: a deletion is no update": row(
    rule({ operations: ["CREATE", "UPDATE"] }),
    deleted({}),
    false,
  ),
  "scope: Namespaced": row(
    scoped("Namespaced"),
    CREATED,
    true,
  ),
  "scope: Cluster, and an object in a namespace": row(
    scoped("Cluster"),
    CREATED,
    false,
  ),
  "scope: Cluster, and an object in none": row(
    scoped("Cluster"),
    ROLE,
    true,
  ),
  "scope: Namespaced, and an object in none": row(
    scoped("Namespaced"),
    ROLE,
    false,
  ),
  "scope: Cluster, and a Namespace": row(
    scoped("Cluster"),
    NAMESPACE,
    true,
  ),
  "scope: Namespaced, and a Namespace": row(
    scoped("Namespaced"),
    NAMESPACE,
    false,
  ),
  "scope: *": row(
    scoped("*"),
    ROLE,
    true,
  ),
  "name: its own": row(rule({ resourceNames: ["two", "one"] }), CREATED, true),
  "name: another": row(rule({ resourceNames: ["two"] }), CREATED, false),
  "name: of what is deleted": row(
    rule({ resourceNames: ["one"] }),
    deleted({}),
    true,
  ),
  "name: another, and a rule without one": row(
    { resourceRules: [{ ...OWN, resourceNames: ["two"] }, OWN] },
    CREATED,
    true,
  ),
  "left out: it": row(but({}), CREATED, false),
  "left out: another operation": row(
    but({ operations: ["DELETE"] }),
    CREATED,
    true,
  ),
  "left out: its name": row(but({ resourceNames: ["one"] }), CREATED, false),
  "left out: another name": row(but({ resourceNames: ["two"] }), CREATED, true),
  "left out: its scope": row(
    but({ ...ALL, scope: "Namespaced" }),
    CREATED,
    false,
  ),
  "left out: another scope": row(
    but({ ...ALL, scope: "Cluster" }),
    CREATED,
    true,
  ),
  "left out: another version of it": row(
    but(scaled(["v1"]).resourceRules![0]!),
    SCALER,
    false,
  ),
  "left out: another version, by the letter": row(
    but(scaled(["v1"]).resourceRules![0]!, { matchPolicy: "Exact" }),
    SCALER,
    true,
  ),
  "object: its labels": row(all(of({ a: "b" })), made({ a: "b" }), true),
  "object: other labels": row(all(of({ a: "b" })), made({ a: "c" }), false),
  "object: labels that it gets": row(
    all(of({ a: "b" })),
    changed({}, { a: "b" }),
    true,
  ),
  "object: labels that it loses": row(
    all(of({ a: "b" })),
    changed({ a: "b" }, {}),
    true,
  ),
  "object: labels that it never had": row(
    all(of({ a: "b" })),
    changed({ a: "c" }, {}),
    false,
  ),
  "object: what it had when it was deleted": row(
    all(of({ a: "b" })),
    deleted({ a: "b" }),
    true,
  ),
  "object: In": row(
    all({
      objectSelector: {
        matchExpressions: [{ key: "a", operator: "In", values: ["b", "c"] }],
      },
    }),
    made({ a: "c" }),
    true,
  ),
  "object: NotIn, and it has none": row(
    all({
      objectSelector: {
        matchExpressions: [{ key: "a", operator: "NotIn", values: ["b"] }],
      },
    }),
    CREATED,
    true,
  ),
  "object: Exists": row(
    all({
      objectSelector: { matchExpressions: [{ key: "a", operator: "Exists" }] },
    }),
    CREATED,
    false,
  ),
  "object: DoesNotExist, and it had it": row(
    all({
      objectSelector: {
        matchExpressions: [{ key: "a", operator: "DoesNotExist" }],
      },
    }),
    changed({ a: "b" }, {}),
    true,
  ),
  "object: labels and more": row(
    all({
      objectSelector: {
        matchLabels: { a: "b" },
        matchExpressions: [{ key: "c", operator: "Exists" }],
      },
    }),
    made({ a: "b" }),
    false,
  ),
  "namespace: its labels": row(all(within({ stage })), CREATED, true),
  "namespace: other labels": row(
    all(within({ stage: "test" })),
    CREATED,
    false,
  ),
  "namespace: its name": row(
    all({
      namespaceSelector: {
        matchExpressions: [
          { key: "kubernetes.io/metadata.name", operator: "Exists" },
        ],
      },
    }),
    deleted({}),
    true,
  ),
  "namespace: other labels, and an object in none": row(
    all(within({ stage: "test" })),
    ROLE,
    true,
  ),
  "namespace: a Namespace has its own": row(
    all(within({ a: "b" })),
    { ...NAMESPACE, after: { a: "b" } },
    true,
  ),
  "namespace: a Namespace without them": row(
    all(within({ a: "b" })),
    NAMESPACE,
    false,
  ),
  "namespace: a Namespace that loses them": row(
    all(within({ a: "b" })),
    changed({ a: "b" }, {}, NAMESPACES),
    false,
  ),
  "namespace: a Namespace that gets them": row(
    all(within({ a: "b" })),
    changed({}, { a: "b" }, NAMESPACES),
    true,
  ),
  "namespace: a Namespace that goes": row(
    all(within({ a: "b" })),
    deleted({ a: "b" }, NAMESPACES),
    true,
  ),
  "binding: nothing said": row(rule({}), CREATED, true, {}),
  "binding: its own": row(rule({}), CREATED, true, rule({})),
  "binding: another resource": row(
    rule({}),
    CREATED,
    false,
    rule({ resources: ["secrets"] }),
  ),
  "binding: more than the policy": row(
    rule({ resources: ["secrets"] }),
    CREATED,
    false,
    all({}),
  ),
  "binding: another operation": row(
    rule({}),
    CREATED,
    false,
    rule({ operations: ["DELETE"] }),
  ),
  "binding: another version that is served": row(
    all({}),
    SCALER,
    true,
    scaled(["v1"]),
  ),
  "binding: another version, by the letter": row(
    all({}),
    SCALER,
    false,
    scaled(["v1"], "Exact"),
  ),
  "binding: it left out": row(rule({}), CREATED, false, {
    excludeResourceRules: [OWN],
  }),
  "binding: another name": row(
    rule({}),
    CREATED,
    false,
    rule({ resourceNames: ["two"] }),
  ),
  "binding: other labels of the namespace": row(
    rule({}),
    CREATED,
    false,
    within({ stage: "test" }),
  ),
  "binding: its labels, and those of its namespace": row(
    all(within({ stage })),
    made({ a: "b" }),
    true,
    of({ a: "b" }),
  ),
  "binding: other labels": row(all({}), CREATED, false, of({ a: "b" })),
};

/** An object of a write; nothing where it has no labels, as it is not there. */
export function objectOf(
  { of: { group, version, kind, namespaced }, name }: Written,
  labels: Readonly<Record<string, string>> | undefined,
  namespace: string,
): Fields | null {
  if (labels === undefined) return null;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  const place = namespaced ? { namespace } : {};
  return { apiVersion, kind, metadata: { name, ...place, labels } };
}
