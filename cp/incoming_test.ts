import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import type { RawFrame } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

const FEATURES = ["ack", "parts", "credit", "logs", "drain"];
const LINK = { features: FEATURES, window: 64 };

function beat(fields: RawFrame = {}): RawFrame {
  return { type: "heartbeat", timestamp: "2026-11-23T05:04:37Z", ...fields };
}

Deno.test("Incoming lets statuses come as they are taken", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: LINK });
  for (const id of ["a", "b", "c"]) await world.submit(id);
  await settle();
  for (const [id, sid] of [["a", 11], ["b", 2000], ["c", 2100]] as const) {
    await agent.status(id, "in_progress", "received", { attempt: 1, sid });
    await settle();
  }
  deepStrictEqual(agent.of("flow").map((frame) => frame["limit_sid"]), [
    11 + 4096,
    2100 + 4096,
  ]);
});

Deno.test("Incoming lets an agent go on that has left out numbers beyond the limit", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: LINK });
  await world.submit("a");
  await agent.nextOf("event");
  await agent.status("a", "in_progress", "received", { attempt: 1, sid: 1 });
  const waiting = beat({ metrics: { unacknowledged: 3 } });
  await agent.send(waiting);
  await settle();
  strictEqual(agent.of("flow").length, 1, "a status came since");
  await agent.send(beat({ metrics: { unacknowledged: 0 } }));
  await settle();
  strictEqual(agent.of("flow").length, 1, "none waits");
  await agent.send(waiting);
  await settle();
  strictEqual(agent.of("flow").at(-1)?.["limit_sid"], Number.MAX_SAFE_INTEGER);
});

Deno.test("Incoming says nothing of limits to an agent that does not know them", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("a");
  await agent.nextOf("event");
  await agent.status("a", "in_progress", "received", { attempt: 1, sid: 1 });
  await settle();
  deepStrictEqual(agent.of("flow"), []);
});

Deno.test("Incoming keeps the output of events", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: LINK });
  await world.submit("a");
  await agent.nextOf("event");
  const log = { type: "log", event_id: "a", attempt: 1, stream: "stdout" };
  await agent.send({ ...log, off: 0, data: "hello" });
  await settle();
  const page = { after: 0, limit: 10 };
  const [first] = await world.core.operator.logs("default", "a", page);
  strictEqual(first?.data, "hello");
});

Deno.test("Session.drain() asks an agent to come back that knows the word", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: LINK });
  await world.core.sessions.close("restart");
  deepStrictEqual(agent.of("drain"), [{
    type: "drain",
    reason: "restart",
    reconnect_after_ms: 1500,
    jitter_ms: 3000,
  }]);
  strictEqual(await agent.end(), "unavailable");
});
