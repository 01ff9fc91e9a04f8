import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { silentLogger, TransporterError } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Reaper } from "./reaper.ts";
import { openMemoryStore } from "./store/memory.ts";
import { meddling } from "./testing/meddling.ts";
import { record } from "./testing/records.ts";
import type { ScriptedAgent } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

Deno.test("Reaper ends a queued event at its deadline", async () => {
  await using world = await World.open();
  await world.submit("e1", { ttl: 5e9 });
  await world.clock.advance(4000);
  strictEqual((await world.record("e1")).state, "queued");
  await world.clock.advance(2000);
  const { state, error } = await world.record("e1");
  strictEqual(state, "expired");
  strictEqual(error?.code, "expired");
  ok(world.counted.includes("ended k8s_resource expired"));
});

Deno.test("stuck.inprogress: Reaper lets an agent say how an event ended for a minute more, and no longer", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("started", { ttl: 5e9 });
  await world.submit("sent", { ttl: 5e9 });
  await world.submit("late", { ttl: 5e9 });
  await agent.nextOf("event");
  await agent.status("started", "in_progress", "applying");
  await agent.cut();
  await world.clock.advance(64_000);
  strictEqual((await world.record("started")).state, "in_progress");
  strictEqual((await world.record("sent")).state, "assigned");
  const back = await world.connect();
  await back.status("late", "completed", "completed", { attempt: 1 });
  await world.clock.advance(2000);
  strictEqual((await world.record("late")).state, "completed");
  strictEqual((await world.record("sent")).state, "expired");
  const { state, error } = await world.record("started");
  deepStrictEqual([state, error?.code], ["failed", "timeout"]);
});

/** The ids of the events that an agent was sent, and of those that it was told to leave. */
function told(agent: ScriptedAgent): string[] {
  return agent.frames.flatMap((frame) => {
    const { type, event, event_id: id } = frame;
    if (type === "event") return [`event ${(event as { id: string }).id}`];
    return type === "cancel" ? [`cancel ${id}`] : [];
  });
}

Deno.test("Reaper has an agent leave at its deadline what it did not begin, and ends that by its word", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("begun", { ttl: 5e9 });
  await world.submit("waits", { ttl: 5e9 });
  await agent.nextOf("event");
  await agent.status("begun", "in_progress", "applying", { attempt: 1 });
  await world.clock.advance(6000);
  deepStrictEqual(told(agent), ["event begun", "event waits", "cancel waits"]);
  strictEqual((await world.record("waits")).state, "assigned");
  const gone = { attempt: 1, error: { code: "cancelled", message: "Left" } };
  await agent.status("waits", "cancelled", "cancelled", gone);
  await settle();
  const { state, error, notes } = await world.record("waits");
  deepStrictEqual([state, error?.code], ["expired", "expired"]);
  strictEqual(notes.cancel, undefined, "nobody cancelled it");
  await agent.status("waits", "completed", "completed", { attempt: 1 });
  await world.clock.advance(60_000);
  strictEqual((await world.record("waits")).state, "expired");
  deepStrictEqual(
    told(agent).slice(3),
    [],
    "what runs ends by itself, or is not heard of any more",
  );
  strictEqual((await world.record("begun")).error?.code, "timeout");
});

Deno.test("Reaper has an agent leave what it did not begin also when that was away, and we were", async () => {
  const clock = new TestClock();
  const store = openMemoryStore({ clock });
  {
    await using world = await World.open({ clock, store });
    const agent = await world.connect();
    await world.submit("had", { ttl: 5e9 });
    await world.submit("lost", { ttl: 5e9 });
    await settle();
    await agent.cut();
    await clock.advance(6000);
  }
  await using world = await World.open({ clock, store });
  await clock.advance(54_000);
  const agent = await world.connect();
  await settle();
  deepStrictEqual(told(agent), ["cancel had", "cancel lost"]);
  await agent.status("had", "completed", "completed", { attempt: 1 });
  const ref = { event_id: "lost", attempt: 1 };
  await agent.send({ type: "error", code: "unknown_event", message: "", ref });
  await settle();
  strictEqual((await world.record("had")).state, "completed", "it was faster");
  const { state, error } = await world.record("lost");
  deepStrictEqual([state, error?.code], ["expired", "expired"]);
});

Deno.test("Reaper ends nothing that its agent may start, however the clock is set", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1", { ttl: 600e9 });
  await settle();
  await agent.cut();
  for (const ms of [900_000, 900_000]) {
    world.clock.jump(ms);
    await world.clock.advance(2000);
  }
  strictEqual((await world.record("e1")).state, "assigned");
  world.clock.jump(-1800_000);
  await world.clock.advance(55_000);
  const back = await world.connect();
  await settle();
  deepStrictEqual(told(back), ["cancel e1"]);
  await back.cut();
  world.clock.jump(900_000);
  await world.clock.advance(62_000);
  strictEqual((await world.record("e1")).state, "expired", "but not for ever");
});

/** Is not asked for in a test that says how the reaper looks. */
const getAgent = () => Promise.resolve(undefined);

Deno.test("Reaper goes on after the store failed", async () => {
  const clock = new TestClock();
  let looks = 0;
  await using _ = new Reaper({
    store: {
      getAgent,
      listDue() {
        looks++;
        return Promise.reject(new TransporterError("store_unavailable", "No"));
      },
    },
    recorder: { change: () => Promise.resolve(undefined) },
    clock,
    log: silentLogger,
  });
  await clock.advance(3000);
  strictEqual(looks, 4);
});

Deno.test("Reaper takes page after page, and rests when nothing changes", async () => {
  const clock = new TestClock();
  const due = Array.from(
    { length: 1000 },
    (_, i) => record({ deadline: clock.now(), spec: { id: `e${i}` } }),
  );
  let looks = 0;
  let ends = true;
  await using _ = new Reaper({
    store: {
      getAgent,
      listDue: (_, limit) => (looks++, Promise.resolve(due.slice(0, limit))),
    },
    recorder: {
      change() {
        if (ends) due.shift();
        return Promise.resolve({ record: record(), changed: ends });
      },
    },
    clock,
    log: silentLogger,
  });
  await settle();
  deepStrictEqual([due.length, looks], [0, 4]);
  ends = false;
  due.push(...Array.from({ length: 300 }, () => record({ deadline: 0 })));
  await clock.advance(1000);
  deepStrictEqual([due.length, looks], [300, 5]);
});

Deno.test("Reaper finishes what was begun for an event that supersedes another", async () => {
  let fails = false;
  await using world = await World.open({
    wrap: meddling("changeEvent", (change) => (...args) => {
      if (!fails) return change(...args);
      return Promise.reject(new TransporterError("store_unavailable", "No"));
    }),
  });
  const v2 = { api: "v2" } as const;
  const first = await world.connect({ link: { window: 0 } });
  await first.cut();
  await world.core.operator.pause("default", "edge-1");
  await world.submit("old", {}, v2);
  fails = true;
  const { duplicate } = await world.submit("new", { supersedes: "old" }, v2);
  strictEqual(duplicate, true, "it is accepted all the same");
  await world.core.operator.resume("default", "edge-1");
  const agent = await world.connect();
  await settle();
  strictEqual(world.clock.now() < (await world.record("new")).deadline, true);
  deepStrictEqual(await world.history("new"), ["queued"], "it waits");
  fails = false;
  await world.clock.advance(1000);
  strictEqual((await world.record("new")).state, "assigned");
  deepStrictEqual(
    agent.of("event").map(({ event }) => (event as { id: string }).id),
    ["old", "new"],
  );
});
