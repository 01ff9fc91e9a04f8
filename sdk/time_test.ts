import { strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  formatDuration,
  formatTime,
  parseDuration,
  parseTime,
} from "./time.ts";

const TIMES: readonly [text: string, iso: string | undefined][] = [
  ["2026-11-23T05:04:27Z", "2026-11-23T05:04:27.000Z"],
  ["2026-11-23T05:04:27.10407393Z", "2026-11-23T05:04:27.104Z"],
  ["2026-11-23T05:04:27.1+02:00", "2026-11-23T03:04:27.100Z"],
  ["2026-11-23t05:04:27z", "2026-11-23T05:04:27.000Z"],
  ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
  ["0000-01-01T00:00:00+00:01", undefined],
  ["9999-12-31T23:59:59-00:01", undefined],
  ["9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000Z"],
  ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
  ["2026-02-29T00:00:00Z", undefined],
  ["2026-11-23T25:04:27Z", undefined],
  ["2026-11-23T05:60:27Z", undefined],
  ["2026-11-23T05:04:27", undefined],
  ["2026-11-23 05:04:27Z", undefined],
  ["2026-11-23T05:04:27+99:00", undefined],
  ["tomorrow", undefined],
];

for (const [text, iso] of TIMES) {
  Deno.test(`parseTime() reads "${text}" as ${iso}`, () => {
    const at = parseTime(text);
    strictEqual(at === undefined ? undefined : formatTime(at), iso);
  });
}

const DURATIONS: readonly [text: string, ns: number, back: string][] = [
  ["24h", 86_400e9, "24h"],
  ["1h30m", 5400e9, "1h30m"],
  ["7d", 7 * 86_400e9, "168h"],
  ["250ms", 250e6, "250ms"],
  ["1.5s", 1.5e9, "1.5s"],
  ["10us", 10e3, "10us"],
  ["3ns", 3, "3ns"],
  ["0s", 0, "0s"],
];

for (const [text, ns, back] of DURATIONS) {
  Deno.test(`parseDuration() and formatDuration() agree on "${text}"`, () => {
    strictEqual(parseDuration(text), ns);
    strictEqual(formatDuration(ns), back);
  });
}

for (const text of ["", "5", "h", "1x", "-1h", "1h ", "1e3s", "١h"]) {
  Deno.test(`parseDuration() refuses "${text}"`, () => {
    throws(() => parseDuration(text), { code: "invalid" });
  });
}

Deno.test("formatTime() writes what Date does, and parseTime() reads it", () => {
  fc.assert(fc.property(
    fc.oneof(
      fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
      fc.integer({ min: -5000, max: 5000 }), // the same seconds again and again
    ),
    (ms) => {
      const text = new Date(ms).toISOString();
      strictEqual(formatTime(ms), text);
      strictEqual(formatTime(ms + Math.sign(ms) * 0.9), text);
      strictEqual(parseTime(text), ms);
    },
  ));
  throws(() => formatTime(NaN), RangeError);
});

Deno.test("parseTime() knows the last day of every month", () => {
  for (const year of ["0000", "0001", "0100", "1900", "2000", "2026", "2028"]) {
    for (let month = 1; month <= 12; month++) {
      const last = new Date(0);
      last.setUTCFullYear(Number(year), month, 0);
      const text = (day: number) =>
        `${year}-${String(month).padStart(2, "0")}-${day}T00:00:00Z`;
      strictEqual(parseTime(text(last.getUTCDate())), last.getTime());
      strictEqual(parseTime(text(last.getUTCDate() + 1)), undefined);
    }
  }
  strictEqual(parseTime("2026-00-10T00:00:00Z"), undefined);
  strictEqual(parseTime("2026-13-10T00:00:00Z"), undefined);
  strictEqual(parseTime("2026-01-00T00:00:00Z"), undefined);
});
