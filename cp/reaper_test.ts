import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { silentLogger, TransporterError } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Reaper } from "./reaper.ts";
import type { EventRecord } from "./store/store.ts";
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

Deno.test("Reaper lets an agent say how an event ended for a minute more", async () => {
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

Deno.test("Reaper goes on after the store failed", async () => {
  const clock = new TestClock();
  let looks = 0;
  await using _ = new Reaper({
    store: {
      listDue() {
        looks++;
        return Promise.reject(new TransporterError("store_unavailable", "No"));
      },
    },
    recorder: { expired: () => Promise.resolve(true) },
    clock,
    log: silentLogger,
  });
  await clock.advance(3000);
  strictEqual(looks, 4);
});

Deno.test("Reaper looks beyond events that wait for their agents", async () => {
  const clock = new TestClock();
  const waiting = Array.from({ length: 1000 }, (_, i) => `waits-${i}`);
  const due = new Set([...waiting, "due"]);
  await using _ = new Reaper({
    store: {
      listDue: (_, limit) =>
        Promise.resolve(
          [...due].slice(0, limit).map((id) =>
            ({ spec: { id } }) as unknown as EventRecord
          ),
        ),
    },
    recorder: {
      expired: ({ spec: { id } }) =>
        Promise.resolve(id === "due" && due.delete(id)),
    },
    clock,
    log: silentLogger,
  });
  await settle();
  strictEqual(due.has("due"), false);
});
