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
  const rooms = [1, 2, 3, 4].map(() => door.begin("t", 1));
  throws(() => door.begin("t", 1), OVERLOADED);
  throws(() => door.check("t"), OVERLOADED);
  rooms[0]?.[Symbol.dispose]();
  rooms[0]?.[Symbol.dispose](); // counts once
  door.begin("t", 1);
  throws(() => door.begin("t", 1), OVERLOADED);
});

Deno.test("Admission counts the events of a request from its beginning to its end", () => {
  const door = admission();
  const room = door.begin("t", 4);
  throws(() => door.check("t"), OVERLOADED);
  room.enter(1)[Symbol.dispose]();
  throws(() => door.begin("t", 1), OVERLOADED);
  room[Symbol.dispose]();
  doesNotThrow(() => door.begin("t", 4));
});

Deno.test("Admission refuses more bytes than may wait, but takes one event of any size", () => {
  const door = admission();
  using room = door.begin("t", 3);
  const large = room.enter(1000);
  throws(() => room.enter(1), OVERLOADED);
  large[Symbol.dispose]();
  large[Symbol.dispose](); // counts once
  const most = room.enter(100);
  throws(() => room.enter(1), OVERLOADED);
  most[Symbol.dispose]();
});

Deno.test("Admission refuses while the store takes too long", async () => {
  const clock = new TestClock();
  const door = admission(clock);
  const slow = door.begin("t", 1);
  await clock.advance(50);
  doesNotThrow(() => door.check("t"));
  await clock.advance(1);
  throws(() => door.check("other"), OVERLOADED);
  slow[Symbol.dispose]();
  doesNotThrow(() => door.check("t"));
});

Deno.test("Admission does not take a long batch that goes on for a store that is busy", async () => {
  const clock = new TestClock();
  const door = admission(clock);
  using batch = door.begin("t", 1);
  for (let event = 0; event < 3; event++) {
    const entered = batch.enter(1);
    await clock.advance(40);
    entered[Symbol.dispose]();
  }
  doesNotThrow(() => door.check("other"));
  using _stuck = door.begin("t", 1);
  await clock.advance(30);
  batch.enter(1)[Symbol.dispose]();
  await clock.advance(30);
  throws(() => door.check("other"), OVERLOADED); // one goes on, the other does not
});

Deno.test("Admission keeps room for a tenant that others would fill", () => {
  const door = admission();
  using _a = door.begin("loud", 1);
  using _b = door.begin("loud", 1);
  using _c = door.begin("quiet", 1);
  throws(() => door.begin("loud", 1), OVERLOADED);
  doesNotThrow(() => door.begin("quiet", 1));
});
