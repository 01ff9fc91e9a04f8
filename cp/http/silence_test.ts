import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Silence } from "./silence.ts";

function open(): { silence: Silence; clock: TestClock; noticed: number[] } {
  const clock = new TestClock();
  const noticed: number[] = [];
  const startedAt = clock.monotonic();
  const notice = () => void noticed.push(clock.monotonic() - startedAt);
  return { silence: new Silence(clock, 100, notice), clock, noticed };
}

Deno.test("Silence notices what takes too long, counted from its last beginning", async () => {
  const { silence, clock, noticed } = open();
  silence.begin();
  await clock.advance(60);
  silence.end();
  silence.begin();
  await clock.advance(99);
  deepStrictEqual(noticed, []);
  await clock.advance(1);
  deepStrictEqual(noticed, [160]);
  await clock.advance(1000);
  deepStrictEqual(noticed, [160], "once");
  silence.begin();
  await clock.advance(100);
  deepStrictEqual(noticed, [160, 1260], "and again after it has begun again");
});

Deno.test("Silence notices nothing that is over, and nothing once it is disposed", async () => {
  const { silence, clock, noticed } = open();
  silence.begin();
  silence.end();
  await clock.advance(1000);
  silence.begin();
  silence[Symbol.dispose]();
  await clock.advance(1000);
  silence.begin();
  await settle();
  await clock.advance(1000);
  strictEqual(noticed.length, 0);
});
