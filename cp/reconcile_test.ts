import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { eventDigest, type EventSpec, inventoryDigest } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import type { RawFrame, ScriptedAgent } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

const FEATURES = ["ack", "parts", "resume", "credit", "cancel"];
const AT = "2026-11-23T05:04:28.000Z";

/** Connects an agent whose stream the store does not know. */
async function reconnect(
  world: World,
  epoch = "e_lost",
): Promise<ScriptedAgent> {
  const inventory = inventoryDigest([]);
  const agent = await world.connect({
    link: { features: FEATURES, resume: { epoch, recv: 40, inventory } },
  });
  strictEqual(agent.frames[1]?.["resume"], "reconcile");
  strictEqual(agent.frames[1]?.["from_seq"], 1);
  return agent;
}

async function item(world: World, id: string, fields: RawFrame) {
  const spec = await world.store.getSpec("default", id) as EventSpec;
  return { event_id: id, digest: eventDigest(spec), attempt: 1, ...fields };
}

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("Reconciliation takes over ends, and runs nothing again that was done", async () => {
  await using world = await World.open();
  for (const id of ["done", "again", "failed", "new"]) await world.submit(id);
  const agent = await reconnect(world);
  const error = { code: "denied", message: "Not allowed" };
  await agent.send({
    type: "inventory",
    items: [
      await item(world, "done", { state: "completed", finished_at: AT }),
      await item(world, "failed", { state: "failed", finished_at: AT, error }),
    ],
    more: true,
  });
  await agent.send({
    type: "inventory",
    items: [
      await item(world, "again", {
        attempt: 4,
        state: "completed",
        finished_at: AT,
      }),
    ],
    more: false,
  });
  await settle();
  deepStrictEqual(idsOf(agent), ["new"]);
  deepStrictEqual(agent.of("event").map(({ seq }) => seq), [1]);
  strictEqual((await world.record("done")).state, "completed");
  const again = await world.record("again");
  deepStrictEqual([again.state, again.attempt], ["completed", 4]);
  const failed = await world.record("failed");
  deepStrictEqual([failed.state, failed.error], ["failed", error]);
  const { epoch } = await world.store.getAgent("default", "edge-1") ?? {};
  strictEqual(epoch, agent.frames[1]?.["epoch"]);
  ok(world.counted.some((line) => line.startsWith("reconciled")));
});

Deno.test("Reconciliation leaves what the agent has in hand at the agent's attempt", async () => {
  await using world = await World.open();
  await world.submit("waits");
  await world.submit("runs");
  const agent = await reconnect(world);
  await agent.send({
    type: "inventory",
    items: [
      await item(world, "waits", { attempt: 2, state: "assigned" }),
      await item(world, "runs", { attempt: 3, state: "in_progress" }),
    ],
    more: false,
  });
  await settle();
  deepStrictEqual(
    agent.of("event").map(({ seq, attempt, event }) => [
      (event as EventSpec).id,
      seq,
      attempt,
    ]),
    [["waits", 1, 2], ["runs", 2, 3]],
    "the agent knows them, and says how they end",
  );
  await agent.status("runs", "completed", "completed", { attempt: 3, sid: 1 });
  await settle();
  strictEqual((await world.record("runs")).state, "completed");
  await world.submit("next");
  strictEqual((await agent.nextOf("event"))["seq"] !== undefined, true);
});

Deno.test("Reconciliation keeps statuses until it is known what they are about", async () => {
  await using world = await World.open();
  await world.submit("done");
  const agent = await reconnect(world);
  const result = { success: true, completed_at: AT, duration: 1, answer: 42 };
  await agent.status("done", "completed", "completed", {
    attempt: 2,
    sid: 7,
    result,
  });
  await settle();
  deepStrictEqual(agent.of("status_ack"), []);
  const fields = { attempt: 2, state: "completed", finished_at: AT };
  const items = [await item(world, "done", fields)];
  await agent.send({ type: "inventory", items, more: false });
  await settle();
  deepStrictEqual(agent.of("status_ack"), [{ type: "status_ack", upto: 7 }]);
  const record = await world.record("done");
  strictEqual(record.state, "completed");
  strictEqual(record.result?.["answer"], 42);
});

