import { duration, moment } from "./arithmetic.ts";
import { CelError, type Duration, type Timestamp } from "./value.ts";

const MOMENT_REGEXP =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,}))?(Z|[+-]\d\d:\d\d)$/;

const MILLION = 1_000_000n;

/** Days of a month; of the year when it is February. */
function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** Reads a moment as RFC 3339 writes it. */
export function readMoment(text: string): Timestamp {
  const match = MOMENT_REGEXP.exec(text);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] =
    match?.slice(1, 7).map(Number) ?? [];
  const isRight = month >= 1 && month <= 12 && day >= 1 &&
    day <= daysOf(year, month) && hour < 24 && minute < 60 && second < 60;
  if (match === null || !isRight) {
    throw new CelError(
      `type conversion error from 'string' to 'google.protobuf.Timestamp'`,
    );
  }
  const [fraction = "", zone = "Z"] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, 0);
  const offset = zone === "Z"
    ? 0
    : (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) *
      (zone.startsWith("-") ? -1 : 1);
  const millis = BigInt(date.getTime() - offset * 60_000);
  return moment(
    millis * MILLION + BigInt(fraction.slice(0, 9).padEnd(9, "0")),
  );
}

/** A moment as a date of the runtime, and the nanoseconds beyond its milliseconds. */
export function dateOf({ nanos }: Timestamp): Date {
  const rest = ((nanos % MILLION) + MILLION) % MILLION;
  return new Date(Number((nanos - rest) / MILLION));
}

/** Writes a moment as RFC 3339 has it, with as many digits as it needs. */
export function showMoment(value: Timestamp): string {
  const second = 1_000_000_000n;
  const rest = ((value.nanos % second) + second) % second;
  const digits = String(rest).padStart(9, "0").replace(/0+$/, "");
  const head = dateOf(value).toISOString().slice(0, 19);
  return `${head}${digits === "" ? "" : `.${digits}`}Z`;
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "µs": 1_000n,
  "μs": 1_000n,
  ms: MILLION,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Reads a span of time as Go writes it: `1h30m`. */
export function readDuration(text: string): Duration {
  const [, sign, rest = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (rest === "0") return duration(0n);
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;
  let nanos = 0n;
  let end = 0;
  for (let match = part.exec(rest); match !== null; match = part.exec(rest)) {
    const [, number = "", unit = ""] = match;
    const [whole = "", fraction = ""] = number.split(".");
    const scale = UNITS[unit]!;
    nanos += BigInt(whole || "0") * scale;
    if (fraction !== "") {
      nanos += BigInt(fraction) * scale / 10n ** BigInt(fraction.length);
    }
    end = part.lastIndex;
  }
  if (rest === "" || end !== rest.length) {
    throw new CelError(
      `type conversion error from 'string' to 'google.protobuf.Duration'`,
    );
  }
  return duration(sign === "-" ? -nanos : nanos);
}
