import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import type { Store } from "./store/store.ts";
import type { ScriptedAgent } from "./testing/scripted_agent.ts";
import { meddling } from "./testing/meddling.ts";
import { World } from "./testing/world.ts";

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("Dispatcher releases an event when its time has come, and no sooner", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  const at = (ms: number) => new Date(world.clock.now() + ms).toISOString();
  const v2 = { api: "v2" } as const;
  await world.submit("later", { not_before: at(90_000) }, v2);
  await world.submit("sooner", { not_before: at(5000) }, v2);
  await world.submit("now", {}, v2);
  await settle();
  deepStrictEqual(idsOf(agent), ["now"]);
  await world.clock.advance(4999);
  deepStrictEqual(idsOf(agent), ["now"]);
  await world.clock.advance(1);
  deepStrictEqual(idsOf(agent), ["now", "sooner"]);
  await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  await world.clock.advance(30_000);
  await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  await world.clock.advance(30_000);
  await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  await world.clock.advance(24_999);
  deepStrictEqual(idsOf(agent), ["now", "sooner"]);
  await world.clock.advance(1);
  deepStrictEqual(idsOf(agent), ["now", "sooner", "later"]);
});

Deno.test("Dispatcher finds what waits for its time when a session begins", async () => {
  await using world = await World.open();
  await (await world.connect()).cut();
  const notBefore = new Date(world.clock.now() + 5000).toISOString();
  await world.submit("later", { not_before: notBefore }, { api: "v2" });
  const agent = await world.connect();
  await world.clock.advance(4999);
  deepStrictEqual(idsOf(agent), []);
  await world.clock.advance(1);
  deepStrictEqual(idsOf(agent), ["later"]);
});

Deno.test("Dispatcher releases what becomes ready while the store says that nothing is", async () => {
  let answered = () => {};
  await using world = await World.open({
    wrap: meddling("releaseEvents", (release) => async (...args) => {
      const released = await release(...args);
      answered();
      return released;
    }),
  });
  const { clock } = world;
  await (await world.connect()).cut();
  const notBefore = new Date(clock.now() + 5000).toISOString();
  await world.submit("e1", { not_before: notBefore }, { api: "v2" });
  answered = () => {
    answered = () => {};
    clock.jump(5001);
  };
  const agent = await world.connect();
  await clock.advance(1);
  deepStrictEqual(idsOf(agent), ["e1"]);
});

Deno.test("Dispatcher makes the next attempt after a failure that passes", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  const error = { code: "cluster_unavailable", message: "No answer" };
  for (const [attempt, waitMs] of [[1, 500], [2, 1000]]) {
    strictEqual((await agent.nextOf("event"))["attempt"], attempt);
    await agent.status("e1", "failed", "failed", { attempt, error });
    await settle();
    strictEqual((await world.record("e1")).state, "queued");
    await world.clock.advance((waitMs ?? 0) - 1);
    strictEqual(agent.of("event").length, attempt);
    await world.clock.advance(1);
  }
  strictEqual((await agent.nextOf("event"))["attempt"], 3);
  await agent.status("e1", "failed", "failed", { attempt: 3, error });
  await settle();
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "queued/failed",
    "assigned",
    "queued/failed",
    "assigned",
    "failed/failed",
  ]);
});

Deno.test("Dispatcher releases no more than the agent gives credit for", async () => {
  await using world = await World.open();
  const features = ["ack", "parts", "credit"];
  const agent = await world.connect({ link: { window: 64, features } });
  await agent.send({ type: "credit", limit_seq: 2 });
  await settle();
  for (let i = 0; i < 6; i++) await world.submit(`e${i}`);
  await settle();
  strictEqual(agent.of("event").length, 2);
  await agent.send({ type: "credit", limit_seq: 1 });
  await settle();
  strictEqual(agent.of("event").length, 2, "what was given stays given");
  await agent.send({ type: "credit", limit_seq: 5 });
  await settle();
  deepStrictEqual(agent.of("event").map(({ seq }) => seq), [1, 2, 3, 4, 5]);
});

