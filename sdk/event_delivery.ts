import { ERROR_CODES, isErrorCode } from "./error.ts";
import type { EventSpec, RetryPolicy } from "./event.ts";
import { type FieldReader, ID_REGEXP, printable } from "./event_fields.ts";
import { parseTime } from "./time.ts";

/** The longest duration in an event, in nanoseconds: no event lives longer. */
const DURATION_MAX = 30 * 24 * 3600e9;

const THIRTY_DAYS = { max: DURATION_MAX, wanted: '30 days ("720h")' };

/** Codes that a policy may name; more than the table has are of no use. */
const CODES_MAX = 64;

const KEY_REGEXP = /^[^\p{Cc}]{1,256}$/u;

/** The policy of an event that has none: three attempts, 1 second to 5 minutes apart, after failures that pass. */
export const RETRY_DEFAULT: RetryPolicy = {
  max_attempts: 3,
  initial_delay: 1e9,
  max_delay: 300e9,
  multiplier: 2,
  on: Object.entries(ERROR_CODES).filter(([, { retryable }]) => retryable)
    .map(([code]) => code),
};

const RETRY_FIELDS: ReadonlySet<string> = new Set(Object.keys(RETRY_DEFAULT));

/** What the fields of {@linkcode readDelivery} are checked against. */
export interface DeliveryRules {
  /** `link` leaves out what a newer control plane may know better; `v2` and `ingest` check it. */
  readonly api: "v1" | "v2" | "ingest" | "link";
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
  /** How long the event may take, in nanoseconds. */
  readonly ttl: number;
}

/** Reads the fields that say when, how often and beside what an event runs; version 1 has none of them. */
export function readDelivery(
  reader: FieldReader,
  rules: DeliveryRules,
): Partial<EventSpec> {
  const notBefore = readNotBefore(reader, rules);
  const key = reader.text("concurrency_key", {
    regexp: KEY_REGEXP,
    wanted: "1 to 256 characters, none of them a control character",
  });
  const retry = readRetry(reader, rules.api);
  const timeout = reader.duration("timeout", THIRTY_DAYS);
  const supersedes = reader.text("supersedes", {
    regexp: ID_REGEXP,
    wanted: "the id of an event",
  });
  if (supersedes !== undefined && supersedes === reader.get("id")) {
    reader.wrongValue("supersedes", "the id of another event");
  }
  return {
    ...(notBefore === undefined ? {} : { not_before: notBefore }),
    ...(key === undefined ? {} : { concurrency_key: key }),
    ...(retry === undefined ? {} : { retry }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}

function readNotBefore(
  reader: FieldReader,
  { api, now, ttl }: DeliveryRules,
): string | undefined {
  const text = reader.text("not_before", {
    max: 64,
    wanted: "an RFC 3339 time",
  });
  if (text === undefined) return undefined;
  const at = parseTime(text);
  if (at === undefined) {
    reader.wrongValue(
      "not_before",
      'an RFC 3339 time such as "2026-11-23T05:04:27Z"',
    );
  }
  if (api !== "link" && at >= now + ttl / 1e6) {
    reader.wrongValue("not_before", "before the deadline, which is now + ttl");
  }
  return text;
}

function readRetry(
  reader: FieldReader,
  api: DeliveryRules["api"],
): RetryPolicy | undefined {
  const retry = reader.within("retry");
  if (retry === undefined) return undefined;
  if (api === "v2") retry.strict(RETRY_FIELDS);
  const initial = retry.duration("initial_delay", THIRTY_DAYS);
  const longest = retry.duration("max_delay", THIRTY_DAYS);
  if (initial !== undefined && longest !== undefined && longest < initial) {
    retry.wrongValue("max_delay", "at least initial_delay");
  }
  const { initial_delay: initialUsual, max_delay: longestUsual } =
    RETRY_DEFAULT;
  return {
    max_attempts: retry.number("max_attempts", {
      min: 1,
      max: 20,
      whole: true,
      wanted: "an integer from 1 to 20",
    }) ?? RETRY_DEFAULT.max_attempts,
    initial_delay: initial ?? Math.min(initialUsual, longest ?? initialUsual),
    max_delay: longest ?? Math.max(longestUsual, initial ?? longestUsual),
    multiplier: retry.number("multiplier", {
      min: 1,
      max: 100,
      whole: false,
      wanted: "a number from 1 to 100",
    }) ?? RETRY_DEFAULT.multiplier,
    on: readCodes(retry, api),
  };
}

function readCodes(
  retry: FieldReader,
  api: DeliveryRules["api"],
): readonly string[] {
  const value = retry.get("on");
  if (value === undefined) return RETRY_DEFAULT.on;
  const list = Array.isArray(value) &&
    value.every((code) => typeof code === "string");
  if (!list) retry.wrongType("on", "a list of error codes");
  if (value.length > CODES_MAX) {
    retry.fail(
      "invalid",
      `"retry.on" must have at most ${CODES_MAX} codes`,
      "on",
    );
  }
  const strange = api !== "link" &&
    value.find((code: string) => !isErrorCode(code));
  if (typeof strange === "string") {
    retry.fail(
      "invalid",
      `"retry.on" must be a list of error codes: "${
        printable(strange)
      }" is none`,
      "on",
    );
  }
  return value;
}
