import {
  type Account,
  type ApiObject,
  bindingOf,
  type PolicyRule,
  roleOf,
} from "./rule.ts";

/** Rights for a purpose; several of them add up (deploy/rights/README.md). */
export interface Preset {
  /** What it is called: `namespace-delete`. */
  readonly name: string;
  /** What it is for, one sentence without a final period. */
  readonly summary: string;
  /** What else to know before it is given to an agent: sentences. */
  readonly notes: readonly string[];
  /** Where its rules hold: the whole cluster, the namespaces that are managed, or that of the agent. */
  readonly scope: "cluster" | "namespace" | "agent";
  /** What it allows. */
  readonly rules: readonly PolicyRule[];
}

/** The ServiceAccount that the presets are for. */
export const AGENT: Account = {
  namespace: "transporter",
  name: "transporter-agent",
};

/** The namespace in the manifests that stands for those that are managed. */
export const MANAGED_NAMESPACE = "apps";

/** The ServiceAccount in the manifests that stands for those that are acted as. */
export const TENANT = "transporter-tenant";

const READ = ["get", "list", "watch"] as const;
const WRITE = [...READ, "create", "patch"] as const;

/** The kinds that a team has in its namespaces; no RBAC kinds, and no quotas, which are others' guard against it. */
const NAMESPACED: readonly (readonly [group: string, ...string[]])[] = [
  ["", "configmaps", "persistentvolumeclaims", "pods"],
  ["", "serviceaccounts", "services"],
  ["apps", "daemonsets", "deployments", "statefulsets"],
  ["autoscaling", "horizontalpodautoscalers"],
  ["batch", "cronjobs", "jobs"],
  ["networking.k8s.io", "ingresses", "networkpolicies"],
  ["policy", "poddisruptionbudgets"],
];

/** What belongs to the whole cluster, or guards namespaces. */
const PLATFORM: readonly (readonly [group: string, ...string[]])[] = [
  ["", "limitranges", "namespaces", "resourcequotas"],
  ["apiextensions.k8s.io", "customresourcedefinitions"],
  ["networking.k8s.io", "ingressclasses"],
  ["node.k8s.io", "runtimeclasses"],
  ["scheduling.k8s.io", "priorityclasses"],
  ["storage.k8s.io", "storageclasses"],
];

const RBAC_KINDS = [
  "rbac.authorization.k8s.io",
  "clusterrolebindings",
  "clusterroles",
  "rolebindings",
  "roles",
] as const;

/** One rule a group. */
function rulesFor(
  kinds: readonly (readonly [group: string, ...string[]])[],
  verbs: readonly string[],
): PolicyRule[] {
  const groups = Map.groupBy(kinds, ([group]) => group);
  return [...groups].map(([group, each]) => ({
    apiGroups: [group],
    resources: each.flatMap(([, ...resources]) => resources),
    verbs,
  }));
}

