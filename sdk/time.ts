import { TransporterError } from "./error.ts";

const RFC3339_REGEXP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970 of the years between which RFC 3339 can write UTC; an offset may lead out of them. */
const YEAR_0 = -62_167_219_200_000;
const YEAR_10000 = 253_402_300_800_000;

/** Milliseconds of 400 years, after which the calendar repeats itself. */
const YEARS_400_MS = 146_097 * 86_400_000;

/** Seconds whose text is remembered at most: the same few are written again and again. */
const SECONDS_MAX = 16;

/** What `Date` writes of a second up to its point, by seconds since 1970. */
const secondTexts = new Map<number, string>();

/** Writes a moment as the wire does: RFC 3339 in UTC, with milliseconds. */
export function formatTime(ms: number): string {
  const whole = Math.trunc(ms);
  const second = Math.floor(whole / 1000);
  let text = secondTexts.get(second);
  if (text === undefined) {
    text = new Date(second * 1000).toISOString().slice(0, -"000Z".length);
    if (secondTexts.size >= SECONDS_MAX) secondTexts.clear();
    secondTexts.set(second, text);
  }
  return `${text}${String(whole - second * 1000).padStart(3, "0")}Z`;
}

/**
 * Reads an RFC 3339 time, with up to picoseconds, as Go and Rust write them.
 *
 * @param text Such as `2026-11-23T05:04:27.10407393Z`.
 * @returns Milliseconds since 1970 (negative for Go's zero time, `0001-01-01T00:00:00Z`), or
 * `undefined` if it is no such time.
 * @see {@link https://www.rfc-editor.org/rfc/rfc3339#section-5.6}
 */
export function parseTime(text: string): number | undefined {
  if (!RFC3339_REGEXP.test(text)) return undefined;
  // Where each part is, is known by now; this runs for every status.
  const year = digits(text, 0) * 100 + digits(text, 2);
  const [month, day] = [digits(text, 5), digits(text, 8)];
  const [hour, minute] = [digits(text, 11), digits(text, 14)];
  const second = digits(text, 17);
  const last = text.charCodeAt(text.length - 1);
  const isUtc = last === Z || last === z;
  const zoneAt = isUtc ? text.length - 1 : text.length - 6;
  const fraction = zoneAt === 19 ? "" : text.slice(19, zoneAt);
  const ms = fraction === "" ? 0 : Math.floor(Number(`0${fraction}`) * 1000);
  // A leap second counts as the second after it, as POSIX time does.
  const leap = second === 60 ? 1000 : 0;
  const midnight = midnightOf(year, month, day);
  if (midnight === undefined || hour > 23 || minute > 59 || second > 60) {
    return undefined;
  }
  const at = midnight +
    ((hour * 60 + minute) * 60 + Math.min(second, 59)) * 1000 + ms + leap;
  if (isUtc) return at;
  const offsetHours = digits(text, zoneAt + 1);
  const offsetMinutes = digits(text, zoneAt + 4);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000;
  const utc = at + (text[zoneAt] === "+" ? -offset : offset);
  return utc < YEAR_0 || utc >= YEAR_10000 ? undefined : utc;
}

const ZERO = 0x30;
const Z = 0x5a;
const z = 0x7a;

/** The number that two digits write. */
function digits(text: string, from: number): number {
  return (text.charCodeAt(from) - ZERO) * 10 + text.charCodeAt(from + 1) - ZERO;
}

/** Milliseconds since 1970 when a day began; `undefined` for one that no month has. */
function midnightOf(
  year: number,
  month: number,
  day: number,
): number | undefined {
  // 400 years later, as `Date.UTC` takes year 1 for 1901; as many days have passed.
  const later = Date.UTC(year + 400, month - 1, day);
  const next = Date.UTC(year + 400, month, 1);
  const valid = month >= 1 && month <= 12 && day >= 1 && later < next;
  return valid ? later - YEARS_400_MS : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
};
const DURATION_REGEXP = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/;
const PART_REGEXP = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g;

/**
 * Reads a duration as Go writes it, with days besides.
 *
 * @param text Such as `24h`, `1h30m`, `250ms`, `7d`.
 * @returns Nanoseconds.
 * @throws {TransporterError} `invalid` when it is no duration.
 */
export function parseDuration(text: string): number {
  if (!DURATION_REGEXP.test(text)) {
    throw new TransporterError(
      "invalid",
      `Cannot read the duration "${
        text.slice(0, 40)
      }": write it as "30s", "24h" or "1h30m"`,
    );
  }
  let total = 0;
  for (const [, amount, unit = ""] of text.matchAll(PART_REGEXP)) {
    total += Number(amount) * (UNITS[unit] ?? 0);
  }
  return Math.round(total);
}

/** Writes nanoseconds for people: `24h`, `1h30m`, `250ms`. */
export function formatDuration(ns: number): string {
  if (ns === 0) return "0s";
  const sign = ns < 0 ? "-" : "";
  let rest = Math.abs(ns);
  if (rest < 1e9) {
    if (rest >= 1e6) return `${sign}${trim(rest / 1e6)}ms`;
    return rest >= 1e3 ? `${sign}${trim(rest / 1e3)}us` : `${sign}${rest}ns`;
  }
  let text = sign;
  for (const [unit, size] of [["h", 3600e9], ["m", 60e9]] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return rest > 0 ? `${text}${trim(rest / 1e9)}s` : text;
}

function trim(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
