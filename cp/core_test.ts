import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import { DutifulAgent } from "./testing/dutiful_agent.ts";
import { World } from "./testing/world.ts";

Deno.test("openCore() takes an event from its submission to its end", async () => {
  await using world = await World.open();
  const agent = new DutifulAgent(world);
  const working = agent.work();
  await settle();
  const { signal } = new AbortController();
  const { record } = await world.submit("e1");
  await world.core.changes.wait(record.revision, { signal });
  await settle();
  strictEqual((await world.record("e1")).state, "completed");
  strictEqual((await world.record("e1")).result?.success, true);
  strictEqual(world.core.quota.openOf("default", "edge-1"), 0);
  deepStrictEqual(world.counted, [
    "sessionsOpen 1",
    "accepted k8s_resource",
    "released 1",
    ...Array(4).fill("statuses 1"),
    "ended k8s_resource completed",
    "statuses 1",
  ]);
  await world.core.sessions.close("over");
  await working;
});

Deno.test("openCore() again, while the one before still runs, loses nothing and runs nothing twice", async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `e${i}`);
  let world = await World.open();
  const { store, clock } = world;
  const worlds = [world];
  const agent = new DutifulAgent(world, { link: { window: 16 } });
  const working: Promise<unknown>[] = [agent.work()];
  for (const [i, id] of ids.entries()) {
    await world.submit(id);
    if (i % 10 === 5) await settle();
    if (i % 40 !== 39) continue;
    // The old one is not told: it may still write, and must not do harm.
    world = await World.open({ store, clock });
    worlds.push(world);
    agent.moveTo(world);
    working.push(agent.work());
  }
  while ((await store.countOpen("default")).size > 0) await settle();
  deepStrictEqual(
    agent.ran.toSorted(),
    ids.map((id) => `${id}/1`).toSorted(),
  );
  for (const id of ids) {
    deepStrictEqual((await world.history(id)).at(-1), "completed/completed");
  }
  for (const { core } of worlds) await core[Symbol.asyncDispose]();
  await Promise.all(working);
});

Deno.test("openCore() leaves nothing running when it is closed", async () => {
  const world = await World.open();
  const agent = await world.connect();
  await world.core[Symbol.asyncDispose]();
  await world.core[Symbol.asyncDispose]();
  strictEqual(await agent.end(), "unavailable");
  strictEqual(world.clock.sleeping, 0);
});

Deno.test("openCore() does not start on a store that does not answer", async () => {
  const { store } = await World.open();
  await store[Symbol.asyncDispose]();
  await rejects(World.open({ store }), { code: "store_unavailable" });
});
