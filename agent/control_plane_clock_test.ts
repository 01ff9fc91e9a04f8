import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { ControlPlaneClock } from "./control_plane_clock.ts";

Deno.test("ControlPlaneClock follows the agent's own clock until it is told", () => {
  const clock = new TestClock(1_000_000);
  const time = new ControlPlaneClock(clock);
  strictEqual(time.now(), 1_000_000);
  strictEqual(time.offsetMs, undefined);
});

Deno.test("ControlPlaneClock takes half of the round trip off, and goes on by itself", async () => {
  const clock = new TestClock(1_000_000);
  const time = new ControlPlaneClock(clock);
  await clock.advance(80);
  time.measured(5_000_040, 0);
  strictEqual(time.now(), 5_000_080);
  await clock.advance(1000);
  strictEqual(time.now(), 5_001_080);
});

Deno.test("ControlPlaneClock does not care when the agent's clock is set", () => {
  const clock = new TestClock(1_000_000);
  const time = new ControlPlaneClock(clock);
  time.measured(5_000_000, 0);
  clock.jump(3_600_000);
  strictEqual(time.now(), 5_000_000);
  strictEqual(time.offsetMs, 400_000);
});

Deno.test("ControlPlaneClock keeps the measurement with the shortest round trip", async () => {
  const clock = new TestClock(0);
  const time = new ControlPlaneClock(clock);
  await clock.advance(10);
  time.measured(100_005, 0);
  strictEqual(time.now(), 100_010);
  await clock.advance(190);
  time.measured(100_040, 10); // asked 190 ms ago: too vague
  strictEqual(time.now(), 100_200);
});

Deno.test("ControlPlaneClock follows when the control plane's clock was set, or after long", async () => {
  const clock = new TestClock(0);
  const time = new ControlPlaneClock(clock);
  time.measured(100_000, 0);
  await clock.advance(1000);
  time.measured(900_000, 900);
  strictEqual(time.now(), 900_050);
  await clock.advance(10);
  time.measured(900_060, 1010);
  await clock.advance(5 * 60_000 + 1);
  time.measured(1_200_161, clock.monotonic() - 200);
  strictEqual(time.now(), 1_200_261);
});

Deno.test("ControlPlaneClock keeps a measurement that is old, but better than a new one", async () => {
  const clock = new TestClock(0);
  const time = new ControlPlaneClock(clock);
  time.measured(100_000, 0);
  await clock.advance(600_000);
  time.measured(698_000, 592_000); // eight seconds on their way
  strictEqual(time.now(), 700_000);
});

/** A clock that was told the time by an answer that took so long. */
async function toldIn(roundTripMs: number): Promise<{
  clock: TestClock;
  time: ControlPlaneClock;
}> {
  const clock = new TestClock(0);
  const time = new ControlPlaneClock(clock);
  await clock.advance(roundTripMs);
  time.measured(100_000, 0);
  return { clock, time };
}

Deno.test("ControlPlaneClock.mayBeOver() counts against a deadline what is known no better than within two seconds", async () => {
  for (const [roundTripMs, latest] of [[4_000, 102_000], [16_000, 114_000]]) {
    const { time } = await toldIn(roundTripMs!);
    deepStrictEqual(
      [time.vague, time.mayBeOver(latest!), time.mayBeOver(latest! + 1)],
      [roundTripMs === 16_000, true, false],
    );
  }
});

Deno.test("ControlPlaneClock.mayBeOver() trusts a measurement the less the older it is", async () => {
  const { clock, time } = await toldIn(4_000);
  await clock.advance(3_600_000); // an hour, in which clocks may drift apart by 1.8 s
  strictEqual(time.mayBeOver(102_000 + 3_600_000 + 1_800), true);
  strictEqual(time.mayBeOver(102_000 + 3_600_000 + 1_801), false);
});

Deno.test("ControlPlaneClock.isUnclear() says so of deadlines within the error while the time is asked for", async () => {
  const { time } = await toldIn(16_000);
  const unclear = () =>
    [100_000, 100_001, 114_000, 114_001].map((at) => time.isUnclear(at));
  deepStrictEqual(unclear(), [false, false, false, false]);
  time.asked = true;
  deepStrictEqual(unclear(), [false, true, true, false]);
});

Deno.test("ControlPlaneClock.mayBeOver() counts the time that the machine may have slept, until it is told again", () => {
  const clock = new TestClock(0);
  const time = new ControlPlaneClock(clock);
  time.measured(100_000, 0);
  clock.jump(180_000);
  strictEqual(time.mayBeOver(278_000), true);
  strictEqual(time.mayBeOver(278_001), false);
  time.measured(101_000, 0); // it was set, and did not sleep
  strictEqual(time.mayBeOver(101_001), false);
});
