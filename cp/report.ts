import {
  type ErrorBody,
  type EventResult,
  type EventStatus,
  formatTime,
  isErrorCode,
  isRecord,
  isTerminal,
  parseTime,
  type ResourceStatus,
  type StatusUpdateFrame,
  utf8Length,
} from "@transporter/sdk";

/** Characters of a message; a longer one is cut. */
export const MESSAGE_CHARS_MAX = 4096;

/** Bytes of all facts of a status together, as JSON; larger ones are replaced by a marker. */
export const FACTS_BYTES_MAX = 256 * 1024;

/**
 * Bytes of what the objects became, as JSON: apart from the other facts, since
 * an event may have 2,000 objects. Of a longer list the beginning is kept.
 */
export const RESOURCES_BYTES_MAX = 2 * 1024 * 1024;

/** Characters of the fields that name something. */
const NAME_CHARS_MAX = 256;

/** Characters of a log level, of which there are three. */
const LEVEL_CHARS_MAX = 16;

/** Whom a status is from, and when it came. */
export interface ReadReportOptions {
  /** The agent of the session; what the frame says of it does not count. */
  readonly agent: string;
  /** Now. */
  readonly now: number;
}

/**
 * Reads a status as an agent sent it: whatever it says, what is kept has the
 * promised shape and a bounded size. Times are the agent's claims.
 *
 * @param frame What came.
 * @param options Whom it is from.
 * @returns The status, for `report()`.
 */
export function readReport(
  frame: StatusUpdateFrame,
  { agent, now }: ReadReportOptions,
): EventStatus {
  const { details, result, error } = frame;
  const all = [
    details,
    isRecord(result) ? without(result) : undefined,
    error?.details,
  ];
  const fits = jsonBytes(all) <= FACTS_BYTES_MAX;
  const ends = isTerminal(frame.state);
  return {
    event_id: frame.event_id,
    agent_id: agent,
    state: frame.state,
    ...(frame.phase === undefined ? {} : { phase: frame.phase }),
    message: cut(frame.message),
    log_level: cut(frame.log_level ?? "info", LEVEL_CHARS_MAX),
    ...(isRecord(details)
      ? { details: fits ? details : { truncated: true } }
      : {}),
    ...(ends && isRecord(result)
      ? { result: readResult(result, { frame, fits, now }) }
      : {}),
    ...(error === undefined ? {} : { error: readError(error, fits) }),
    timestamp: readTime(frame.timestamp, now),
    ...(frame.attempt === undefined ? {} : { attempt: frame.attempt }),
  };
}

function jsonBytes(value: unknown): number {
  return utf8Length(JSON.stringify(value));
}

function cut(text: string, charsMax: number = MESSAGE_CHARS_MAX): string {
  const short = text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
  return short.toWellFormed();
}

function readTime(text: unknown, now: number): string {
  return typeof text === "string" && parseTime(text) !== undefined
    ? text
    : formatTime(now);
}

function readError(error: ErrorBody, fits: boolean): ErrorBody {
  const details = isRecord(error.details) ? error.details : undefined;
  return {
    // A code of a newer agent; the message says what it means.
    code: isErrorCode(error.code) ? error.code : "failed",
    message: cut(error.message),
    ...(details === undefined
      ? {}
      : { details: fits ? details : { truncated: true } }),
  };
}

function readResult(
  result: Readonly<Record<string, unknown>>,
  { frame, fits, now }: {
    readonly frame: StatusUpdateFrame;
    readonly fits: boolean;
    readonly now: number;
  },
): EventResult {
  const { success, duration } = result;
  const message = result["error_message"];
  const items = result["resource_status"];
  const resources = Array.isArray(items) ? readResources(items) : undefined;
  const kept = resources === undefined ? undefined : firstThatFit(resources);
  const truncated = !fits || kept?.length !== resources?.length;
  return {
    ...(fits ? without(result) : {}),
    ...(truncated ? { truncated } : {}),
    success: typeof success === "boolean"
      ? success
      : frame.state === "completed",
    ...(kept === undefined ? {} : { resource_status: kept }),
    ...(typeof message === "string" ? { error_message: cut(message) } : {}),
    completed_at: readTime(result["completed_at"], now),
    duration: typeof duration === "number" && Number.isFinite(duration)
      ? duration
      : 0,
  };
}

/** What else the executor says. */
function without(
  { resource_status: _, error_message: __, ...rest }: Readonly<
    Record<string, unknown>
  >,
): Record<string, unknown> {
  return rest;
}

function readResources(items: readonly unknown[]): ResourceStatus[] {
  return items.filter(isRecord).map((item) => {
    const text = (name: string, charsMax = NAME_CHARS_MAX) =>
      cut(typeof item[name] === "string" ? item[name] : "", charsMax);
    const known = (name: string) =>
      typeof item[name] === "string" ? { [name]: text(name) } : {};
    return {
      kind: text("kind"),
      name: text("name"),
      namespace: text("namespace"),
      api_version: text("api_version"),
      status: text("status"),
      message: text("message", MESSAGE_CHARS_MAX),
      ...known("uid"),
      ...known("resource_version"),
    };
  });
}

/** Of a list too long to keep, the beginning. */
function firstThatFit(items: readonly ResourceStatus[]): ResourceStatus[] {
  let bytes = 0;
  const last = items.findIndex((item) =>
    (bytes += jsonBytes(item)) > RESOURCES_BYTES_MAX
  );
  return items.slice(0, last === -1 ? items.length : last);
}
