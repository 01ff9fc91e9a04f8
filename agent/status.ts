import {
  type ErrorBody,
  type EventStatus,
  formatTime,
  isRecord,
  isTerminal,
  type Phase,
  type ResourceStatus,
  type State,
  type StatusUpdateFrame,
  type TransporterError,
} from "@transporter/sdk";

/** Whether nothing of its attempt follows a status: it ended, or it is known that it was cut off. */
export function isLast(status: EventStatus): boolean {
  return isTerminal(status.state) || status.phase === "interrupted";
}

/** Where an attempt ended that no executor brought to its end. */
const STATE_OF: Readonly<Record<LastStatus["phase"], State>> = {
  failed: "failed",
  interrupted: "in_progress", // the control plane decides what happens next
  cancelled: "cancelled",
  expired: "expired",
};

/** What {@linkcode lastStatus} says. */
export interface LastStatus {
  /** The event. */
  readonly id: string;
  /** Who reports it. */
  readonly agentId: string;
  /** Which attempt, from 1. */
  readonly attempt: number;
  /** How it ended. */
  readonly phase: "failed" | "interrupted" | "cancelled" | "expired";
  /** Why. */
  readonly error: ErrorBody;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** Facts for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Makes the last status of an attempt that no executor brought to its end. */
export function lastStatus(
  { id, agentId, attempt, phase, error, at, details }: LastStatus,
): EventStatus {
  const timestamp = formatTime(at);
  return {
    event_id: id,
    agent_id: agentId,
    state: STATE_OF[phase],
    phase,
    message: error.message,
    log_level: "error",
    details: details ?? null,
    result: {
      success: false,
      error_message: error.message,
      completed_at: timestamp,
      duration: 0,
    },
    timestamp,
    attempt,
    error,
  };
}

/** Makes the last status of an attempt that had its turn and must not be started after all. */
export function unstarted(
  { spec: { id }, attempt }: {
    readonly spec: { readonly id: string };
    readonly attempt: number;
  },
  reason: TransporterError,
  report: { readonly agentId: string; readonly at: number },
): EventStatus {
  const phase = reason.code === "expired" ? "expired" : "failed";
  return lastStatus({ ...report, id, attempt, phase, error: reason.toJSON() });
}

/** Phases that a v1 control plane does not know, and what it is told instead. */
const V1: Readonly<
  Partial<Record<Phase, { readonly state: State; readonly phase: Phase }>>
> = {
  interrupted: { state: "failed", phase: "failed" },
  cancelled: { state: "failed", phase: "failed" },
  expired: { state: "expired", phase: "failed" },
};

/** The frame of a status for a v1 control plane: the fields and words that it knows, and no more. */
export function v1StatusFrame(status: EventStatus): StatusUpdateFrame {
  const { attempt: _attempt, error: _error, ...known } = status;
  return {
    type: "status_update",
    ...known,
    ...(status.phase === undefined ? {} : V1[status.phase]),
  };
}

/** Of a longer status the result is cut, in characters: a message of 12 MiB is the most that goes over a link. */
const STATUS_CHARS_MAX = 2 * 1024 * 1024;

/** Characters of what is said of an object in a result that is cut. */
const OUTCOME_CHARS_MAX = 256;

/** What each object became, without what else is said of it, as far as there is room. */
function outcomesOf(
  objects: readonly Readonly<Record<string, unknown>>[],
  charsMax: number,
): ResourceStatus[] {
  const kept: ResourceStatus[] = [];
  let chars = 0;
  for (const object of objects) {
    const text = (name: string) => `${object[name] ?? ""}`;
    const outcome = {
      kind: text("kind"),
      name: text("name"),
      namespace: text("namespace"),
      api_version: text("api_version"),
      status: text("status"),
      message: text("message").slice(0, OUTCOME_CHARS_MAX),
    };
    chars += JSON.stringify(outcome).length;
    if (chars > charsMax) break;
    kept.push(outcome);
  }
  return kept;
}

/**
 * A status that fits into a message, and into what is left of the journal: of
 * the result of one that does not, what each object became stays as far as there
 * is room; the rest is left out, and the status says so.
 *
 * @param bytesLeft What the journal has room for, in bytes.
 */
export function fitting(status: EventStatus, bytesLeft: number): EventStatus {
  // A character takes up to three bytes, and half of the room is for others.
  const charsMax = Math.min(STATUS_CHARS_MAX, bytesLeft / 6);
  if (JSON.stringify(status).length <= charsMax) return status;
  const result = status.result ?? undefined;
  const objects = result?.resource_status;
  const kept = Array.isArray(objects)
    ? outcomesOf(objects.filter(isRecord), charsMax / 2)
    : undefined;
  const message = kept === undefined
    ? "The result was left out as it is too large"
    : "All but what the objects became was left out of the result as it is too large";
  return {
    ...status,
    message: status.message.slice(0, 4096),
    details: { left_out: message },
    result: result === undefined ? null : {
      success: result.success,
      completed_at: result.completed_at,
      duration: result.duration,
      ...(kept === undefined ? {} : { resource_status: kept }),
      truncated: true,
      left_out: message,
    },
    ...(status.error === undefined ? {} : {
      error: {
        code: status.error.code,
        message: status.error.message.slice(0, 4096),
      },
    }),
  };
}

/** What the control plane has to know to decide what follows an interruption. */
export function withRepeatable(
  status: EventStatus,
  { repeatable, cutOff }: {
    readonly repeatable: boolean;
    readonly cutOff: boolean;
  },
): EventStatus {
  if (status.phase !== "interrupted") return status;
  const drained = cutOff ? { drained: true } : {}; // it did not end the agent
  return { ...status, details: { ...status.details, repeatable, ...drained } };
}
