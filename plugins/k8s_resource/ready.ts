import { isRecord } from "@transporter/sdk";

/** Whether an object is what it is meant to become. */
export interface Readiness {
  /** It is. */
  readonly ready: boolean;
  /** It cannot become so any more. */
  readonly failed?: true;
  /** Why, for people. */
  readonly reason: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** An object of the API, as JSON. */
interface Parts {
  readonly metadata: Fields;
  readonly spec: Fields;
  readonly status: Fields;
}

function recordOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === "number" ? value : otherwise;
}

function waits(reason: string): Readiness {
  return { ready: false, reason };
}

function fails(reason: string): Readiness {
  return { ready: false, failed: true, reason };
}

function isReady(reason = "it is ready"): Readiness {
  return { ready: true, reason };
}

/** A condition by its type, when it has this status. @see {@link https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties} */
function conditionOf(
  status: Fields,
  type: string,
  value = "True",
): Fields | undefined {
  const conditions = Array.isArray(status.conditions) ? status.conditions : [];
  return conditions.filter(isRecord).find((each) =>
    each.type === type && each.status === value
  );
}

function messageOf(condition: Fields): string {
  return String(condition.message || condition.reason || condition.type);
}

function isUnseen({ metadata, status }: Parts): boolean {
  return numberOf(status.observedGeneration) < numberOf(metadata.generation);
}

const UNSEEN = waits("its controller has not seen it yet");

/** @see {@link https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go} */
function deployment(parts: Parts): Readiness {
  const { spec, status } = parts;
  if (spec.paused === true) return isReady("its rollout is paused");
  if (isUnseen(parts)) return UNSEEN;
  const progressing = conditionOf(status, "Progressing", "False");
  if (progressing?.reason === "ProgressDeadlineExceeded") {
    return fails(messageOf(progressing));
  }
  const wanted = numberOf(spec.replicas, 1);
  const updated = numberOf(status.updatedReplicas);
  const available = numberOf(status.availableReplicas);
  const old = numberOf(status.replicas) - updated;
  const stuck = conditionOf(status, "ReplicaFailure");
  const why = stuck === undefined ? "" : `: ${messageOf(stuck)}`;
  if (updated < wanted) {
    return waits(`${updated} of ${wanted} replicas are up to date${why}`);
  }
  if (old > 0) return waits(`${old} old replicas are still there`);
  if (available < updated) {
    return waits(`${available} of ${updated} replicas are available${why}`);
  }
  return isReady();
}

function statefulSet(parts: Parts): Readiness {
  const { spec, status } = parts;
  const strategy = recordOf(spec.updateStrategy);
  if (strategy.type === "OnDelete") {
    return isReady("its pods are replaced when they are deleted");
  }
  if (isUnseen(parts)) return UNSEEN;
  const wanted = numberOf(spec.replicas, 1);
  const ready = numberOf(status.readyReplicas);
  if (ready < wanted) return waits(`${ready} of ${wanted} replicas are ready`);
  const partition = numberOf(recordOf(strategy.rollingUpdate).partition);
  const updated = numberOf(status.updatedReplicas);
  const newOnes = Math.max(0, wanted - partition);
  if (updated < newOnes) {
    return waits(`${updated} of ${newOnes} replicas are up to date`);
  }
  if (partition === 0 && status.updateRevision !== status.currentRevision) {
    return waits("the old revision is still there");
  }
  return isReady();
}

function daemonSet(parts: Parts): Readiness {
  const { spec, status } = parts;
  if (recordOf(spec.updateStrategy).type === "OnDelete") {
    return isReady("its pods are replaced when they are deleted");
  }
  if (isUnseen(parts)) return UNSEEN;
  const wanted = numberOf(status.desiredNumberScheduled);
  const updated = numberOf(status.updatedNumberScheduled);
  const available = numberOf(status.numberAvailable);
  if (updated < wanted) {
    return waits(`${updated} of ${wanted} pods are up to date`);
  }
  if (available < wanted) {
    return waits(`${available} of ${wanted} pods are available`);
  }
  return isReady();
}

function job({ spec, status }: Parts): Readiness {
  const failure = conditionOf(status, "Failed");
  if (failure !== undefined) return fails(messageOf(failure));
  if (conditionOf(status, "Complete") !== undefined) {
    return isReady("it is complete");
  }
  if (spec.suspend === true) return isReady("it is suspended");
  const wanted = numberOf(spec.completions, 1);
  return waits(
    `${numberOf(status.succeeded)} of ${wanted} pods have succeeded`,
  );
}

function pod({ status }: Parts): Readiness {
  if (status.phase === "Succeeded") return isReady("it has succeeded");
  if (status.phase === "Failed") {
    return fails(String(status.message || status.reason || "it has failed"));
  }
  if (conditionOf(status, "Ready") !== undefined) return isReady();
  const unscheduled = conditionOf(status, "PodScheduled", "False");
  if (unscheduled !== undefined) {
    return waits(`it is not scheduled: ${messageOf(unscheduled)}`);
  }
  const containers = Array.isArray(status.containerStatuses)
    ? status.containerStatuses
    : [];
  for (const container of containers.filter(isRecord)) {
    const waiting = recordOf(recordOf(container.state).waiting);
    if (waiting.reason) {
      return waits(
        `its container "${container.name}" waits: ${waiting.reason}`,
      );
    }
  }
  return waits(`its phase is "${status.phase ?? "Pending"}"`);
}

function namespace({ status }: Parts): Readiness {
  return status.phase === "Active"
    ? isReady()
    : waits(`its phase is "${status.phase ?? ""}"`);
}

function customResourceDefinition({ status }: Parts): Readiness {
  const refused = conditionOf(status, "NamesAccepted", "False");
  if (refused !== undefined) {
    return fails(`its names are not accepted: ${messageOf(refused)}`);
  }
  const accepted = conditionOf(status, "NamesAccepted") &&
    conditionOf(status, "Established");
  return accepted ? isReady() : waits("it is not established yet");
}

const RULES: ReadonlyMap<string, (parts: Parts) => Readiness> = new Map([
  ["/Namespace", namespace],
  ["/Pod", pod],
  ["apps/Deployment", deployment],
  ["apps/StatefulSet", statefulSet],
  ["apps/DaemonSet", daemonSet],
  ["batch/Job", job],
  ["apiextensions.k8s.io/CustomResourceDefinition", customResourceDefinition],
]);

/** Whether objects of a kind become ready some time after they are applied; all others are ready at once. */
export function becomesReady(
  { group, kind }: { readonly group: string; readonly kind: string },
): boolean {
  return RULES.has(`${group}/${kind}`);
}

/**
 * Says whether an object is ready, still on its way, or lost. Pure: looks at
 * nothing but the object.
 *
 * @param object The object as the API server gives it.
 * @see {@link https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus}
 */
export function readiness(object: Fields): Readiness {
  const metadata = recordOf(object.metadata);
  if (metadata.deletionTimestamp) return waits("it is being deleted");
  const apiVersion = String(object.apiVersion ?? "");
  const group = apiVersion.includes("/")
    ? apiVersion.slice(0, apiVersion.indexOf("/"))
    : "";
  const rule = RULES.get(`${group}/${object.kind}`);
  if (rule === undefined) return isReady("it is ready once it is applied");
  return rule({
    metadata,
    spec: recordOf(object.spec),
    status: recordOf(object.status),
  });
}
