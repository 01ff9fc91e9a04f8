import { TransporterError } from "./error.ts";
import { isPhase, isState } from "./event.ts";
import { readEvent } from "./event_input.ts";
import type { Frame, UnknownFrame } from "./frame.ts";
import { isRecord, parseJson } from "./json.ts";

/** A digest as `eventDigest()` writes it. */
const DIGEST_REGEXP = /^sha256:[0-9a-f]{64}$/;

/** Whether a value fits a field. */
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const count: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0;
const flag: Check = (value) => typeof value === "boolean";
const object: Check = isRecord;
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const counts: Check = (value) => Array.isArray(value) && value.every(count);
const digest: Check = (value) =>
  typeof value === "string" && DIGEST_REGEXP.test(value);
const ordinal: Check = (value) => count(value) && value !== 0;
const textMap: Check = (value) =>
  isRecord(value) && Object.values(value).every(text);

/** A field that may be absent, or `null` as Go writes what is empty. */
function optional(check: Check): Check {
  return (value) => value === undefined || value === null || check(value);
}

function shape(fields: Readonly<Record<string, Check>>): Check {
  return (value) => isRecord(value) && faultOf(value, fields) === undefined;
}

/** The first field that does not fit. A loop: this runs for every frame of every agent. */
function faultOf(
  value: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Check>>,
): string | undefined {
  for (const name in fields) {
    // No object inherits a field of these names.
    if (fields[name]?.(value[name]) === false) return name;
  }
  return undefined;
}

const link = shape({
  versions: counts,
  features: texts,
  instance: text,
  resume: optional(shape({
    epoch: text,
    recv: count,
    seen: optional(count),
    inventory: optional(shape({ count, sha256: digest })),
  })),
  window: count,
  max_frame: count,
  clock: text,
  executors: optional((value) =>
    Array.isArray(value) && value.every(shape({ type: text, version: text }))
  ),
});

const failure = shape({ code: text, message: text });

const item = shape({
  event_id: text,
  digest,
  attempt: ordinal,
  state: isState,
  finished_at: optional(text),
  error: optional(failure),
});

/** What each frame must have; more is tolerated. */
const FRAMES: Readonly<Record<Frame["type"], Readonly<Record<string, Check>>>> =
  {
    registration: {
      id: text,
      name: text,
      cluster_name: text,
      cluster_provider: optional(text),
      region: optional(text),
      version: text,
      capabilities: texts,
      hostname: optional(text),
      namespace: optional(text),
      labels: optional(textMap),
      link: optional(link),
    },
    reply: {
      status: optional(text),
      message: optional(text),
      error: optional(text),
      link: optional(text),
      session: optional(text),
    },
    welcome: {
      v: (value) => value === 2,
      session: text,
      gen: count,
      epoch: text,
      resume: (value) =>
        value === "resumed" || value === "fresh" || value === "reconcile",
      from_seq: count,
      next_seq: optional(count),
      status_upto: count,
      features: texts,
      heartbeat_ms: count,
      idle_ms: count,
      max_frame: count,
      server_time: text,
    },
    event: {
      seq: optional(count),
      attempt: optional(count),
      deadline: optional(text),
      event: object,
    },
    part: { msg: text, i: count, n: count, text },
    ack: { epoch: text, upto: count, also: optional(counts) },
    nack: {
      seq: count,
      event_id: text,
      code: text,
      detail: text,
      retry_after_ms: optional(count),
      type_only: optional(flag),
    },
    status_update: {
      event_id: text,
      agent_id: text,
      state: isState,
      phase: optional(isPhase),
      message: optional(text),
      log_level: optional(text),
      details: optional(object),
      result: optional(object),
      error: optional(failure),
      timestamp: text,
      sid: optional(count),
      attempt: optional(count),
    },
    status_ack: { upto: count },
    heartbeat: {
      timestamp: text,
      metrics: optional(object),
      link: optional(object),
    },
    heartbeat_ack: {
      timestamp: text,
      server_time: text,
      spread_ms: optional(count),
    },
    credit: { limit_seq: count },
    flow: { limit_sid: count },
    cancel: { event_id: text, attempt: optional(ordinal), reason: text },
    drain: { reason: text, reconnect_after_ms: count, jitter_ms: count },
    renew: { what: text },
    log: {
      event_id: text,
      attempt: ordinal,
      stream: (value) => value === "stdout" || value === "stderr",
      off: count,
      data: text,
      trunc: optional(flag),
      again: optional(flag),
    },
    log_ack: { upto: count },
    inventory_request: { since: optional(text) },
    inventory: {
      items: (value) => Array.isArray(value) && value.every(item),
      more: flag,
    },
    backlog_request: {},
    backlog: {
      waiting: flag,
      paused: optional(flag),
      ready_at: optional(text),
    },
    error: {
      code: text,
      message: text,
      ref: optional(object),
      fatal: optional(flag),
    },
    bye: { reason: text },
  };

