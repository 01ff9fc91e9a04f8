import { TransporterError } from "./error.ts";

const RFC3339_REGEXP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970 of the years between which RFC 3339 can write UTC; an offset may lead out of them. */
const YEAR_0 = -62_167_219_200_000;
const YEAR_10000 = 253_402_300_800_000;

/** Writes a moment as the wire does: RFC 3339 in UTC, with milliseconds. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
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
  const number = (from: number) => Number(text.slice(from, from + 2));
  const [year, month, day] = [Number(text.slice(0, 4)), number(5), number(8)];
  const [hour, minute, second] = [number(11), number(14), number(17)];
  const zoneAt = /[Zz]$/.test(text) ? text.length - 1 : text.length - 6;
  const fraction = text.slice(19, zoneAt);
  const ms = fraction === "" ? 0 : Math.floor(Number(`0${fraction}`) * 1000);
  // A leap second counts as the second after it, as POSIX time does.
  const leap = second === 60 ? 1000 : 0;
  const date = new Date(0);
  // Not Date.UTC, to which year 1 is 1901.
  date.setUTCFullYear(year, month - 1, day);
  const valid = date.getUTCMonth() === month - 1 && date.getUTCDate() === day &&
    hour < 24 && minute < 60 && second <= 60;
  if (!valid) return undefined;
  const at = date.getTime() +
    ((hour * 60 + minute) * 60 + Math.min(second, 59)) * 1000 + ms + leap;
  if (zoneAt === text.length - 1) return at;
  const [offsetHours, offsetMinutes] = [number(zoneAt + 1), number(zoneAt + 4)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000;
  const utc = at + (text[zoneAt] === "+" ? -offset : offset);
  return utc < YEAR_0 || utc >= YEAR_10000 ? undefined : utc;
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
