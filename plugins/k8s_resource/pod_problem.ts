import {
  conditionOf,
  type Fields,
  messageOf,
  numberOf,
  recordOf,
  recordsOf,
} from "./ready_parts.ts";

/** Why a pod is not ready. */
export interface PodProblem {
  /** For people: continues "Pod ...". */
  readonly reason: string;
  /**
   * What it comes from, where waiting may not help: a name of an image that
   * leads nowhere, an image that cannot be pulled for now, a container that
   * ended again and again.
   */
  readonly kind?: "image" | "pull" | "crash";
}

/**
 * Restarts after which a container that ends again is given up. The kubelet
 * pauses 10 s, 20 s, 40 s ... between them, so that this takes two and a half
 * minutes or more, in which what it needs may have come.
 */
const RESTARTS_MAX = 5;

/** Reasons of a container's waiting, and what they come from. @see {@link https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/types.go} */
const KINDS: ReadonlyMap<unknown, NonNullable<PodProblem["kind"]>> = new Map([
  ["InvalidImageName", "image"],
  ["ErrImageNeverPull", "image"],
  ["ErrImagePull", "pull"],
  ["ImagePullBackOff", "pull"],
  ["RegistryUnavailable", "pull"],
]);

/** Reasons that only say that it has not begun yet. */
const EARLY = new Set<unknown>(["PodInitializing", "ContainerCreating"]);

/** How a container ended: `exit code 3 (Error)`. */
function endOf({ exitCode, reason }: Fields): string {
  return `exit code ${exitCode}${reason ? ` (${reason})` : ""}`;
}

/** Why a container is not ready; nothing while it is about to begin, or when it is over. */
function containerProblem(container: Fields): PodProblem | undefined {
  const { running, waiting, terminated } = recordOf(container.state);
  const name = `its container "${container.name}"`;
  const restarts = numberOf(container.restartCount);
  const last = recordOf(recordOf(container.lastState).terminated);
  const { reason, message } = recordOf(waiting);
  const ended = recordOf(terminated);
  if (reason === "CrashLoopBackOff" || ended.exitCode) {
    const end = endOf(ended.exitCode ? ended : last);
    return {
      reason: restarts === 0
        ? `${name} ended with ${end}`
        : `${name} was restarted ${
          restarts === 1 ? "once" : `${restarts} times`
        }, and ended with ${end}`,
      ...(restarts >= RESTARTS_MAX ? { kind: "crash" } : {}),
    };
  }
  if (reason && !EARLY.has(reason)) {
    const kind = KINDS.get(reason) ??
      (restarts >= RESTARTS_MAX ? "crash" : undefined);
    return {
      reason: `${name} waits: ${reason}${message ? `: ${message}` : ""}`,
      ...(kind === undefined ? {} : { kind }),
    };
  }
  if (running !== undefined && container.ready === false) {
    return { reason: `${name} runs and is not ready` };
  }
  return undefined;
}

/**
 * Says why a pod is not ready. Pure: looks at nothing but its status.
 *
 * @param status The pod's `status`.
 * @returns Nothing when the pod is ready, or nothing is known.
 */
export function podProblem(status: Fields): PodProblem | undefined {
  if (status.phase === "Succeeded") return undefined;
  if (status.phase === "Failed") return { reason: failureOf(status) };
  if (conditionOf(status, "Ready", "True") !== undefined) return undefined;
  const unscheduled = conditionOf(status, "PodScheduled", "False");
  if (unscheduled !== undefined) {
    return { reason: `it is not scheduled: ${messageOf(unscheduled)}` };
  }
  const containers = [
    ...recordsOf(status.initContainerStatuses),
    ...recordsOf(status.containerStatuses),
  ];
  const problems = containers.flatMap((each) => containerProblem(each) ?? []);
  return problems.find(({ kind }) => kind !== undefined) ?? problems[0] ??
    (containers.some(isEarly) ? NOT_BEGUN : gateProblem(status));
}

const NOT_BEGUN: PodProblem = { reason: "its containers have not begun yet" };

function isEarly({ state }: Fields): boolean {
  return EARLY.has(recordOf(recordOf(state).waiting).reason);
}

/** Why a pod has failed. */
function failureOf(status: Fields): string {
  const said = [status.reason, status.message].filter((each) => !!each)
    .map((each) => String(each).trim());
  if (said.length > 0) return said.join(": ");
  const problems = recordsOf(status.containerStatuses)
    .flatMap((container) => containerProblem(container) ?? []);
  return problems[0]?.reason ?? "it has failed";
}

/** A pod whose containers are all ready waits for what somebody else says of it. */
function gateProblem(status: Fields): PodProblem | undefined {
  if (conditionOf(status, "ContainersReady", "True") === undefined) {
    return undefined;
  }
  const ready = conditionOf(status, "Ready", "False");
  return ready === undefined ? undefined : { reason: messageOf(ready) };
}
