import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { TransporterError, type Wire } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { DutifulAgent } from "./testing/dutiful_agent.ts";
import { meddling } from "./testing/meddling.ts";
import type { ScriptedAgent } from "./testing/scripted_agent.ts";
import { registration, World } from "./testing/world.ts";

/** Waits until an event ended; the agent needs no clock to get there. */
async function ended(world: World, id: string): Promise<string> {
  for (;;) {
    const { state, finishedAt } = await world.record(id);
    if (finishedAt !== undefined) return state;
    await settle();
  }
}

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("reconnect.latency: what is queued goes out when its agent connects, without any time passing", async () => {
  await using world = await World.open();
  await world.submit("e1");
  const before = world.clock.now();
  const agent = await world.connect();
  const frame = await agent.nextOf("event");
  strictEqual(world.clock.now(), before);
  deepStrictEqual(frame, {
    type: "event",
    seq: 1,
    attempt: 1,
    deadline: "2026-11-23T06:04:27.000Z",
    event: await world.store.getSpec("default", "e1"),
  });
  await world.submit("e2");
  strictEqual((await agent.nextOf("event"))["seq"], 2);
  strictEqual(world.clock.now(), before);
});

Deno.test("order.fifo: what comes later does not overtake what is queued", async () => {
  await using world = await World.open();
  for (const id of ["q0", "q1", "q2"]) await world.submit(id);
  const connecting = world.connect({ link: { window: 64 } });
  const late = world.submit("late");
  const agent = await connecting;
  await late;
  await settle();
  deepStrictEqual(idsOf(agent), ["q0", "q1", "q2", "late"]);
  deepStrictEqual(agent.of("event").map(({ seq }) => seq), [1, 2, 3, 4]);
});

Deno.test("order.priority: a higher priority is released first, and never reorders what was released", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: { window: 2 } });
  for (const [id, priority] of [["a", 0], ["b", 0], ["c", 0], ["d", 5]]) {
    await world.submit(String(id), { priority });
  }
  for (const id of ["a", "b", "d", "c"]) {
    await settle();
    await agent.status(id, "completed", "completed", { attempt: 1 });
  }
  await settle();
  deepStrictEqual(idsOf(agent), ["a", "b", "d", "c"]);
});

Deno.test("Dispatcher gives a v1 agent one event at a time", async () => {
  await using world = await World.open();
  for (const id of ["e1", "e2", "e3"]) await world.submit(id);
  const agent = await world.connect({ link: false });
  for (const id of ["e1", "e2", "e3"]) {
    await settle();
    strictEqual(idsOf(agent).at(-1), id);
    await agent.status(id, "in_progress", "received");
    await settle();
    strictEqual(idsOf(agent).at(-1), id, "it is not over yet");
    await agent.status(id, "failed", "failed");
  }
  await settle();
  strictEqual(idsOf(agent).length, 3);
});

Deno.test("Dispatcher goes on with a v1 agent that never answered, once the event expired", async () => {
  await using world = await World.open();
  await world.submit("silent", { ttl: 1e9 });
  await world.submit("next");
  const agent = await world.connect({ link: false });
  for (let i = 0; i < 7; i++) {
    await world.clock.advance(10_000);
    await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
  }
  await settle();
  strictEqual((await world.record("silent")).state, "expired");
  deepStrictEqual(idsOf(agent), ["silent", "next"]);
});

Deno.test("Dispatcher fills the window that the agent asks for, and no more", async () => {
  await using world = await World.open({ config: { windowMax: 3 } });
  for (let i = 0; i < 10; i++) await world.submit(`e${i}`);
  const agent = await world.connect({ link: { window: 100 } });
  await settle();
  strictEqual(agent.of("event").length, 3);
  const epoch = agent.frames[1]?.["epoch"];
  await agent.send({ type: "ack", epoch, upto: 3 });
  await settle();
  strictEqual(agent.of("event").length, 3, "received is not ended");
  await agent.status("e0", "completed", "completed", { sid: 1 });
  await settle();
  strictEqual(agent.of("event").length, 4);
});

