import {
  conditionOf,
  fails,
  isReady,
  isUnseen,
  messageOf,
  type Parts,
  type Readiness,
  recordOf,
  recordsOf,
  type Rule,
  UNSEEN,
  waits,
} from "./ready_parts.ts";

function namespace({ status }: Parts): Readiness {
  return status.phase === "Active"
    ? isReady()
    : waits(`its phase is "${status.phase ?? ""}"`);
}

/** Set once a Pod that uses the claim has a node, so that its volume is made now. */
const SELECTED_NODE = "volume.kubernetes.io/selected-node";

/** @see {@link https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode} */
function persistentVolumeClaim({ metadata, spec, status }: Parts): Readiness {
  if (status.phase === "Bound") return isReady("it is bound");
  if (status.phase === "Lost") {
    return fails("the volume that it was bound to is gone");
  }
  const { volumeName, storageClassName: name } = spec;
  if (volumeName) return waits(`it is not bound to its volume "${volumeName}"`);
  if (typeof name !== "string" || name === "") {
    return waits(
      "there is no volume that fits, and no StorageClass to make it",
    );
  }
  if (recordOf(metadata.annotations)[SELECTED_NODE]) {
    return waits(`the StorageClass "${name}" has not made its volume yet`);
  }
  return {
    ...waits(`it is not bound to a volume of the StorageClass "${name}"`),
    storageClass: name,
  };
}

function service({ spec, status }: Parts): Readiness {
  if (spec.type !== "LoadBalancer") return isReady();
  const { ingress } = recordOf(status.loadBalancer);
  return recordsOf(ingress).length > 0
    ? isReady()
    : waits("its load balancer has no address yet");
}

/** Its budget may be spent for as long as the pods of others are not ready; it only has to be in force. */
function podDisruptionBudget(parts: Parts): Readiness {
  if (isUnseen(parts)) return UNSEEN;
  const allowed = conditionOf(parts.status, "DisruptionAllowed", "False");
  return allowed?.reason === "SyncFailed"
    ? waits(messageOf(allowed))
    : isReady();
}

function apiService({ status }: Parts): Readiness {
  const available = conditionOf(status, "Available");
  if (available?.status === "True") return isReady();
  return waits(
    available === undefined
      ? "nobody has looked for its server yet"
      : `its server is not available: ${messageOf(available)}`,
  );
}

function customResourceDefinition({ status }: Parts): Readiness {
  const refused = conditionOf(status, "NamesAccepted", "False");
  if (refused !== undefined) {
    return fails(`its names are not accepted: ${messageOf(refused)}`);
  }
  const accepted = conditionOf(status, "NamesAccepted", "True") &&
    conditionOf(status, "Established", "True");
  return accepted ? isReady() : waits("it is not established yet");
}

/** Services get addresses of it from then on. */
function serviceCidr({ status }: Parts): Readiness {
  const ready = conditionOf(status, "Ready");
  if (ready?.status === "True") return isReady();
  return waits(
    ready === undefined
      ? UNSEEN.reason
      : `its condition "Ready" is "${ready.status}": ${messageOf(ready)}`,
  );
}

/** It is in force at once; its controller checks the types of its expressions, and says so when it was not new. */
function admissionPolicy(parts: Parts): Readiness {
  const { observedGeneration } = parts.status;
  return observedGeneration !== undefined && isUnseen(parts)
    ? UNSEEN
    : isReady();
}

/** The built-in kinds besides workloads that become ready, by group and kind. */
export const OBJECTS: Readonly<Record<string, Rule>> = {
  "/Namespace": namespace,
  "/PersistentVolumeClaim": persistentVolumeClaim,
  "/Service": service,
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy": admissionPolicy,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinition,
  "apiregistration.k8s.io/APIService": apiService,
  "networking.k8s.io/ServiceCIDR": serviceCidr,
  "policy/PodDisruptionBudget": podDisruptionBudget,
};
