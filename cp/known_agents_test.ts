import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TestClock } from "@transporter/sdk/testing";
import { KnownAgents } from "./known_agents.ts";
import { LiveSessions } from "./live_sessions.ts";
import { openMemoryStore } from "./store/memory.ts";
import { meddling } from "./testing/meddling.ts";

const T = "default";

/** Agents of a store with `edge-1` in it, and how often the store was asked. */
async function open() {
  const clock = new TestClock();
  const plain = openMemoryStore({ clock });
  await plain.openSession(T, {
    registration: {
      type: "registration",
      id: "edge-1",
      name: "edge-1",
      cluster_name: "c",
      version: "0.1.0",
      capabilities: [],
    },
    linkVersion: 2,
    executors: [],
    newEpoch: "epoch",
    at: 0,
  });
  const known = { asked: 0, answering: () => {} };
  const store = meddling("getAgent", (get) => async (...args) => {
    known.asked++;
    const agent = await get(...args);
    known.answering();
    return agent;
  })(plain);
  const live = new LiveSessions();
  const agents = new KnownAgents({ store, live, clock });
  return { agents, clock, known };
}

Deno.test("KnownAgents asks for an agent once a second", async () => {
  const { agents, clock, known } = await open();
  const found = await agents.get(T, "edge-1");
  strictEqual(found?.id, "edge-1");
  await clock.advance(999);
  deepStrictEqual(await agents.get(T, "edge-1"), found);
  strictEqual(known.asked, 1);
  await clock.advance(1);
  await agents.get(T, "edge-1");
  strictEqual(known.asked, 2);
});

Deno.test("KnownAgents asks each time for whom the store does not know", async () => {
  const { agents, known } = await open();
  for (let i = 0; i < 3; i++) {
    strictEqual(await agents.get(T, "edge-2"), undefined);
    strictEqual(await agents.get("other", "edge-1"), undefined);
  }
  strictEqual(known.asked, 6);
});

Deno.test("KnownAgents keeps nothing that was forgotten, also while the store was asked", async () => {
  const { agents, known } = await open();
  await agents.get(T, "edge-1");
  agents.forget(T, "edge-2");
  await agents.get(T, "edge-1");
  strictEqual(known.asked, 1);
  agents.forget(T, "edge-1");
  known.answering = () => agents.forget(T, "edge-1");
  await agents.get(T, "edge-1");
  await agents.get(T, "edge-1");
  strictEqual(known.asked, 3);
  known.answering = () => {};
  await agents.get(T, "edge-1");
  await agents.get(T, "edge-1");
  strictEqual(known.asked, 4);
  agents.forgetAll();
  await agents.get(T, "edge-1");
  strictEqual(known.asked, 5);
});
