import { TransporterError } from "./error.ts";
import type { EventSpec } from "./event.ts";
import { FieldReader, ID_REGEXP, printable, typeOf } from "./event_fields.ts";
import { isRecord } from "./json.ts";
import { readDelivery } from "./event_delivery.ts";
import { formatTime, parseTime } from "./time.ts";

/** How {@linkcode readEvent} treats what it gets. */
export interface ReadEventOptions {
  /**
   * `v2` refuses fields it does not know and a priority out of range. `v1`
   * tolerates the former, as a Go producer may send more, those of `v2` among
   * them, which may mean something else there, and clamps the latter. `ingest`
   * is what comes through a broker: as `v1`, but with the fields of `v2`. `link`
   * is what an agent gets, and its control plane has accepted: the same, not
   * measured by this clock, and however long its ttl is.
   */
  readonly api: "v1" | "v2" | "ingest" | "link";
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
  /** The id of an event that has none; without it the id is required. */
  readonly newId?: () => string;
  /** Who made an event that does not say so. */
  readonly principal?: string;
}

/** How long an event may take when it does not say, in nanoseconds. */
const TTL_DEFAULT = 24 * 3600e9;

/** The longest that an event may take, in nanoseconds: agents remember ids that long. */
export const TTL_MAX = 30 * 24 * 3600e9;

/** How far ahead of ours a producer's clock may be, in milliseconds. */
export const CREATED_AHEAD_MS_MAX = 5 * 60_000;

const TYPE_REGEXP = /^[a-z][a-z0-9_]{0,63}$/;
const AGENT_REGEXP = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;
const TRACEPARENT_REGEXP =
  /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const FIELDS: ReadonlySet<string> = new Set([
  "id",
  "type",
  "target_agent",
  "payload",
  "created_at",
  "created_by",
  "ttl",
  "priority",
  "labels",
  "metadata",
  "not_before",
  "concurrency_key",
  "retry",
  "timeout",
  "supersedes",
  "batch_id",
  "traceparent",
]);

/** Whether a string can be the id of an agent: 1 to 128 letters, digits, `.`, `_` and `-`, a letter or digit at both ends. */
export function isAgentId(id: string): boolean {
  return AGENT_REGEXP.test(id);
}

/** Whether a string can be the id of an event: 1 to 128 of `A-Z a-z 0-9 . _ : -`, not `.` or `..`. */
export function isEventId(id: string): boolean {
  return ID_REGEXP.test(id);
}

/**
 * Reads an event that a producer sent: checks every field, fills in what is
 * left out, and normalises durations to integer nanoseconds.
 *
 * @param value The parsed body.
 * @param options Which API it came through, and what fills the gaps.
 * @returns The event.
 * @throws {TransporterError} `wrong_type`, `missing_field`, `unknown_field`, `invalid_id`,
 * `invalid_ttl` or `invalid`; `details.field` names the field.
 */
export function readEvent(
  value: unknown,
  options: ReadEventOptions,
): EventSpec {
  if (!isRecord(value)) {
    throw new TransporterError(
      "wrong_type",
      `Cannot accept the event as it must be a JSON object: it is ${
        typeOf(value)
      }`,
    );
  }
  const reader = new FieldReader(value);
  if (options.api === "v2") reader.strict(FIELDS);
  const idRule = {
    regexp: ID_REGEXP,
    wanted: '1 to 128 of the characters A-Z a-z 0-9 . _ : -, not "." or ".."',
    code: "invalid_id" as const,
  };
  const id = reader.text("id", idRule) ?? options.newId?.() ??
    reader.required("id", idRule);
  const ttl = reader.duration("ttl", {
    // The Go prototype knows no bound, and what it has accepted is to run.
    max: options.api === "link" ? Infinity : TTL_MAX,
    wanted: '30 days ("720h")',
    code: "invalid_ttl",
  }) ?? TTL_DEFAULT;
  const metadata = reader.texts("metadata");
  const batchId = readMark(reader, options.api, "batch_id", {
    regexp: ID_REGEXP,
    wanted: "an id",
  });
  const traceparent = readMark(reader, options.api, "traceparent", {
    regexp: TRACEPARENT_REGEXP,
    wanted: "a W3C traceparent",
  });
  return {
    id,
    type: reader.required("type", {
      regexp: TYPE_REGEXP,
      wanted: "1 to 64 of a-z, 0-9 and _, starting with a letter",
    }),
    target_agent: reader.required("target_agent", {
      regexp: AGENT_REGEXP,
      wanted:
        "1 to 128 letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
    }),
    payload: readPayload(reader),
    created_at: readCreatedAt(reader, options),
    created_by: reader.text("created_by", {
      max: 256,
      wanted: "at most 256 characters",
    }) ||
      (options.principal ?? ""),
    ttl,
    priority: readPriority(reader, options.api),
    labels: reader.texts("labels"),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(options.api === "v1" ? {} : readDelivery(reader, { ...options, ttl })),
    ...(batchId === undefined ? {} : { batch_id: batchId }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** Reads a field of `v2` that changes nothing about how an event runs: where others may have sent it, it is left out if it is not right. */
function readMark(
  reader: FieldReader,
  api: ReadEventOptions["api"],
  field: string,
  rule: { readonly regexp: RegExp; readonly wanted: string },
): string | undefined {
  const value = reader.get(field);
  const isRight = typeof value === "string" && rule.regexp.test(value);
  if (!isRight && (api === "v1" || api === "link")) return undefined;
  return reader.text(field, rule);
}

function readPayload(reader: FieldReader): Record<string, unknown> {
  const payload = reader.get("payload");
  if (payload === undefined) {
    reader.fail("missing_field", '"payload" is missing', "payload");
  }
  if (!isRecord(payload)) {
    reader.fail(
      "wrong_type",
      `"payload" must be an object: it is ${typeOf(payload)}`,
      "payload",
    );
  }
  return payload;
}

function readCreatedAt(
  reader: FieldReader,
  { api, now }: ReadEventOptions,
): string {
  const text = reader.text("created_at", {
    max: 64,
    wanted: "an RFC 3339 time",
  });
  if (text === undefined) return formatTime(now);
  const at = parseTime(text);
  if (at === undefined) {
    reader.fail(
      "invalid",
      `"created_at" must be an RFC 3339 time such as "2026-11-23T05:04:27Z": current value is "${
        printable(text)
      }"`,
      "created_at",
    );
  }
  if (api !== "link" && at > now + CREATED_AHEAD_MS_MAX) {
    reader.fail(
      "invalid",
      `"created_at" must be at most 5 minutes ahead of the control plane: current value is "${text}"`,
      "created_at",
    );
  }
  return text;
}

function readPriority(
  reader: FieldReader,
  api: ReadEventOptions["api"],
): number {
  const value = reader.get("priority") ?? 0;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    reader.fail(
      "wrong_type",
      `"priority" must be an integer from 0 to 9: current value is ${
        JSON.stringify(value)
      }`,
      "priority",
    );
  }
  if (api !== "v2") return Math.min(9, Math.max(0, value));
  if (value < 0 || value > 9) {
    reader.fail(
      "invalid",
      `"priority" must be from 0 to 9: current value is ${value}`,
      "priority",
    );
  }
  return value;
}
