import { doesNotThrow, throws } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { Admission } from "./admission.ts";

const LIMITS = { waitingEventsMax: 4, waitingBytesMax: 100, waitingMsMax: 50 };
const OVERLOADED = { code: "overloaded", retryable: true, status: 503 };

function admission(clock = new TestClock()): Admission {
  return new Admission(clock, LIMITS);
}

Deno.test("Admission refuses more events than may wait, and takes more once some are stored", () => {
  const door = admission();
  const entered = [1, 2, 3, 4].map(() => door.enter("t", 1));
  throws(() => door.enter("t", 1), OVERLOADED);
  throws(() => door.check("t"), OVERLOADED);
  entered[0]?.[Symbol.dispose]();
  entered[0]?.[Symbol.dispose](); // counts once
  door.enter("t", 1);
  throws(() => door.enter("t", 1), OVERLOADED);
});

Deno.test("Admission refuses more bytes than may wait, but takes one event of any size", () => {
  const door = admission();
  using _ = door.enter("t", 1000);
  throws(() => door.enter("t", 1), OVERLOADED);
});

Deno.test("Admission refuses while the store takes too long", async () => {
  const clock = new TestClock();
  const door = admission(clock);
  const slow = door.enter("t", 1);
  await clock.advance(50);
  doesNotThrow(() => door.check("t"));
  await clock.advance(1);
  throws(() => door.check("other"), OVERLOADED);
  slow[Symbol.dispose]();
  doesNotThrow(() => door.check("t"));
});

Deno.test("Admission keeps room for a tenant that others would fill", () => {
  const door = admission();
  using _a = door.enter("loud", 1);
  using _b = door.enter("loud", 1);
  using _c = door.enter("quiet", 1);
  throws(() => door.enter("loud", 1), OVERLOADED);
  doesNotThrow(() => door.enter("quiet", 1));
});