function isFrameType(name: string): name is Frame["type"] {
  return Object.hasOwn(FRAMES, name);
}

function fail(problem: string, cause?: unknown): never {
  throw new TransporterError("bad_frame", `Cannot read the frame: ${problem}`, {
    cause,
  });
}

/** Limits of a frame's JSON: a payload may be nested 64 deep, and sits two levels down. */
const FRAME_LIMITS = { depthMax: 66, keysMax: 60_000, valuesMax: 210_000 };

/**
 * Writes a frame as one JSON object. The first frame of either side has no
 * `type` on the wire, as v1 has it.
 */
export function encode(frame: Frame): string {
  if (frame.type !== "registration" && frame.type !== "reply") {
    return JSON.stringify(frame);
  }
  const { type: _, ...rest } = frame;
  return JSON.stringify(rest);
}

/**
 * Reads a frame, and checks what every frame of its type must have. Unknown
 * fields are tolerated.
 *
 * @param frameText One JSON object.
 * @returns The frame; `type: "unknown"` for a type that this version does not know.
 * @throws {TransporterError} `bad_frame`.
 */
export function decode(frameText: string): Frame | UnknownFrame {
  let value: unknown;
  try {
    value = parseJson(frameText, FRAME_LIMITS);
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!isRecord(value)) return fail("it must be a JSON object");
  const type = typeOfFrame(value);
  if (!isFrameType(type)) return { type: "unknown", name: type.slice(0, 64) };
  const fault = faultOf(value, FRAMES[type]);
  if (fault !== undefined) {
    fail(`"${fault}" of a "${type}" frame is missing or of the wrong type`);
  }
  return clean(value.type === type ? value : { ...value, type });
}

/** The type that a frame names, or has by its fields when it names none. */
function typeOfFrame(value: Readonly<Record<string, unknown>>): string {
  const { type } = value;
  if (typeof type === "string") {
    // The two frames without a type cannot be asked for by name.
    return type === "registration" || type === "reply" ? `"${type}"` : type;
  }
  if (type !== undefined) return fail('"type" must be a string');
  return "status" in value || "error" in value ? "reply" : "registration";
}

/** Leaves out what is `null`. A loop: this runs for every frame of every agent. */
function clean(frame: Record<string, unknown>): Frame {
  let kept = frame;
  for (const name in frame) {
    if (frame[name] !== null) continue;
    kept = withoutNulls(frame);
    break;
  }
  if (kept["type"] === "status_update") kept["message"] ??= "";
  // The table above has checked every field that the types promise.
  return kept as unknown as Frame;
}

function withoutNulls(frame: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in frame) {
    // No frame has a field of that name, and to set it would set the prototype.
    if (frame[name] !== null && name !== "__proto__") kept[name] = frame[name];
  }
  return kept;
}

/**
 * Reads the event of an event frame as an agent does: tolerant of more fields,
 * since a newer control plane may send them.
 *
 * @param value The frame's `event`.
 * @param now The time of day, in milliseconds since 1970, for an event that does not say when it was made.
 * @throws {TransporterError} As {@linkcode readEvent}.
 */
export function readFrameEvent(
  value: unknown,
  now: number,
): ReturnType<typeof readEvent> {
  return readEvent(value, { api: "link", now });
}
