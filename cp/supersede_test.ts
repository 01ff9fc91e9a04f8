import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import type { RawFrame, ScriptedAgent } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

const V2 = { api: "v2" } as const;

async function known(): Promise<World> {
  const world = await World.open();
  await (await world.connect()).cut();
  await settle();
  return world;
}

function submit(world: World, id: string, fields: RawFrame = {}) {
  return world.submit(id, fields, V2);
}

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("supersede() cancels what has not started, and only the newer event runs", async () => {
  await using world = await known();
  await submit(world, "old");
  const { state } = await submit(world, "new", { supersedes: "old" });
  strictEqual(state, "queued");
  const old = await world.record("old");
  strictEqual(old.state, "cancelled");
  strictEqual(
    old.error?.message,
    'Event was cancelled before it started: event "new" takes its place',
  );
  const agent = await world.connect();
  await settle();
  deepStrictEqual(idsOf(agent), ["new"]);
  deepStrictEqual(
    (await world.store.listHistory("default", "new")).map((entry) =>
      entry.message
    ).slice(0, 2),
    ["Event queued", 'Event "old", which it supersedes, was cancelled'],
  );
});

Deno.test("supersede() tells the agent that has the event and did not begin it", async () => {
  await using world = await known();
  const agent = await world.connect();
  await submit(world, "old");
  await settle();
  await submit(world, "new", { supersedes: "old" });
  await settle();
  deepStrictEqual(idsOf(agent), ["old", "new"]);
  deepStrictEqual(
    agent.frames.slice(-2).map(({ type }) => type),
    ["cancel", "event"],
    "the older one is left before the newer one can begin",
  );
});

Deno.test("supersede() leaves what has started, has ended, or is not known", async () => {
  await using world = await known();
  const agent = await world.connect();
  await submit(world, "started");
  await submit(world, "ended");
  await settle();
  await agent.status("started", "in_progress", "applying", { attempt: 1 });
  await agent.status("ended", "completed", "completed", { attempt: 1 });
  await settle();
  for (const id of ["started", "ended", "unknown"]) {
    await submit(world, `new-${id}`, { supersedes: id });
  }
  await settle();
  strictEqual((await world.record("started")).state, "in_progress");
  strictEqual((await world.record("ended")).state, "completed");
  deepStrictEqual(agent.of("cancel"), []);
  strictEqual(idsOf(agent).length, 5);
});

Deno.test("supersede() keeps an event until its time all the same", async () => {
  await using world = await known();
  const at = world.clock.now() + 10_000;
  const notBefore = new Date(at).toISOString();
  await submit(world, "new", { supersedes: "old", not_before: notBefore });
  strictEqual((await world.record("new")).readyAt, at);
});

Deno.test("Intake.accept() refuses an event that supersedes another agent's", async () => {
  await using world = await known();
  await (await world.connect({ registration: { id: "edge-2" } })).cut();
  await submit(world, "old", { target_agent: "edge-2" });
  await rejects(submit(world, "new", { supersedes: "old" }), {
    code: "invalid",
    details: { field: "supersedes" },
  });
});