Deno.test("Dispatcher keeps the bodies of a window below 16 MiB", async () => {
  await using world = await World.open();
  const payload = { manifests: ["x".repeat(6 * 1024 * 1024)] };
  for (let i = 0; i < 5; i++) await world.submit(`e${i}`, { payload });
  // Long events come in parts; what was released shows in the store.
  const agent = await world.connect({ link: { window: 64 } });
  const epoch = agent.frames[1]?.["epoch"];
  for (let upto = 0; upto <= 5; upto++) {
    await agent.send({ type: "ack", epoch, upto });
    await settle();
  }
  const released = await world.store.listReleased("default", "edge-1");
  ok(released.length <= 3, `${released.length} are out`);
  for (let i = 0; i < 5; i++) {
    await agent.status(`e${i}`, "completed", "completed", { sid: i + 1 });
    await settle();
  }
  for (let i = 0; i < 5; i++) {
    strictEqual(await ended(world, `e${i}`), "completed");
  }
});

Deno.test("Dispatcher sends a burst of a thousand events, each once and in order", async () => {
  await using world = await World.open();
  const ids = Array.from({ length: 1000 }, (_, i) => `e${i}`);
  const agent = new DutifulAgent(world, { link: { window: 64 } });
  const working = agent.work();
  await Promise.all(ids.map((id) => world.submit(id)));
  for (const id of ids) strictEqual(await ended(world, id), "completed");
  deepStrictEqual(agent.ran, ids.map((id) => `${id}/1`));
  deepStrictEqual(agent.sent, agent.ran);
  await world.core.sessions.close("over");
  strictEqual(await working, "unavailable");
});

Deno.test("Dispatcher sends again on a new session what has not ended, with the same numbers", async () => {
  await using world = await World.open();
  for (const id of ["a", "b", "c", "d"]) await world.submit(id);
  const agent = await world.connect({ link: { window: 3 } });
  await settle();
  await agent.status("b", "completed", "completed", { sid: 1 });
  await settle();
  await agent.cut();
  const again = await world.connect({ link: { window: 3 } });
  await settle();
  strictEqual(again.frames[1]?.["from_seq"], 1);
  deepStrictEqual(
    again.of("event").map(({ seq, attempt }) => [seq, attempt]),
    [[1, 1], [3, 1], [4, 1]],
  );
  deepStrictEqual(idsOf(again), ["a", "c", "d"]);
});

Deno.test("Dispatcher ends what an agent does not take", async () => {
  await using world = await World.open();
  await world.submit("e1");
  await world.submit("e2");
  const agent = await world.connect({ link: { window: 1 } });
  await agent.nextOf("event");
  await agent.send({
    type: "nack",
    seq: 1,
    event_id: "e1",
    code: "unsupported",
    detail: "No executor",
    retry_after_ms: null,
  });
  strictEqual((await agent.nextOf("event"))["seq"], 2);
  const { state, error } = await world.record("e1");
  strictEqual(state, "failed");
  deepStrictEqual(error, { code: "unsupported", message: "No executor" });
});

Deno.test("stalled.agent.isolation: an agent that does not read stops nobody but itself", async () => {
  await using world = await World.open();
  const payload = { manifests: ["x".repeat(1024 * 1024)] };
  const stalled = (wire: Wire): Wire => {
    let frames = 0;
    return {
      frames: wire.frames,
      // The welcome still gets out.
      send: (frame) =>
        ++frames > 2 ? new Promise<void>(() => {}) : wire.send(frame),
      close: (reason) => wire.close(reason),
    };
  };
  const slow = await world.connect({
    wrap: stalled,
    link: { window: 64 },
    registration: { id: "slow" },
  });
  for (let i = 0; i < 120; i++) {
    await world.submit(`slow-${i}`, {
      target_agent: "slow",
      ...(i % 10 === 0 ? { payload } : {}),
    });
  }
  const agent = new DutifulAgent(world);
  const working = agent.work();
  for (let i = 0; i < 20; i++) {
    await world.submit(`offline-${i}`, { target_agent: "away" });
    await world.submit(`e${i}`);
    strictEqual(await ended(world, `e${i}`), "completed");
  }
  // It still beats, and still is closed: nobody can tell it anything.
  for (let i = 0; i < 3; i++) {
    await world.clock.advance(10_000);
    await slow.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" })
      .catch(() => {});
  }
  await world.clock.advance(10_000);
  strictEqual(await slow.end(), "timeout");
  const back = await world.connect({
    registration: { id: "slow" },
    link: { window: 64 },
  });
  await back.nextOf("part");
  await world.core.sessions.close("over");
  strictEqual(await working, "unavailable");
});

