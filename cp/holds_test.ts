import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import type { ScriptedAgent } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("Dispatcher holds back from an agent that will take an event later", async () => {
  await using world = await World.open();
  await world.submit("e1");
  const agent = await world.connect();
  await agent.nextOf("event");
  await agent.send({
    type: "nack",
    seq: 1,
    event_id: "e1",
    code: "exhausted",
    detail: "Journal is full",
    retry_after_ms: 5000,
  });
  await world.submit("e2");
  await world.clock.advance(4999);
  strictEqual(agent.of("event").length, 1);
  deepStrictEqual(await world.history("e1"), ["queued", "assigned", "queued"]);
  await world.clock.advance(1);
  deepStrictEqual(idsOf(agent), ["e1", "e1", "e2"]);
  deepStrictEqual(
    agent.of("event").map(({ seq, attempt }) => [seq, attempt]),
    [[1, 1], [2, 2], [3, 1]],
  );
});

Deno.test("Dispatcher holds back what is of a type that an agent will take later, and what follows that by its key", async () => {
  await using world = await World.open();
  for (const id of ["a", "b", "c"]) await world.submit(id);
  const agent = await world.connect({ link: { window: 2 } });
  await agent.nextOf("event");
  await agent.nextOf("event");
  const script = { type: "script", payload: { script: "date" } };
  await world.submit("other", script);
  const keyed = { concurrency_key: "k" };
  await world.submit("keyed", keyed, { api: "v2" });
  await world.submit("follows", { ...script, ...keyed }, { api: "v2" });
  for (const seq of [1, 2]) {
    await agent.send({
      type: "nack",
      seq,
      event_id: seq === 1 ? "a" : "b",
      code: "cluster_unavailable",
      detail: "Nobody is there",
      retry_after_ms: 5000,
      type_only: true,
    });
  }
  await settle();
  deepStrictEqual(idsOf(agent), ["a", "b", "other"]);
  await agent.status("other", "completed", "completed", { sid: 1 });
  await world.clock.advance(4999);
  deepStrictEqual(idsOf(agent), ["a", "b", "other"]);
  await world.clock.advance(1);
  await settle();
  deepStrictEqual(idsOf(agent), ["a", "b", "other", "a", "b"]);
  for (const id of ["a", "b"]) {
    await agent.status(id, "completed", "completed", {
      sid: id === "a" ? 2 : 3,
      attempt: 2,
    });
  }
  await settle();
  deepStrictEqual(idsOf(agent).slice(5), ["c", "keyed"]);
});
