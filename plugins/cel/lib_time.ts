import { type CostRule, declare, type Overload } from "./overload.ts";
import { dateOf } from "./time.ts";
import { CelError, type Duration, type Timestamp } from "./value.ts";

const STAMP = "google.protobuf.Timestamp";
const SPAN = "google.protobuf.Duration";

const DAY_MS = 86_400_000;

/** What is asked of a moment, in UTC. */
const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => {
    const start = new Date(date);
    start.setUTCMonth(0, 1);
    return Math.round((date.getTime() - start.getTime()) / DAY_MS);
  },
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

/** Clocks that are kept; making one takes longer than all else. */
const CLOCKS_MAX = 100;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  if (clocks.size >= CLOCKS_MAX) clocks.clear();
  clocks.set(zone, clock);
  return clock;
}

/** A clock of a place may have to be made. */
const inPlace: CostRule = {
  work: (_value: Timestamp, zone: string) => clocks.has(zone) ? 2_000 : 20_000,
};

/** How far a place is ahead of UTC at a moment, in milliseconds. */
function offsetOf(date: Date, zone: string): number {
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (hours !== undefined) {
    const ahead = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return sign === "-" ? -ahead : ahead;
  }
  try {
    const parts = clockOf(zone).formatToParts(date);
    const of = (type: string) =>
      Number(parts.find((part) => part.type === type)?.value);
    const local = Date.UTC(
      ...[of("year"), of("month") - 1, of("day")] as const,
      ...[of("hour"), of("minute"), of("second")] as const,
    );
    return local - Math.floor(date.getTime() / 1000) * 1000;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CelError(`unknown time zone ${zone}`);
  }
}

function inZone(value: Timestamp, zone: string): Date {
  const date = dateOf(value);
  return new Date(date.getTime() + offsetOf(date, zone));
}

const SPANS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

/** Parts of moments and of spans of time. */
export const times: readonly Overload[] = [
  ...Object.entries(PARTS).flatMap(([name, part]) => [
    declare(
      `${STAMP}@${name}(): int`,
      (value: Timestamp) => BigInt(part(dateOf(value))),
    ),
    declare(
      `${STAMP}@${name}(string): int`,
      (value: Timestamp, zone: string) => BigInt(part(inZone(value, zone))),
      inPlace,
    ),
  ]),
  ...Object.entries(SPANS).map(([name, unit]) =>
    declare(
      `${SPAN}@${name}(): int`,
      ({ nanos }: Duration) =>
        name === "getMilliseconds" ? nanos / unit % 1000n : nanos / unit,
    )
  ),
];