Deno.test("link.write.error: an event that could not be written goes to the next session", async () => {
  await using world = await World.open();
  const broken = (wire: Wire): Wire => ({
    frames: wire.frames,
    send: (frame) =>
      frame.includes('"event"')
        ? Promise.reject(new TransporterError("unavailable", "Broken pipe"))
        : wire.send(frame),
    close: (reason) => wire.close(reason),
  });
  const agent = await world.connect({ wrap: broken, link: { window: 64 } });
  for (let i = 0; i < 50; i++) await world.submit(`e${i}`);
  strictEqual(await agent.end(), "unavailable");
  await settle();
  strictEqual(
    world.core.sessions.live.get("default", "edge-1") !== undefined,
    false,
  );
  const back = new DutifulAgent(world, { link: { window: 64 } });
  const working = back.work();
  for (let i = 0; i < 50; i++) {
    strictEqual(await ended(world, `e${i}`), "completed");
  }
  deepStrictEqual(back.ran, Array.from({ length: 50 }, (_, i) => `e${i}/1`));
  await world.core.sessions.close("over");
  await working;
});

Deno.test("Dispatcher waits for a store that does not release, and goes on", async () => {
  let fails = true;
  await using world = await World.open({
    wrap: meddling("releaseEvents", (release) => (...args) => {
      if (!fails) return release(...args);
      return Promise.reject(new TransporterError("store_unavailable", "No"));
    }),
  });
  await world.submit("e1");
  const agent = await world.connect();
  await world.clock.advance(10_000);
  strictEqual(agent.of("event").length, 0);
  strictEqual(agent.ended, undefined);
  fails = false;
  await world.clock.advance(5000);
  strictEqual(agent.of("event").length, 1);
});

Deno.test("Dispatcher sends what a store released whose answer was lost, once and in order", async () => {
  let lost = true;
  await using world = await World.open({
    wrap: meddling("releaseEvents", (release) => async (...args) => {
      const isLost = lost;
      const released = await release(...args);
      if (!isLost) return released;
      throw new TransporterError("store_unavailable", "No answer");
    }),
  });
  await world.submit("e1");
  await world.submit("e2");
  const agent = await world.connect();
  lost = false;
  await world.submit("e3");
  await world.clock.advance(5000);
  deepStrictEqual(idsOf(agent), ["e1", "e2", "e3"]);
});

Deno.test("Dispatcher frees the window of an event that ended before its release was heard of", async () => {
  const heard = Promise.withResolvers<void>();
  await using world = await World.open({
    wrap: meddling("releaseEvents", (release) => async (...args) => {
      const released = await release(...args);
      await heard.promise;
      return released;
    }),
  });
  await world.submit("e1");
  await world.submit("e2");
  const agent = await world.connect({ link: { window: 1 } });
  await settle();
  await agent.status("e1", "completed", "completed", { sid: 1 });
  await settle();
  heard.resolve();
  await settle();
  deepStrictEqual(idsOf(agent), ["e2"]);
});

Deno.test("Dispatcher sends a v1 agent one at a time of what a larger window left", async () => {
  await using world = await World.open();
  for (const id of ["e1", "e2", "e3"]) await world.submit(id);
  const agent = await world.connect({ link: { instance: "" } });
  await settle();
  strictEqual(agent.of("event").length, 3);
  await agent.cut();
  const older = await world.connect({ link: false });
  for (const id of ["e1", "e2", "e3"]) {
    await settle();
    strictEqual(idsOf(older).at(-1), id);
    await older.status(id, "completed", "completed");
  }
});