Deno.test("Reconciliation takes an interrupted attempt for what it is", async () => {
  await using world = await World.open();
  await world.submit("again");
  await world.submit("once", { type: "script" });
  const agent = await reconnect(world);
  const fields = { state: "in_progress", finished_at: AT };
  const items = [
    await item(world, "again", fields),
    await item(world, "once", fields),
  ];
  await agent.send({ type: "inventory", items, more: false });
  await settle();
  const once = await world.record("once");
  deepStrictEqual([once.state, once.error?.code], ["failed", "interrupted"]);
  deepStrictEqual(
    agent.of("event").map(({ attempt }) => attempt),
    [2],
    "the other one may be repeated",
  );
});

Deno.test("Reconciliation counts and names what the store does not know", async () => {
  await using world = await World.open();
  await world.submit("other");
  const agent = await reconnect(world);
  const digest = `sha256:${"0".repeat(64)}`;
  const ended = { attempt: 1, state: "completed", finished_at: AT };
  const items = [
    { event_id: "gone", digest, ...ended },
    { event_id: "other", digest, ...ended },
  ];
  await agent.send({ type: "inventory", items, more: false });
  await settle();
  const line = world.logged.find(({ message }) =>
    message === "Store is older than what the agent remembers"
  );
  deepStrictEqual(line?.fields, {
    adopted: 0,
    conflicts: 1,
    orphans: 1,
    ended: 0,
    orphan_ids: ["gone"],
  });
  deepStrictEqual(idsOf(agent), ["other"], "another body is another event");
});

Deno.test("Reconciliation asks for what ended since shortly before the agent was last seen", async () => {
  await using world = await World.open();
  await (await world.connect({ link: { features: FEATURES } })).cut();
  await settle();
  const seen = (await world.store.getAgent("default", "edge-1"))?.seenAt ?? 0;
  await world.clock.advance(3600_000);
  strictEqual(await askedSince(await reconnect(world)), seen - 600_000);
});

/** Since when the agent is asked. */
async function askedSince(agent: ScriptedAgent): Promise<number> {
  const { since } = await agent.nextOf("inventory_request");
  return Date.parse(String(since));
}

Deno.test("Reconciliation asks for the same again until the agent has told it, also after a restart", async () => {
  await using world = await World.open();
  const { clock, store } = world;
  await (await world.connect({ link: { features: FEATURES } })).cut();
  await settle();
  const agentNow = async () => await store.getAgent("default", "edge-1");
  const seen = (await agentNow())?.seenAt ?? 0;
  for (const aMinute of [false, true]) {
    await clock.advance(3600_000);
    // Another process over the same store each time: the one before knows nothing any more.
    await using other = await World.open({ clock, store });
    const agent = await reconnect(other);
    strictEqual(await askedSince(agent), seen - 600_000);
    for (let i = 0; aMinute && i < 6; i++) {
      await clock.advance(10_000);
      await agent.send({ type: "heartbeat", timestamp: AT });
      if (i % 2 === 0) continue;
      await agent.send({ type: "inventory", items: [], more: true });
    }
    await settle();
    if (aMinute) strictEqual((await agentNow())?.seenAt, clock.now());
    await agent.cut();
    await settle();
    strictEqual((await agentNow())?.seenAt, clock.now(), "as people see it");
  }
  await clock.advance(3600_000);
  const agent = await reconnect(world);
  strictEqual(await askedSince(agent), seen - 600_000);
  const now = clock.now();
  await agent.send({ type: "inventory", items: [], more: false });
  await settle();
  // What ended before now was told. Killed here, the next process asks for what came since.
  await clock.advance(10_000);
  await using next = await World.open({ clock, store });
  strictEqual(await askedSince(await reconnect(next)), now - 600_000);
});

Deno.test("Reconciliation asks an agent for everything until it has told that once, if the store has never heard it", async () => {
  await using world = await World.open();
  for (let i = 0; i < 2; i++) {
    const agent = await reconnect(world);
    const asked = await agent.nextOf("inventory_request");
    deepStrictEqual(asked, { type: "inventory_request" });
    await agent.cut();
    await settle();
    await world.clock.advance(3600_000);
  }
});

Deno.test("Reconciliation asks for what ended in sessions in which the agent could not tell", async () => {
  await using world = await World.open();
  await (await world.connect({ link: { features: FEATURES } })).cut();
  await settle();
  const { seenAt = 0 } = await world.store.getAgent("default", "edge-1") ?? {};
  await world.clock.advance(3600_000);
  for (const link of [false, { features: ["ack"] }] as const) {
    await (await world.connect({ link })).cut();
    await settle();
  }
  strictEqual(await askedSince(await reconnect(world)), seenAt - 600_000);
});

