/** A group of the API, and the kinds in it that can be applied. */
interface Kinds {
  readonly namespaced?: readonly string[];
  readonly cluster?: readonly string[];
}

/** The kinds of Kubernetes itself, of any version. @see {@link https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/} */
export const BUILT_IN: Readonly<Record<string, Kinds>> = {
  "": {
    namespaced: [
      "ConfigMap",
      "Endpoints",
      "Event",
      "LimitRange",
      "PersistentVolumeClaim",
      "Pod",
      "PodTemplate",
      "ReplicationController",
      "ResourceQuota",
      "Secret",
      "Service",
      "ServiceAccount",
    ],
    cluster: ["Namespace", "Node", "PersistentVolume"],
  },
  "admissionregistration.k8s.io": {
    cluster: [
      "MutatingAdmissionPolicy",
      "MutatingAdmissionPolicyBinding",
      "MutatingWebhookConfiguration",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionPolicyBinding",
      "ValidatingWebhookConfiguration",
    ],
  },
  "apiextensions.k8s.io": { cluster: ["CustomResourceDefinition"] },
  "apiregistration.k8s.io": { cluster: ["APIService"] },
  "apps": {
    namespaced: [
      "ControllerRevision",
      "DaemonSet",
      "Deployment",
      "ReplicaSet",
      "StatefulSet",
    ],
  },
  "autoscaling": { namespaced: ["HorizontalPodAutoscaler"] },
  "batch": { namespaced: ["CronJob", "Job"] },
  "certificates.k8s.io": { cluster: ["CertificateSigningRequest"] },
  "coordination.k8s.io": { namespaced: ["Lease"] },
  "discovery.k8s.io": { namespaced: ["EndpointSlice"] },
  "events.k8s.io": { namespaced: ["Event"] },
  "flowcontrol.apiserver.k8s.io": {
    cluster: ["FlowSchema", "PriorityLevelConfiguration"],
  },
  "networking.k8s.io": {
    namespaced: ["Ingress", "NetworkPolicy"],
    cluster: ["IPAddress", "IngressClass", "ServiceCIDR"],
  },
  "node.k8s.io": { cluster: ["RuntimeClass"] },
  "policy": { namespaced: ["PodDisruptionBudget"] },
  "rbac.authorization.k8s.io": {
    namespaced: ["Role", "RoleBinding"],
    cluster: ["ClusterRole", "ClusterRoleBinding"],
  },
  "resource.k8s.io": {
    namespaced: ["ResourceClaim", "ResourceClaimTemplate"],
    cluster: ["DeviceClass", "ResourceSlice"],
  },
  "scheduling.k8s.io": { cluster: ["PriorityClass"] },
  "storage.k8s.io": {
    namespaced: ["CSIStorageCapacity"],
    cluster: [
      "CSIDriver",
      "CSINode",
      "StorageClass",
      "VolumeAttachment",
      "VolumeAttributesClass",
    ],
  },
};

/** Where objects of a kind are. */
export interface RightsPlace {
  /** The plural, which is in rules. */
  readonly resource: string;
  /** Whether its objects live in namespaces. */
  readonly namespaced: boolean;
}

/** Kubernetes' own rule for its own kinds. @see {@link https://github.com/kubernetes/apimachinery/blob/master/pkg/api/meta/restmapper.go} */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name === "endpoints") return name;
  if (name.endsWith("s")) return `${name}es`;
  return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** Where a kind of Kubernetes itself is; `undefined` when it has no such kind that can be applied. */
export function builtInPlace(
  { group, kind }: { readonly group: string; readonly kind: string },
): RightsPlace | undefined {
  const { namespaced = [], cluster = [] } = Object.hasOwn(BUILT_IN, group)
    ? BUILT_IN[group] ?? {}
    : {};
  const isNamespaced = namespaced.includes(kind);
  return isNamespaced || cluster.includes(kind)
    ? { resource: pluralOf(kind), namespaced: isNamespaced }
    : undefined;
}
