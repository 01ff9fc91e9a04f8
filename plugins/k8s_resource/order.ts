import { BUILT_IN } from "./built_in.ts";
import type { ObjectName } from "./manifest.ts";

/** Kinds in the order in which they are applied; those of one group at the same time. tests/kubernetes/README.md, "Order and delete", has the reasons. */
const GROUPS: readonly (readonly string[])[] = [
  ["/Namespace"],
  ["apiextensions.k8s.io/CustomResourceDefinition"],
  [
    "/ServiceAccount",
    ...["Role", "ClusterRole"].map((kind) =>
      `rbac.authorization.k8s.io/${kind}`
    ),
  ],
  // After the roles: the server checks that whoever binds a role may do so, and needs it for that.
  ["RoleBinding", "ClusterRoleBinding"].map((kind) =>
    `rbac.authorization.k8s.io/${kind}`
  ),
  [
    ...["ConfigMap", "Secret", "LimitRange", "ResourceQuota"].map((kind) =>
      `/${kind}`
    ),
    "scheduling.k8s.io/PriorityClass",
    "node.k8s.io/RuntimeClass",
    "networking.k8s.io/NetworkPolicy",
    "networking.k8s.io/IngressClass",
    "networking.k8s.io/ServiceCIDR",
    "policy/PodDisruptionBudget",
  ],
  [
    "storage.k8s.io/StorageClass",
    "storage.k8s.io/CSIDriver",
    "/PersistentVolume",
  ],
  ["/PersistentVolumeClaim"],
  ["/Service", "/Endpoints", "discovery.k8s.io/EndpointSlice"],
];

/** What comes after the custom objects: each may stop the work of others until its server runs. */
const LAST: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/MutatingAdmissionPolicy",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
  "apiregistration.k8s.io/APIService",
]);

const RANKS: ReadonlyMap<string, number> = new Map(
  GROUPS.flatMap((kinds, rank) =>
    kinds.map((kind): [string, number] => [kind, rank])
  ),
);

function rankOf({ group, kind }: ObjectName): number {
  const name = `${group}/${kind}`;
  const workload = GROUPS.length;
  if (LAST.has(name)) return workload + 2;
  return RANKS.get(name) ?? (BUILT_IN.has(group) ? workload : workload + 1);
}

/**
 * Puts objects into groups: one group has to be done before the next begins,
 * the objects within it do not need each other.
 *
 * @param objects In any order.
 * @returns The groups that are not empty; within each the order stays.
 */
export function inOrder<Each extends ObjectName>(
  objects: readonly Each[],
): Each[][] {
  const groups = new Map<number, Each[]>();
  for (const object of objects) {
    const rank = rankOf(object);
    const group = groups.get(rank);
    if (group === undefined) groups.set(rank, [object]);
    else group.push(object);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
