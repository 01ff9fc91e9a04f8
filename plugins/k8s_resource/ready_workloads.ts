import { podProblem } from "./pod_problem.ts";
import {
  conditionOf,
  fails,
  type Fields,
  isReady,
  isUnseen,
  messageOf,
  numberOf,
  type Parts,
  type Readiness,
  recordOf,
  type Rule,
  UNSEEN,
  waits,
} from "./ready_parts.ts";

/** Why a controller cannot make pods, such as a quota: continues a sentence. */
function stuckOn(status: Fields): string {
  const stuck = conditionOf(status, "ReplicaFailure", "True");
  return stuck === undefined ? "" : `: ${messageOf(stuck)}`;
}

function surplusOf(replicas: number): string {
  return `${replicas} replicas too many are still there`;
}

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
  const why = stuckOn(status);
  if (updated < wanted) {
    return waits(`${updated} of ${wanted} replicas are up to date${why}`);
  }
  if (old > 0) return waits(`${old} old replicas are still there`);
  const surplus = numberOf(status.replicas) - wanted;
  if (surplus > 0) return waits(surplusOf(surplus));
  if (available < updated) {
    return waits(`${available} of ${updated} replicas are available${why}`);
  }
  return isReady();
}

/** ReplicaSets and ReplicationControllers: their pods are not replaced when the template changes, so only numbers count. */
function replicas(parts: Parts): Readiness {
  const { spec, status } = parts;
  if (isUnseen(parts)) return UNSEEN;
  const wanted = numberOf(spec.replicas, 1);
  const surplus = numberOf(status.replicas) - wanted;
  if (surplus > 0) return waits(surplusOf(surplus));
  const available = numberOf(status.availableReplicas);
  return available < wanted
    ? waits(
      `${available} of ${wanted} replicas are available${stuckOn(status)}`,
    )
    : isReady();
}

/** With `OnDelete` a controller replaces no pod by itself: which template those have that are there is for people to say. */
const ON_DELETE = isReady("its pods are replaced when they are deleted");

function statefulSet(parts: Parts): Readiness {
  const { spec, status } = parts;
  if (isUnseen(parts)) return UNSEEN;
  const wanted = numberOf(spec.replicas, 1);
  const ready = numberOf(status.readyReplicas);
  if (ready < wanted) return waits(`${ready} of ${wanted} replicas are ready`);
  const surplus = numberOf(status.replicas) - wanted;
  if (surplus > 0) return waits(surplusOf(surplus));
  const strategy = recordOf(spec.updateStrategy);
  if (strategy.type === "OnDelete") return ON_DELETE;
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
  if (isUnseen(parts)) return UNSEEN;
  const isOnDelete = recordOf(spec.updateStrategy).type === "OnDelete";
  const wanted = numberOf(status.desiredNumberScheduled);
  const updated = numberOf(status.updatedNumberScheduled);
  const available = numberOf(status.numberAvailable);
  if (updated < wanted && !isOnDelete) {
    return waits(`${updated} of ${wanted} pods are up to date`);
  }
  if (available < wanted) {
    return waits(`${available} of ${wanted} pods are available`);
  }
  return isOnDelete ? ON_DELETE : isReady();
}

function jobEnd({ status }: Parts): Readiness | undefined {
  const failure = conditionOf(status, "Failed", "True");
  if (failure !== undefined) return fails(messageOf(failure));
  return conditionOf(status, "Complete", "True") && isReady("it is complete");
}

function job(parts: Parts): Readiness {
  const end = jobEnd(parts);
  if (end !== undefined) return end;
  const { spec, status } = parts;
  if (spec.suspend === true) return isReady("it is suspended");
  const wanted = numberOf(spec.completions, 1);
  return waits(
    `${numberOf(status.succeeded)} of ${wanted} pods have succeeded`,
  );
}

function podEnd({ status }: Parts): Readiness | undefined {
  return status.phase === "Succeeded" ? isReady("it has succeeded") : undefined;
}

function pod(parts: Parts): Readiness {
  const { status } = parts;
  const end = podEnd(parts);
  if (end !== undefined) return end;
  if (conditionOf(status, "Ready", "True") !== undefined) return isReady();
  const problem = podProblem(status);
  if (problem === undefined) {
    return waits(`its phase is "${status.phase ?? "Pending"}"`);
  }
  const hopeless = status.phase === "Failed" || problem.kind === "image" ||
    problem.kind === "crash";
  return hopeless ? fails(problem.reason) : waits(problem.reason);
}

/** The kinds that run pods, by group and kind. */
export const WORKLOADS: Readonly<Record<string, Rule>> = {
  "/Pod": pod,
  "/ReplicationController": replicas,
  "apps/Deployment": deployment,
  "apps/ReplicaSet": replicas,
  "apps/StatefulSet": statefulSet,
  "apps/DaemonSet": daemonSet,
  "batch/Job": job,
};

/** How the kinds that run to an end have ended, which stands when they are deleted then; nothing as long as they run. */
export const ENDS: Readonly<
  Record<string, (parts: Parts) => Readiness | undefined>
> = { "/Pod": podEnd, "batch/Job": jobEnd };
