import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { settle, TestClock } from "./test_clock.ts";

Deno.test("TestClock.advance() wakes sleepers in order, with their own time", async () => {
  const clock = new TestClock(1000);
  const woken: string[] = [];
  async function sleeper(name: string, ms: number): Promise<void> {
    await clock.sleep(ms);
    woken.push(`${name} ${clock.now()}`);
  }
  const all = [sleeper("late", 30), sleeper("early", 10), sleeper("next", 20)];
  await clock.advance(25);
  deepStrictEqual(woken, ["early 1010", "next 1020"]);
  await clock.advance(5);
  deepStrictEqual(woken, ["early 1010", "next 1020", "late 1030"]);
  await Promise.all(all);
});

Deno.test("TestClock.advance() wakes who falls asleep again in between", async () => {
  const clock = new TestClock();
  let rounds = 0;
  const stop = new AbortController();
  const loop = (async () => {
    for (;;) {
      await clock.sleep(10, { signal: stop.signal });
      rounds++;
    }
  })();
  await clock.advance(100);
  strictEqual(rounds, 10);
  stop.abort(new Error("enough"));
  await rejects(loop, { message: "enough" });
  strictEqual(clock.sleeping, 0);
});

Deno.test("TestClock.sleep() rejects at once with a signal that is aborted", async () => {
  const signal = AbortSignal.abort(new Error("before"));
  await rejects(new TestClock().sleep(10, { signal }), { message: "before" });
});

Deno.test("TestClock.jump() moves the time of day, and wakes nobody", async () => {
  const clock = new TestClock(1000);
  let woken = false;
  clock.sleep(10).then(() => woken = true);
  clock.jump(3600_000);
  await settle();
  strictEqual(clock.now(), 3_601_000);
  strictEqual(clock.monotonic(), 0);
  strictEqual(woken, false);
  await clock.advance(10);
});