Deno.test("Dispatcher ends a v1 attempt that never answers, and goes on", async () => {
  await using world = await World.open();
  await (await world.connect({ link: false })).cut();
  await world.submit("silent", { timeout: "10s" }, { api: "v2" });
  await world.submit("next");
  const agent = await world.connect({ link: false });
  for (let i = 0; i < 8; i++) {
    await world.clock.advance(10_000);
    await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  }
  await settle();
  deepStrictEqual(idsOf(agent), ["silent", "next"]);
});

Deno.test("Dispatcher withholds what is cancelled on its way out, and gives its place to the next", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await World.open({
    wrap: meddling("releaseEvents", (release) => async (...args) => {
      const released = await release(...args);
      if (released.length > 0) await gate.promise;
      return released;
    }),
  });
  const features = ["ack", "parts", "credit", "cancel"];
  const agent = await world.connect({ link: { window: 1, features } });
  await agent.send({ type: "credit", limit_seq: 1 });
  await settle();
  await world.submit("e1");
  await settle();
  const asked = { principal: "p", reason: "" };
  await world.core.operator.cancel("default", "e1", asked);
  gate.resolve();
  await agent.nextOf("cancel");
  const ref = { event_id: "e1", attempt: 1 };
  await agent.send({ type: "error", code: "unknown_event", message: "", ref });
  await world.submit("e2");
  strictEqual((await agent.nextOf("event"))["seq"], 2);
  deepStrictEqual(idsOf(agent), ["e2"]);
  strictEqual((await world.record("e1")).state, "cancelled");
});

/** A store that does what it is asked, and then says that it could not. */
function forgetful(method: keyof Store) {
  const switches = { lost: false };
  function wrap(store: Store): Store {
    return new Proxy(store, {
      get(target, name: keyof Store) {
        const value = target[name];
        if (typeof value !== "function") return value;
        if (!switches.lost || name !== method) return value.bind(target);
        return async (...args: never[]) => {
          await Reflect.apply(value, target, args);
          throw new TransporterError("store_unavailable", "No answer");
        };
      },
    });
  }
  return { switches, wrap };
}

Deno.test("Dispatcher finds what was accepted without an answer, also when nothing else comes", async () => {
  const { switches, wrap } = forgetful("createEvent");
  await using world = await World.open({ wrap });
  const agent = await world.connect();
  await settle();
  switches.lost = true;
  await world.submit("e1"); // it is there, as the repetition says
  switches.lost = false;
  await settle();
  deepStrictEqual(idsOf(agent), ["e1"]);
});

Deno.test("Dispatcher gives the place of an event that ended without an answer to the next", async () => {
  const { switches, wrap } = forgetful("changeEvent");
  await using world = await World.open({ wrap });
  const agent = await world.connect({ link: false });
  await world.submit("silent", { ttl: 1e9 });
  await world.submit("next");
  await agent.nextOf("event");
  switches.lost = true;
  for (let i = 0; i < 7; i++) {
    await world.clock.advance(10_000);
    await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  }
  switches.lost = false;
  await world.clock.advance(1000);
  deepStrictEqual(idsOf(agent), ["silent", "next"]);
});

Deno.test("Dispatcher asks for an event while it is on its way to the store, so that both share a commit", async () => {
  let asked = Promise.withResolvers<void>();
  await using world = await World.open({
    wrap: (store) =>
      new Proxy(store, {
        get(target, name: keyof Store) {
          const value = target[name];
          if (typeof value !== "function") return value;
          return async (...args: never[]) => {
            if (name === "releaseEvents") asked.resolve();
            const result = await Reflect.apply(value, target, args);
            // Nobody is told of it before somebody has asked for it.
            if (name === "createEvent") await asked.promise;
            return result;
          };
        },
      }),
  });
  const agent = await world.connect();
  await settle();
  asked = Promise.withResolvers();
  await world.submit("e1");
  strictEqual((await agent.nextOf("event"))["seq"], 1);
});
