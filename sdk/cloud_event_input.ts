import {
  CLOUD_EVENT_PREFIX,
  CLOUD_EVENT_TYPE,
  type CloudEvent,
  readBinaryCloudEvent,
  readCloudEvent,
} from "./cloud_event.ts";
import { TransporterError } from "./error.ts";
import { printable, typeOf } from "./event_fields.ts";
import { isRecord, parseJson } from "./json.ts";

/** What the type of a CloudEvent begins with that asks for an event; the event's type follows. */
const CLOUD_EVENT_ASKS = "io.transporter.event.";

/** Extensions that are fields of an event. */
const FIELDS: Readonly<Record<string, string>> = {
  targetagent: "target_agent",
  ttl: "ttl",
  priority: "priority",
  labels: "labels",
  notbefore: "not_before",
  concurrencykey: "concurrency_key",
  timeout: "timeout",
  supersedes: "supersedes",
  batchid: "batch_id",
  traceparent: "traceparent",
};

/** Fields whose values are integers, or integers among others. */
const NUMBERS: ReadonlySet<string> = new Set(["ttl", "priority", "timeout"]);

/** What the keys of metadata begin with that were attributes. */
const KEPT_PREFIX = "ce-";

function refuse(event: CloudEvent, problem: string, field: string): never {
  throw new TransporterError(
    "invalid",
    `Cannot accept CloudEvent "${printable(event.id)}" as ${problem}`,
    { details: { field } },
  );
}

function readType(event: CloudEvent): string {
  const { type } = event;
  const name = type.startsWith(CLOUD_EVENT_ASKS)
    ? type.slice(CLOUD_EVENT_ASKS.length)
    : type;
  if (/^[a-z][a-z0-9_]{0,63}$/.test(name)) return name;
  return refuse(
    event,
    `its type must be "${CLOUD_EVENT_ASKS}" and a type such as k8s_resource, or that alone: current value is "${
      printable(type)
    }"`,
    "type",
  );
}

function readLabels(event: CloudEvent, value: string): Record<string, string> {
  const pairs = value.split(",").map((pair) => pair.trim()).filter(Boolean);
  const labels = pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at <= 0) {
      refuse(
        event,
        `"labels" must be like "team=a,stage=prod": current value is "${
          printable(value)
        }"`,
        "labels",
      );
    }
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const names = new Set(labels.map(([name]) => name));
  if (names.size < labels.length) {
    refuse(event, `"labels" must have each key once`, "labels");
  }
  return Object.fromEntries(labels);
}

function readValue(
  event: CloudEvent,
  name: string,
  value: string | number | boolean,
): unknown {
  // In headers every value is a text.
  if (NUMBERS.has(name) && typeof value === "string" && /^\d+$/.test(value)) {
    return Number(value);
  }
  if (name === "labels" && typeof value === "string") {
    return readLabels(event, value);
  }
  return value;
}

/**
 * Makes of a CloudEvent the body of a submission, whose fields are not checked
 * yet. What an event has no field for is kept in its metadata, as `ce-NAME`.
 *
 * | CloudEvent | event |
 * | --- | --- |
 * | `id` | `id` |
 * | `type` | `type`, after `io.transporter.event.` |
 * | `source` | `created_by` |
 * | `subject`, unless there is `targetagent` | `target_agent` |
 * | `time` | `created_at` |
 * | `data` | `payload` |
 * | `targetagent`, `ttl`, `priority`, `labels`, `notbefore`, `concurrencykey`, `timeout`, `supersedes`, `batchid`, `traceparent` | the field of that name |
 *
 * @throws {TransporterError} `invalid`, `missing_field`, `wrong_type`.
 *
 * @example Usage
 * ```ts
 * import { eventOfCloudEvent, readCloudEvent } from "@transporter/sdk";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const event = eventOfCloudEvent(readCloudEvent({
 *   specversion: "1.0",
 *   id: "e1",
 *   source: "/ci/42",
 *   type: "io.transporter.event.k8s_resource",
 *   subject: "edge-7",
 *   ttl: "10m",
 *   data: { manifests: ["…"] },
 * }));
 * deepStrictEqual(event, {
 *   id: "e1",
 *   type: "k8s_resource",
 *   target_agent: "edge-7",
 *   payload: { manifests: ["…"] },
 *   created_by: "/ci/42",
 *   ttl: "10m",
 * });
 * ```
 */
export function eventOfCloudEvent(
  event: CloudEvent,
): Readonly<Record<string, unknown>> {
  const { id, source, subject, time, dataschema, extensions, data } = event;
  if (!isRecord(data) || data instanceof Uint8Array) {
    const is = data === undefined
      ? "there is none"
      : data instanceof Uint8Array
      ? `it is of "${printable(event.datacontenttype ?? "")}"`
      : `it is ${typeOf(data)}`;
    throw new TransporterError(
      "wrong_type",
      `Cannot accept CloudEvent "${
        printable(id)
      }" as its data is the payload and must be a JSON object: ${is}`,
      { details: { field: "data" } },
    );
  }
  const { targetagent } = extensions;
  if (subject === undefined && targetagent === undefined) {
    throw new TransporterError(
      "missing_field",
      `Cannot accept CloudEvent "${
        printable(id)
      }" as it names no agent: "subject" does, or the extension "targetagent"`,
      { details: { field: "subject" } },
    );
  }
  const fields: Record<string, unknown> = {};
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(extensions)) {
    const field = FIELDS[name];
    // Vendors' parts of a trace may be longer than metadata is.
    if (name === "tracestate") continue;
    if (field === undefined) kept[KEPT_PREFIX + name] = String(value);
    else fields[field] = readValue(event, name, value);
  }
  if (dataschema !== undefined) kept[`${KEPT_PREFIX}dataschema`] = dataschema;
  if (subject !== undefined && targetagent !== undefined) {
    kept[`${KEPT_PREFIX}subject`] = subject;
  }
  return {
    id,
    type: readType(event),
    target_agent: subject,
    payload: data,
    created_by: source,
    ...(time === undefined ? {} : { created_at: time }),
    ...fields,
    ...(Object.keys(kept).length === 0 ? {} : { metadata: kept }),
  };
}

function isStructured(headers: Readonly<Record<string, string>>): boolean {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  return type.trim().toLowerCase() === CLOUD_EVENT_TYPE;
}

/** Whether a message has a CloudEvent, by its headers, whose names are in small letters. */
export function isCloudMessage(
  headers: Readonly<Record<string, string>>,
): boolean {
  return isStructured(headers) ||
    Object.keys(headers).some((name) => name.startsWith(CLOUD_EVENT_PREFIX));
}

/**
 * Reads a message with an event: JSON of ours, or a CloudEvent in its body or
 * in its headers.
 *
 * @param headers The headers, with names in small letters.
 * @param body The body.
 * @returns The body of a submission; its fields are not checked yet.
 * @throws {TransporterError} What {@linkcode parseJson}, {@linkcode readCloudEvent} and
 * {@linkcode eventOfCloudEvent} throw.
 */
export function readSubmission(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): unknown {
  if (!isCloudMessage(headers)) return parseJson(body);
  // Where the body says that it is one, headers are copies of what is in it.
  return eventOfCloudEvent(
    isStructured(headers)
      ? readCloudEvent(parseJson(body))
      : readBinaryCloudEvent(headers, body),
  );
}
