import { deepStrictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { Alarm } from "./alarm.ts";

/** An alarm, what it asked the store, and how often it rang. */
function open(readyAts: readonly number[]) {
  const clock = new TestClock(0);
  const asked: number[] = [];
  const rang: number[] = [];
  const alarm = new Alarm({
    clock,
    signal: new AbortController().signal,
    ring: () => rang.push(clock.monotonic()),
    next: (at) => {
      asked.push(at);
      const later = readyAts.filter((readyAt) => readyAt > at);
      return Promise.resolve(
        later.length === 0 ? undefined : Math.min(...later),
      );
    },
  });
  return { alarm, clock, asked, rang };
}

Deno.test("Alarm.lookAhead() asks once, and rings when what waits is ready", async () => {
  const { alarm, clock, asked, rang } = open([500]);
  await alarm.lookAhead(clock.now());
  await clock.advance(100);
  await alarm.lookAhead(clock.now());
  await clock.advance(1000);
  deepStrictEqual([asked, rang], [[0], [500]]);
});

Deno.test("Alarm.lookAhead() asks again after the clock was set back, as what was ready is to wait again", async () => {
  const { alarm, clock, asked, rang } = open([30_000]);
  clock.jump(60_000);
  await alarm.lookAhead(clock.now()); // it is ready, and cannot be had as the agent is paused
  await clock.advance(1000);
  clock.jump(-60_000);
  await alarm.lookAhead(clock.now()); // the agent goes on
  await alarm.lookAhead(clock.now());
  await clock.advance(60_000);
  deepStrictEqual([asked, rang], [[60_000, 1000], [30_000]]);
});

Deno.test("Alarm.waits() remembers what was ready by a clock that was set back before anybody looked", async () => {
  const { alarm, clock, asked, rang } = open([30_000]);
  await alarm.lookAhead(clock.now());
  await clock.advance(0);
  const before = alarm.waits(20_000);
  clock.jump(60_000);
  const after = alarm.waits(45_000);
  clock.jump(-60_000);
  await alarm.lookAhead(clock.now());
  deepStrictEqual([before, after, asked], [true, false, [0, 0]]);
  await clock.advance(25_000);
  deepStrictEqual(rang, [20_000]);
});