/** Every preset, in the order in which they are read. */
export const PRESETS: readonly Preset[] = [
  {
    name: "base",
    summary:
      "What every agent needs: to find kinds, to ask who it is, to see how claims for volumes are bound",
    notes: [
      'Most clusters allow the first two rules to everybody, by the ClusterRoles "system:discovery" and "system:basic-user".',
      'The identity of a cluster is the uid of its namespace "kube-system".',
      "A PersistentVolumeClaim that is not bound is as ready as it can be where its StorageClass waits for a Pod; without the last rule an agent can only warn that it does not know.",
    ],
    scope: "cluster",
    rules: [
      {
        nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/version"],
        verbs: ["get"],
      },
      {
        apiGroups: ["authentication.k8s.io"],
        resources: ["selfsubjectreviews"],
        verbs: ["create"],
      },
      {
        apiGroups: ["authorization.k8s.io"],
        resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        verbs: ["create"],
      },
      {
        apiGroups: [""],
        resources: ["namespaces"],
        resourceNames: ["kube-system"],
        verbs: ["get"],
      },
      {
        apiGroups: ["storage.k8s.io"],
        resources: ["storageclasses"],
        verbs: ["get"],
      },
    ],
  },
  {
    name: "lease",
    summary: "The agent's own Lease, beside it",
    notes: [],
    scope: "agent",
    rules: [{
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      resourceNames: [AGENT.name],
      verbs: ["get", "create", "patch", "update"],
    }],
  },
  {
    name: "observe",
    summary: "Reads in the whole cluster, and changes nothing",
    notes: [
      'Secrets and RBAC kinds are left out, as in Kubernetes\' own ClusterRole "view".',
      "A dry run of the API server counts as a write, so an agent that only has this cannot make one.",
    ],
    scope: "cluster",
    rules: [
      ...rulesFor([
        ...NAMESPACED,
        ...PLATFORM,
        ["", "endpoints", "events", "nodes", "persistentvolumes"],
        ["", "replicationcontrollers"],
        ["apps", "replicasets"],
        ["discovery.k8s.io", "endpointslices"],
        ["events.k8s.io", "events"],
      ], READ),
    ],
  },
  {
    name: "namespace",
    summary: "Applies in named namespaces, and removes nothing",
    notes: [
      "Secrets can be applied and read by name, and not listed: an apply answers with the whole Secret anyway.",
      "Whoever may create Pods in a namespace may use its Secrets and its ServiceAccounts.",
    ],
    scope: "namespace",
    rules: [
      ...rulesFor(NAMESPACED, WRITE),
      {
        apiGroups: [""],
        resources: ["secrets"],
        verbs: ["get", "create", "patch"],
      },
      {
        apiGroups: ["", "events.k8s.io"],
        resources: ["events"],
        verbs: WRITE,
      },
      { apiGroups: [""], resources: ["endpoints"], verbs: READ },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["get"] },
      { apiGroups: [""], resources: ["resourcequotas"], verbs: ["list"] },
      { apiGroups: ["apps"], resources: ["replicasets"], verbs: READ },
    ],
  },
  {
    name: "namespace-delete",
    summary: "Removes what the preset namespace applies",
    notes: [],
    scope: "namespace",
    rules: rulesFor([...NAMESPACED, ["", "secrets"]], ["delete"]),
  },
  {
    name: "platform",
    summary:
      "Applies what belongs to the whole cluster: Namespaces, definitions of kinds, classes, roles",
    notes: [
      "The API server lets nobody grant what they do not have themselves: so the agent can give away its own rights, and bind the roles that the last rule names, and no others.",
      'Objects of custom kinds are not in it: "transporter rbac generate" prints the rights for them.',
      'Events say who has changed an object, in its namespace, else in "default"; without that rule nothing else is missing.',
    ],
    scope: "cluster",
    rules: [
      ...rulesFor([...PLATFORM, RBAC_KINDS], WRITE),
      {
        apiGroups: ["events.k8s.io"],
        resources: ["events"],
        verbs: ["create"],
      },
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["clusterroles"],
        resourceNames: ["view"],
        verbs: ["bind"],
      },
    ],
  },
  {
    name: "platform-delete",
    summary: "Removes what the preset platform applies",
    notes: ["A Namespace takes all that is in it with it."],
    scope: "cluster",
    rules: rulesFor([...PLATFORM, RBAC_KINDS], ["delete"]),
  },
  {
    name: "impersonate",
    summary: "Acts as named ServiceAccounts, with their rights and no others",
    notes: [
      "What the ServiceAccount itself may do is for those to say whose it is.",
      "Events whose `as` names groups or extra fields need the right to act with those, too: `transporter rbac generate --as` prints it.",
    ],
    scope: "namespace",
    rules: [{
      apiGroups: [""],
      resources: ["serviceaccounts"],
      resourceNames: [TENANT],
      verbs: ["impersonate"],
    }],
  },
];

/** The namespace in which a preset of the manifests holds. */
function placeOf({ scope }: Preset): { readonly namespace?: string } {
  if (scope === "cluster") return {};
  return {
    namespace: scope === "agent" ? AGENT.namespace : MANAGED_NAMESPACE,
  };
}

/**
 * The objects of a preset: its role and the binding that gives it to the agent.
 * What holds in several namespaces is a ClusterRole, so that each of them only
 * needs a binding; rules that name objects are a Role where these are.
 */
export function presetObjects(preset: Preset): ApiObject[] {
  const place = placeOf(preset);
  const isNamed = preset.rules.some((rule) => rule.resourceNames !== undefined);
  const kind = preset.scope !== "cluster" && isNamed ? "Role" : "ClusterRole";
  const name = `transporter-agent-${preset.name}`;
  return [
    roleOf({ name, rules: preset.rules, ...(kind === "Role" ? place : {}) }),
    bindingOf({ name, kind, ...place }, AGENT),
  ];
}