Deno.test("Dispatcher drives a v1 agent again whose last word was lost", async () => {
  for (let position = 1; position <= 12; position++) {
    for (const when of ["before", "after"] as const) {
      await using world = await World.open();
      await world.submit("e1");
      const talk = async (agent: ScriptedAgent) => {
        for (const phase of ["received", "applying", "verifying"]) {
          await agent.status("e1", "in_progress", phase);
        }
        await agent.status("e1", "completed", "completed");
      };
      const { agent } = world.dial(cutAt(position, when));
      agent.send({ ...registration({ link: false }) }).catch(() => {});
      await agent.nextOf("event").then(() => talk(agent)).catch(() => {});
      await settle();
      if (world.core.sessions.live.get("default", "edge-1") === undefined) {
        const back = await world.connect({ link: false });
        await settle();
        if (back.of("event").length > 0) await talk(back);
      }
      const name = `cut ${when} message ${position}`;
      strictEqual(await ended(world, "e1"), "completed", name);
      strictEqual((await world.history("e1")).length <= 6, true, name);
    }
  }
});

/** A wire that breaks before or after its n-th frame, counted both ways. */
function cutAt(position: number, when: "before" | "after") {
  let count = 0;
  return (wire: Wire): Wire => {
    const gone = new TransporterError("unavailable", "Cut");
    async function pass(step: () => unknown): Promise<void> {
      const last = ++count === position;
      if (!last || when === "after") await step();
      if (!last) return;
      await wire.close(gone);
      throw gone;
    }
    return {
      frames: (async function* () {
        for await (const frame of wire.frames) {
          const passed: string[] = [];
          try {
            await pass(() => passed.push(frame));
          } finally {
            yield* passed;
          }
        }
      })(),
      send: (frame) => pass(() => wire.send(frame)),
      close: (reason) => wire.close(reason),
    };
  };
}

for (const when of ["before", "after"] as const) {
  Deno.test(`link.cut.inflight: a link that breaks ${when} any message of a round trip loses nothing and runs nothing twice`, async () => {
    for (let position = 1; position <= 24; position++) {
      await using world = await World.open();
      await world.submit("e1");
      await world.submit("e2", { type: "script" });
      const agent = new DutifulAgent(world);
      await Promise.race([
        agent.work(cutAt(position, when)),
        Promise.all([ended(world, "e1"), ended(world, "e2")]),
      ]);
      const working = agent.work();
      const name = `cut ${when} message ${position}`;
      strictEqual(await ended(world, "e1"), "completed", name);
      strictEqual(await ended(world, "e2"), "completed", name);
      deepStrictEqual(agent.ran, ["e1/1", "e2/1"], name);
      for (const id of ["e1", "e2"]) {
        deepStrictEqual(await world.history(id), [
          "queued",
          "assigned",
          "in_progress/received",
          "in_progress/validating",
          "in_progress/applying",
          "in_progress/verifying",
          "completed/completed",
        ], name);
      }
      await world.core.sessions.close("over");
      await working;
    }
  });
}

Deno.test("Dispatcher sends an event also when its release is heard of before its acceptance", async () => {
  for (let ticks = 0; ticks < 30; ticks++) {
    await using world = await World.open({
      wrap(store) {
        const create = store.createEvent.bind(store);
        store.createEvent = async (tenant, event) => {
          const creation = await create(tenant, event);
          const late = event.spec.id === "e2" ? ticks : 0;
          for (let i = 0; i < late; i++) await Promise.resolve();
          return creation;
        };
        return store;
      },
    });
    const agent = await world.connect({ link: { window: 8 } });
    // What the first one wakes releases the second, too.
    await Promise.all([world.submit("e1"), world.submit("e2")]);
    await settle();
    strictEqual(agent.of("event").length, 2, `${ticks} ticks`);
  }
});
