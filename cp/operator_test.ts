import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import { World } from "./testing/world.ts";

const T = "default";
const ALICE = { principal: "alice" };
const ASKED = { ...ALICE, reason: "not needed" };

Deno.test("Operator.cancel() cancels what waits at once, and it never starts", async () => {
  await using world = await World.open();
  await world.submit("e1");
  const { state } = await world.core.operator.cancel(T, "e1", ASKED);
  strictEqual(state, "cancelled");
  const agent = await world.connect();
  await settle();
  deepStrictEqual(agent.of("event"), []);
  const [, last] = await world.store.listHistory(T, "e1");
  deepStrictEqual(last?.details, ASKED);
  ok(world.counted.includes("ended k8s_resource cancelled"));
  strictEqual(world.core.quota.openOf(T, "edge-1"), 0);
});

Deno.test("Operator.cancel() cancels what waits for its next attempt, also after a restart", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  const error = { code: "cluster_unavailable", message: "No answer" };
  await agent.status("e1", "failed", "failed", { attempt: 1, error });
  await settle();
  strictEqual((await world.record("e1")).state, "queued");
  await agent.cut();
  await world.core[Symbol.asyncDispose]();
  const { clock, store } = world;
  await using after = await World.open({ clock, store });
  const { state } = await after.core.operator.cancel(T, "e1", ASKED);
  strictEqual(state, "cancelled");
  const back = await after.connect();
  await clock.advance(600_000);
  deepStrictEqual(back.of("event"), []);
});

Deno.test("Operator.cancel() tells the agent that has the event, once, and waits for its word", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  const { state, notes } = await world.core.operator.cancel(T, "e1", ASKED);
  strictEqual(state, "assigned");
  strictEqual(notes.cancel?.reason, "not needed");
  await world.core.operator.cancel(T, "e1", ASKED);
  await agent.status("e1", "in_progress", "applying", { attempt: 1 });
  await settle();
  deepStrictEqual(agent.of("cancel"), [{
    type: "cancel",
    event_id: "e1",
    attempt: 1,
    reason: "not needed",
  }]);
  await agent.status("e1", "cancelled", "cancelled", { attempt: 1 });
  await settle();
  strictEqual((await world.record("e1")).state, "cancelled");
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "assigned",
    "in_progress/applying",
    "cancelled/cancelled",
  ]);
});

Deno.test("Operator.cancel() is told to the next session instead of the event", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  await agent.cut();
  await settle();
  await world.core.operator.cancel(T, "e1", ASKED);
  const back = await world.connect();
  await back.nextOf("cancel");
  await settle();
  deepStrictEqual(back.of("event"), []);
  await back.send({
    type: "error",
    code: "unknown_event",
    message: "No such event",
    ref: { event_id: "e1" },
  });
  await settle();
  const { state, error } = await world.record("e1");
  deepStrictEqual([state, error?.code], ["cancelled", "cancelled"]);
});

Deno.test("Operator.cancel() does not take an agent's word about an event that it was sent", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  await world.core.operator.cancel(T, "e1", ASKED);
  const ref = { event_id: "e1" };
  await agent.send({ type: "error", code: "unknown_event", message: "", ref });
  await settle();
  strictEqual((await world.record("e1")).state, "assigned");
});

Deno.test("Operator.cancel() wins against another attempt", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  for (const id of ["cut", "failed", "late"]) await world.submit(id);
  await settle();
  for (const id of ["cut", "failed", "late"]) {
    await world.core.operator.cancel(T, id, ASKED);
  }
  const attempt = 1;
  await agent.status("cut", "in_progress", "interrupted", { attempt });
  const error = { code: "cluster_unavailable", message: "No answer" };
  await agent.status("failed", "failed", "failed", { attempt, error });
  await agent.status("late", "completed", "completed", { attempt });
  await settle();
  strictEqual((await world.record("cut")).state, "cancelled");
  strictEqual((await world.record("failed")).state, "cancelled");
  strictEqual((await world.record("late")).state, "completed", "it was done");
});

Deno.test("Operator.cancel() is too late for an event that has ended, or that a v1 agent has", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: false });
  await world.submit("e1");
  await world.submit("waits");
  await agent.nextOf("event");
  const { operator } = world.core;
  await rejects(operator.cancel(T, "e1", ASKED), {
    code: "too_late",
    details: { state: "assigned" },
  });
  await agent.status("e1", "completed", "completed");
  await settle();
  await rejects(operator.cancel(T, "e1", ASKED), {
    code: "too_late",
    details: { state: "completed" },
  });
  await rejects(operator.cancel(T, "none", ASKED), { code: "unknown_event" });
});

