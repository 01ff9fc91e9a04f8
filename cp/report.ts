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
import { readProgress } from "./progress_report.ts";

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
  // Field by field: this runs for every status, and most have none of these.
  const read: { -readonly [K in keyof EventStatus]: EventStatus[K] } = {
    event_id: frame.event_id,
    agent_id: agent,
    state: frame.state,
    message: cut(frame.message),
    log_level: cut(frame.log_level ?? "info", LEVEL_CHARS_MAX),
    timestamp: readTime(frame.timestamp, now),
  };
  if (frame.phase !== undefined) read.phase = frame.phase;
  if (frame.attempt !== undefined) read.attempt = frame.attempt;
  if (details === undefined && result === undefined && error === undefined) {
    return read;
  }
  const all = [
    details,
    isRecord(result) ? without(result) : undefined,
    error?.details,
  ];
  const fits = jsonBytes(all) <= FACTS_BYTES_MAX;
  if (isRecord(details)) {
    read.details = fits ? readDetails(details) : { truncated: true };
  }
  if (isTerminal(frame.state) && isRecord(result)) {
    read.result = readResult(result, { frame, fits, now });
  }
  if (error !== undefined) read.error = readError(error, fits);
  return read;
}

/** The facts as they came, but for those that have a promised shape. */
function readDetails(
  { progress, ...details }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const read = readProgress(progress);
  return read === undefined ? details : { ...details, progress: read };
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
  const resources = Array.isArray(items)
    ? readResources(items.filter(isRecord))
    : undefined;
  const isWhole = fits && (resources?.isWhole ?? true);
  return {
    ...(fits ? without(result) : {}),
    ...(isWhole ? {} : { truncated: true }),
    success: typeof success === "boolean"
      ? success
      : frame.state === "completed",
    ...(resources === undefined ? {} : { resource_status: resources.kept }),
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

/** The texts about an object that are kept, and their characters; whatever else the executor says is kept as it is. */
const RESOURCE_TEXTS: Readonly<Record<string, number>> = {
  kind: NAME_CHARS_MAX,
  name: NAME_CHARS_MAX,
  namespace: NAME_CHARS_MAX,
  api_version: NAME_CHARS_MAX,
  status: NAME_CHARS_MAX,
  uid: NAME_CHARS_MAX,
  resource_version: NAME_CHARS_MAX,
  message: MESSAGE_CHARS_MAX,
};

/** Durations of an object, in nanoseconds. */
const RESOURCE_TIMES = ["duration", "ready_after"] as const;

/** What is said of an object that is read, not kept as it is. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(RESOURCE_TEXTS),
  ...RESOURCE_TIMES,
]);

/** A duration as it is shown, or nothing in place of anything else. */
function readDuration(value: unknown): number | undefined {
  const fits = typeof value === "number" && value >= 0 &&
    value <= Number.MAX_SAFE_INTEGER;
  return fits ? Math.round(value) : undefined;
}

type Item = Readonly<Record<string, unknown>>;

function readResource(item: Item): ResourceStatus {
  const text = (name: string) =>
    cut(
      typeof item[name] === "string" ? item[name] : "",
      RESOURCE_TEXTS[name] ?? NAME_CHARS_MAX,
    );
  const known = (name: string) =>
    typeof item[name] === "string" ? { [name]: text(name) } : {};
  const times = RESOURCE_TIMES.flatMap((name) => {
    const ns = readDuration(item[name]);
    return ns === undefined ? [] : [[name, ns] as const];
  });
  return {
    kind: text("kind"),
    name: text("name"),
    namespace: text("namespace"),
    api_version: text("api_version"),
    status: text("status"),
    message: text("message"),
    ...known("uid"),
    ...known("resource_version"),
    ...Object.fromEntries(times),
  };
}

/**
 * What the objects became, as far as there is room: of a list too long to
 * keep the beginning, and what else is said of each as long as it fits.
 */
function readResources(items: readonly Item[]): {
  readonly kept: readonly ResourceStatus[];
  readonly isWhole: boolean;
} {
  const outcomes = items.map(readResource);
  let bytes = 0;
  const last = outcomes.findIndex((item) =>
    (bytes += jsonBytes(item)) > RESOURCES_BYTES_MAX
  );
  const known = last === -1 ? outcomes : outcomes.slice(0, last);
  let isWhole = last === -1;
  const kept = known.map((outcome, index): ResourceStatus => {
    const facts = Object.entries(items[index] ?? {})
      .filter(([name]) => !KNOWN.has(name));
    if (facts.length === 0) return outcome;
    const all = { ...outcome, ...Object.fromEntries(facts) };
    const more = jsonBytes(all) - jsonBytes(outcome);
    if (bytes + more > RESOURCES_BYTES_MAX) {
      isWhole = false;
      return outcome;
    }
    bytes += more;
    return all;
  });
  return { kept, isWhole };
}
