import { isRecord, parseTime } from "@transporter/sdk";
import { podProblem } from "../../k8s_resource/pod_problem.ts";
import { CONTAINER } from "./objects.ts";

/** An object of the API, as far as it is looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/** What is an object is one; else there are no fields. */
export function fieldsOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

/** Those members of a list that are objects. */
export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** How far the Pod of a script is. */
export type PodState =
  | {
    readonly kind: "waits";
    readonly why: string;
    readonly isHopeless: boolean;
  }
  | {
    readonly kind: "runs";
    /** Since when, by the clock of its node, in milliseconds since 1970. */
    readonly since: number | undefined;
  }
  | {
    readonly kind: "ended";
    readonly code: number;
    readonly reason: string;
    /** When it began and ended, as above. */
    readonly since: number | undefined;
    readonly until: number | undefined;
  }
  /** It came to an end that says nothing of the script's. */
  | { readonly kind: "lost"; readonly why: string };

/** A script that has ended. */
export type Ended = PodState & { readonly kind: "ended" };

/** Reasons for which a Pod ends that are none of its script's. @see {@link https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions} */
const DISRUPTIONS: ReadonlySet<unknown> = new Set([
  "Evicted",
  "NodeLost",
  "NodeShutdown",
  "Preempting",
  "Shutdown",
  "Terminated",
  "UnexpectedAdmissionError",
]);

/** Reasons for which a container never begins, whatever time it has. */
const HOPELESS: ReadonlySet<unknown> = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "InvalidImageName",
  "RunContainerError",
]);

/** The name of an object. */
export function nameOf(object: Fields): string {
  return String(fieldsOf(object["metadata"])["name"] ?? "");
}

/** When something else than its script began to end a Pod, in milliseconds since 1970; `undefined` when nothing did. */
function disruptedAt(pod: Fields): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = fieldsOf(
    pod["metadata"],
  );
  const times = listOf(fieldsOf(pod["status"])["conditions"])
    .filter(({ type, status }) =>
      type === "DisruptionTarget" && status === "True"
    )
    .map(({ lastTransitionTime }) => timeOf(lastTransitionTime));
  if (deletionTimestamp !== undefined) {
    // It says when the time to end by itself is over.
    times.push(timeOf(deletionTimestamp) - 1000 * Number(grace ?? 0));
  }
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A time that says something: of what never began, some runtimes say 1970. */
function momentOf(value: unknown): number | undefined {
  return timeOf(value) > 0 ? timeOf(value) : undefined;
}

/** An unreadable time is before all others. */
function timeOf(value: unknown): number {
  return parseTime(String(value)) ?? 0;
}

/** Says how far a Pod is. Pure. */
export function stateOf(pod: Fields): PodState {
  const status = fieldsOf(pod["status"]);
  const [container] = listOf(status["containerStatuses"])
    .filter((each) => each["name"] === CONTAINER);
  const { running, terminated, waiting } = fieldsOf(container?.["state"]);
  const { reason = "", message = "" } = status;
  if (DISRUPTIONS.has(reason)) {
    return { kind: "lost", why: `${reason}${message ? `: ${message}` : ""}` };
  }
  const disrupted = disruptedAt(pod);
  if (isRecord(terminated)) {
    const { exitCode, startedAt, finishedAt } = terminated;
    // Also a script that ends well when it is told to end has not done its work.
    const isCut = disrupted !== undefined &&
      (exitCode !== 0 || timeOf(finishedAt) >= disrupted);
    if (isCut) {
      return { kind: "lost", why: "it was deleted or moved away" };
    }
    const why = String(reason || terminated["reason"] || "");
    return typeof exitCode === "number" && why !== "ContainerStatusUnknown"
      ? {
        kind: "ended",
        code: exitCode,
        reason: why,
        since: momentOf(startedAt),
        until: momentOf(finishedAt),
      }
      : { kind: "lost", why };
  }
  const hasFailed = status["phase"] === "Failed";
  // Of a node that is gone nobody hears that its containers are.
  const isGone = hasFailed && disrupted !== undefined;
  if (isRecord(running) && !isGone) {
    return { kind: "runs", since: momentOf(running["startedAt"]) };
  }
  if (hasFailed) {
    return { kind: "lost", why: String(message || reason || "it has failed") };
  }
  return {
    kind: "waits",
    why: podProblem(status)?.reason ?? "it has not begun yet",
    isHopeless: HOPELESS.has(fieldsOf(waiting)["reason"]),
  };
}

/** How long a script has run, in milliseconds, by what its Pod says; 0 where that says nothing. */
export function ranFor(
  state: PodState & { readonly kind: "runs" | "ended" },
  now: number,
): number {
  const until = state.kind === "ended" ? state.until : now;
  return state.since === undefined || until === undefined
    ? 0
    : until - state.since;
}