Deno.test("Reconciliation records what the agent had told once before what it tells now", async () => {
  await using world = await World.open();
  for (const id of ["first", "told", "owed"]) await world.submit(id);
  const agent = await reconnect(world);
  const ended = { state: "completed", finished_at: AT };
  await agent.status("owed", "completed", "completed", { attempt: 1, sid: 9 });
  await agent.send({
    type: "inventory",
    items: [await item(world, "owed", ended), await item(world, "told", ended)],
    more: false,
  });
  await settle();
  const changes = await world.store.listChanges("default", 0, 99);
  deepStrictEqual(
    changes.filter(({ entry: { state } }) => state === "completed")
      .map(({ entry: { event_id: id } }) => id),
    ["told", "owed"],
  );
});

Deno.test("Reconciliation gives up an agent that does not answer, and asks again next time", async () => {
  await using world = await World.open();
  const agent = await reconnect(world);
  await settle();
  for (let i = 0; i < 3; i++) {
    await world.clock.advance(10_000);
    await agent.send({ type: "heartbeat", timestamp: AT }).catch(() => {});
  }
  strictEqual(await agent.end(), "timeout");
  ok(agent.of("heartbeat_ack").length > 0, "it was heard meanwhile");
  await reconnect(world);
});

Deno.test("Reconciliation is not done while the store was in use all the time", async () => {
  await using world = await World.open();
  const link = { features: FEATURES };
  const first = await world.connect({ link });
  const epoch = String(first.frames[1]?.["epoch"]);
  await world.submit("e1");
  await first.nextOf("event");
  await first.cut();
  await settle();
  const inventory = inventoryDigest([]);
  const resume = { epoch, recv: 1, inventory };
  const cut = await world.connect({ link: { ...link, resume } });
  strictEqual(cut.frames[1]?.["resume"], "resumed");
  deepStrictEqual(idsOf(cut), [], "not yet");
  await settle();
  deepStrictEqual(idsOf(cut), ["e1"], "it may have been lost on the way");
  await cut.cut();
  await settle();
  const open = inventoryDigest([{ event_id: "e1", attempt: 1 }]);
  const known = await world.connect({
    link: { ...link, resume: { epoch, recv: 1, inventory: open } },
  });
  await settle();
  strictEqual(known.frames[1]?.["resume"], "resumed");
  deepStrictEqual(idsOf(known), [], "the agent has it in hand");
  await world.core.operator.cancel("default", "e1", {
    principal: "p",
    reason: "",
  });
  await settle();
  strictEqual(known.of("cancel").length, 1);
  await known.cut();
  await settle();

  const { clock, store } = world;
  await world.core[Symbol.asyncDispose]();
  await using after = await World.open({ clock, store });
  const restarted = await after.connect({ link: { ...link, resume } });
  strictEqual(restarted.frames[1]?.["resume"], "reconcile");
});

Deno.test("Reconciliation that was cut off is begun again, also where the stream fits and the process goes on", async () => {
  await using before = await World.open();
  const link = { features: FEATURES };
  const first = await before.connect({ link });
  const { clock, store } = before;
  await before.core[Symbol.asyncDispose]();
  await using world = await World.open({ clock, store });
  // Its journal says nothing of the number that the lost event had.
  const resumed = async (epoch: unknown): Promise<ScriptedAgent> => {
    const inventory = inventoryDigest([{ event_id: "lost", attempt: 1 }]);
    const resume = { epoch: String(epoch), recv: 0, inventory };
    return await world.connect({ link: { ...link, resume } });
  };
  const epoch = first.frames[1]?.["epoch"];
  for (let i = 0; i < 3; i++) {
    const cut = await resumed(epoch);
    strictEqual(cut.frames[1]?.["resume"], "reconcile");
    await cut.cut();
    await settle();
  }
  const agent = await resumed(epoch);
  await agent.send({ type: "inventory", items: [], more: false });
  await settle();
  await agent.cut();
  await settle();
  for (let i = 0; i < 2; i++) {
    const known = await resumed(agent.frames[1]?.["epoch"]);
    strictEqual(known.frames[1]?.["resume"], "resumed");
  }
});
