import { formatDuration, parseTime } from "@transporter/sdk";

/**
 * How long ago something was, in at most two units, as kubectl shows ages.
 *
 * @param ms Milliseconds; below 0 counts as 0.
 */
export function age(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  function two(large: string, rest: number, unit: string): string {
    return rest === 0 ? large : `${large}${rest}${unit}`;
  }
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return two(`${minutes}m`, seconds % 60, "s");
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return two(`${hours}h`, minutes % 60, "m");
  if (days < 2) return `${hours}h`;
  if (days < 8) return two(`${days}d`, hours % 24, "h");
  return `${days}d`;
}

/** The age of an RFC 3339 time; `unknown` when it is none. */
export function ageOf(time: string | undefined, now: number): string {
  const at = time === undefined ? undefined : parseTime(time);
  return at === undefined ? "unknown" : age(now - at);
}

/** A moment and how far it is away, such as `2026-11-23T05:04:27.000Z (5m ago)`. */
export function moment(time: string | undefined, now: number): string {
  const at = time === undefined ? undefined : parseTime(time);
  if (time === undefined || at === undefined) return time ?? "";
  return at > now
    ? `${time} (in ${age(at - now)})`
    : `${time} (${age(now - at)} ago)`;
}

/** A duration of work, to the millisecond. */
export function took(ns: number): string {
  return formatDuration(Math.round(ns / 1e6) * 1e6);
}
