import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import type { RawFrame, ScriptedAgent } from "./testing/scripted_agent.ts";
import { World } from "./testing/world.ts";

const LINK = { features: ["ack", "parts", "backlog", "credit"], window: 2 };
const V2 = { api: "v2" } as const;

async function connect(world: World): Promise<ScriptedAgent> {
  const agent = await world.connect({ link: LINK });
  await agent.send({ type: "credit", limit_seq: 100 });
  await settle();
  return agent;
}

async function ask(agent: ScriptedAgent): Promise<RawFrame> {
  const before = agent.of("backlog").length;
  await agent.send({ type: "backlog_request" });
  await settle();
  const answers = agent.of("backlog").slice(before);
  strictEqual(answers.length, 1);
  const { type: _, ...answer } = answers[0] ?? {};
  return answer;
}

const NOTHING = { waiting: false };
const SOMETHING = { waiting: true };

Deno.test("Questions.answer() says that nothing waits for a new agent", async () => {
  await using world = await World.open();
  deepStrictEqual(await ask(await connect(world)), NOTHING);
});

Deno.test("Questions.answer() says that something waits until it is answered for, also beyond the window", async () => {
  await using world = await World.open();
  const agent = await connect(world);
  const { epoch = "" } = agent.of("welcome")[0] ?? {};
  await world.submit("e1");
  await settle();
  deepStrictEqual(await ask(agent), SOMETHING, "on its way");
  for (const id of ["e2", "e3"]) await world.submit(id);
  await agent.send({ type: "ack", epoch, upto: 2 });
  await settle();
  deepStrictEqual(await ask(agent), SOMETHING, "the window is full");
  await agent.status("e1", "completed", "completed", { attempt: 1, sid: 1 });
  await settle();
  deepStrictEqual(await ask(agent), SOMETHING, "the third is on its way");
  await agent.send({ type: "ack", epoch, upto: 3 });
  await agent.status("e2", "completed", "completed", { attempt: 1, sid: 2 });
  await settle();
  // What the agent has in hand, it knows itself.
  deepStrictEqual(await ask(agent), NOTHING);
});

Deno.test("Dispatch.ask() looks into the queue after the question: another process may have put something there", async () => {
  await using world = await World.open();
  const agent = await connect(world);
  const { store, clock } = world;
  await using other = await World.open({ store, clock });
  deepStrictEqual(await ask(agent), NOTHING);
  await other.submit("e1");
  deepStrictEqual(await ask(agent), SOMETHING);
});

Deno.test("Questions.answer() says when the first event that waits for its time is ready", async () => {
  await using world = await World.open();
  const agent = await connect(world);
  const at = (ms: number) => new Date(world.clock.now() + ms).toISOString();
  const soon = at(5000);
  await world.submit("later", { not_before: at(60_000) }, V2);
  await world.submit("soon", { not_before: soon }, V2);
  deepStrictEqual(await ask(agent), { waiting: false, ready_at: soon });
});

Deno.test("Questions.answer() says that something waits which the agent does not take for now", async () => {
  await using world = await World.open();
  const agent = await connect(world);
  const nack = { type: "nack", detail: "Not now", retry_after_ms: 5000 };
  for (const rest of [{}, { type_only: true }]) {
    await world.submit(`e${Object.keys(rest).length}`);
    const { seq, event } = await agent.nextOf("event");
    const { id } = event as { id: string };
    await agent.send({
      ...nack,
      ...rest,
      seq,
      event_id: id,
      code: "disk_full",
    });
    await settle();
    deepStrictEqual(await ask(agent), SOMETHING);
    await world.clock.advance(5000);
    await agent.nextOf("event");
    await agent.status(id, "completed", "completed", { attempt: 2 });
    const { epoch = "" } = agent.of("welcome")[0] ?? {};
    await agent.send({ type: "ack", epoch, upto: agent.of("event").length });
    await settle();
    deepStrictEqual(await ask(agent), NOTHING);
  }
});

Deno.test("Questions.answer() says that the agent is paused", async () => {
  await using world = await World.open();
  const agent = await connect(world);
  await world.core.operator.pause("default", "edge-1");
  await world.submit("e1");
  await settle();
  deepStrictEqual(await ask(agent), { waiting: false, paused: true });
  await world.core.operator.resume("default", "edge-1");
  await settle();
  deepStrictEqual(await ask(agent), SOMETHING);
});
