import { strictEqual } from "node:assert/strict";
import { age, ageOf, moment, took } from "./ages.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const AGES: readonly (readonly [ms: number, shown: string])[] = [
  [-5 * SECOND, "0s"],
  [0, "0s"],
  [119 * SECOND, "119s"],
  [2 * MINUTE, "2m"],
  [3 * MINUTE + 12 * SECOND, "3m12s"],
  [10 * MINUTE + 30 * SECOND, "10m"],
  [3 * HOUR - SECOND, "179m"],
  [3 * HOUR + 4 * MINUTE, "3h4m"],
  [8 * HOUR + 4 * MINUTE, "8h"],
  [47 * HOUR, "47h"],
  [2 * DAY + 3 * HOUR, "2d3h"],
  [8 * DAY + 3 * HOUR, "8d"],
];

for (const [ms, shown] of AGES) {
  Deno.test(`age() shows ${ms} ms as ${shown}`, () =>
    strictEqual(age(ms), shown));
}

Deno.test("ageOf() says when it does not know", () => {
  strictEqual(ageOf("yesterday", 0), "unknown");
  strictEqual(ageOf(undefined, 0), "unknown");
  strictEqual(ageOf("1970-01-01T00:00:00Z", 5000), "5s");
});

Deno.test("moment() tells past from future", () => {
  const time = "1970-01-01T00:01:00Z";
  strictEqual(moment(time, 90_000), `${time} (30s ago)`);
  strictEqual(moment(time, 0), `${time} (in 60s)`);
  strictEqual(moment(undefined, 0), "");
});

Deno.test("took() is exact to the millisecond", () => {
  strictEqual(took(1_234_567_890), "1.235s");
  strictEqual(took(12_345_678), "12ms");
});