Deno.test("Operator.retry() runs an event again that has ended, and keeps its history", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  const { operator, quota } = world.core;
  await rejects(operator.retry(T, "e1", ALICE), {
    code: "conflict",
    details: { state: "assigned" },
  });
  await agent.status("e1", "failed", "failed", { attempt: 1 });
  await settle();
  await world.clock.advance(30_000);
  const { state, deadline } = await operator.retry(T, "e1", ALICE);
  deepStrictEqual([state, deadline], [
    "queued",
    world.clock.now() + 3600_000,
  ]);
  strictEqual(quota.openOf(T, "edge-1"), 1);
  const frame = await agent.nextOf("event");
  deepStrictEqual([frame["seq"], frame["attempt"]], [2, 2]);
  await agent.status("e1", "completed", "completed", { attempt: 2 });
  await settle();
  const record = await world.record("e1");
  deepStrictEqual([record.state, record.error], ["completed", undefined]);
  strictEqual(quota.openOf(T, "edge-1"), 0);
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "failed/failed",
    "queued",
    "assigned",
    "completed/completed",
  ]);
  const entry = (await world.store.listHistory(T, "e1"))[3];
  strictEqual(entry?.details?.["principal"], "alice");
});

Deno.test("Operator.retry() needs room for the event", async () => {
  await using world = await World.open({ config: { agentEventsMax: 1 } });
  await world.submit("e1");
  await world.core.operator.cancel(T, "e1", ASKED);
  await world.submit("e2");
  await rejects(world.core.operator.retry(T, "e1", ALICE), {
    code: "queue_full",
  });
  await rejects(world.core.operator.retry(T, "e9", ALICE), {
    code: "unknown_event",
  });
});

Deno.test("Operator.pause() stops releases and nothing else, resume() goes on", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: { window: 1 } });
  await world.submit("e1");
  await agent.nextOf("event");
  const { operator } = world.core;
  const { pausedAt } = await operator.pause(T, "edge-1");
  strictEqual(pausedAt, world.clock.now());
  await world.submit("e2");
  await agent.status("e1", "completed", "completed", { attempt: 1 });
  await settle();
  strictEqual((await world.record("e1")).state, "completed");
  await world.clock.advance(10_000);
  strictEqual(agent.of("event").length, 1);
  strictEqual((await operator.pause(T, "edge-1")).pausedAt, pausedAt);
  strictEqual((await operator.resume(T, "edge-1")).pausedAt, undefined);
  strictEqual((await agent.nextOf("event"))["seq"], 2);
  for (const ask of [operator.pause(T, "x"), operator.resume(T, "x")]) {
    await rejects(ask, { code: "unknown_agent" });
  }
});

Deno.test("Operator.deleteAgent() ends its session and its events, and forgets it", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: { window: 2 } });
  for (const id of ["a", "b", "c", "d"]) await world.submit(id);
  await settle();
  await agent.status("a", "in_progress", "applying", { attempt: 1 });
  await settle();
  await world.core.operator.deleteAgent(T, "edge-1", ALICE);
  strictEqual(await agent.end(), "denied");
  strictEqual(await world.store.getAgent(T, "edge-1"), undefined);
  const ends = await Promise.all(["a", "b", "c", "d"].map(async (id) => {
    const { state, error } = await world.record(id);
    return [state, error?.code];
  }));
  deepStrictEqual(ends, [
    ["failed", "interrupted"],
    ["failed", "interrupted"],
    ["cancelled", "cancelled"],
    ["cancelled", "cancelled"],
  ]);
  await rejects(world.core.operator.deleteAgent(T, "edge-1", ALICE), {
    code: "unknown_agent",
  });
  const fresh = await world.connect();
  await settle();
  deepStrictEqual(fresh.of("event"), []);
  strictEqual(fresh.frames[1]?.["from_seq"], 1);
});

Deno.test("Operator.logs() reads what an event put out", async () => {
  await using world = await World.open();
  await world.submit("e1");
  const chunk = { attempt: 1, stream: "stdout", off: 0, data: "hello" };
  await world.store.addLogs(T, "e1", [chunk]);
  const page = { after: 0, limit: 10 };
  const [first] = await world.core.operator.logs(T, "e1", page);
  strictEqual(first?.data, "hello");
  await rejects(world.core.operator.logs(T, "e9", page), {
    code: "unknown_event",
  });
});

Deno.test("Operator.cancel() withholds nothing from an agent that cannot be told", async () => {
  await using world = await World.open();
  const link = { features: ["ack", "parts"] };
  const agent = await world.connect({ link });
  await world.submit("e1");
  await agent.nextOf("event");
  await world.core.operator.cancel(T, "e1", ASKED);
  await agent.cut();
  const back = await world.connect({ link });
  await back.nextOf("event");
  deepStrictEqual(back.of("cancel"), []);
});
