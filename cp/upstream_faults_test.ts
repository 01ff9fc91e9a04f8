/**
 * Faults that the upstream program had in the control plane, by the names they
 * have in the list of those; others stand beside the code they are about.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isTerminal, TransporterError, type Wire } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import { DutifulAgent } from "./testing/dutiful_agent.ts";
import { meddling } from "./testing/meddling.ts";
import type { RawFrame, ScriptedAgent } from "./testing/scripted_agent.ts";
import type { Store } from "./store/store.ts";
import { World } from "./testing/world.ts";

const T = "default";
const BEAT: RawFrame = {
  type: "heartbeat",
  timestamp: "2026-11-23T05:04:37Z",
};

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("session.two.writers: what is for the new session never goes to the old one", async () => {
  await using world = await World.open();
  // The old wire takes its time: it still writes when the new session is there.
  const gate = Promise.withResolvers<void>();
  const slow = (wire: Wire): Wire => ({
    frames: wire.frames,
    async send(frame) {
      if (frame.includes('"event"')) await gate.promise;
      await wire.send(frame);
    },
    close: (reason) => wire.close(reason),
  });
  const old = await world.connect({ wrap: slow, link: { window: 1 } });
  await world.submit("e1");
  await settle();
  const fresh = await world.connect({ link: { window: 64 } });
  for (let i = 2; i < 50; i++) await world.submit(`e${i}`);
  gate.resolve();
  await settle();
  deepStrictEqual(
    idsOf(fresh),
    Array.from({ length: 49 }, (_, i) => `e${i + 1}`),
  );
  deepStrictEqual(idsOf(old), []);
  strictEqual(await old.end(), "superseded");
});

Deno.test("session.send.after.close: a session that is over takes nothing with it", async () => {
  await using world = await World.open();
  for (let i = 0; i < 100; i++) {
    const agent = await world.connect({ link: { window: 64 } });
    // Everything at once: what is submitted is released into a session that is being closed.
    await Promise.all([
      world.submit(`a${i}`),
      agent.cut(),
      world.submit(`b${i}`),
    ]);
  }
  const agent = new DutifulAgent(world, { link: { window: 64 } });
  const working = agent.work();
  while ((await world.store.countOpen(T)).size > 0) await settle();
  strictEqual(agent.ran.length, 200);
  await world.core.sessions.close("over");
  await working;
});

Deno.test("store.slow.2s: while a store takes its time for one agent, others register and are answered", async () => {
  const gate = Promise.withResolvers<void>();
  const wrap = meddling(
    "releaseEvents",
    (proper) => async (tenant, release) => {
      if (release.agent === "slow") await gate.promise;
      return await proper(tenant, release);
    },
  );
  await using world = await World.open({ wrap });
  const slow = await world.connect({ registration: { id: "slow" } });
  await world.submit("s1", { target_agent: "slow" });
  const agent = await world.connect();
  await agent.send(BEAT);
  await slow.send(BEAT);
  await world.submit("e1");
  strictEqual((await agent.nextOf("event"))["seq"], 1);
  strictEqual(agent.of("heartbeat_ack").length, 1);
  strictEqual((await slow.nextOf("heartbeat_ack"))["type"], "heartbeat_ack");
  gate.resolve();
  strictEqual((await slow.nextOf("event"))["seq"], 1);
});

Deno.test("store.flaky.read: a store that cannot read does not make an event unknown, nor anew", async () => {
  let fails = false;
  const code = "store_unavailable";
  const no = () => Promise.reject(new TransporterError(code, "No"));
  const unwritable = meddling(
    "changeEvent",
    (proper) => (...args) => fails ? no() : proper(...args),
  );
  const unreadable = meddling(
    "getEvent",
    (proper) => (...args) => fails ? no() : proper(...args),
  );
  const wrap = (store: Store) => unreadable(unwritable(store));
  await using world = await World.open({ wrap });
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  await agent.status("e1", "in_progress", "applying", { attempt: 1, sid: 1 });
  await settle();
  fails = true;
  await agent.status("e1", "completed", "completed", { attempt: 1, sid: 2 });
  strictEqual(await agent.end(), "unavailable", "it keeps the status");
  const { operator } = world.core;
  const page = { after: 0, limit: 1 };
  await rejects(operator.logs(T, "e1", page), { code });
  await rejects(operator.logs(T, "e0", page), { code }, "nobody knows");
  await rejects(
    world.submit("e2", { supersedes: "e1" }, { api: "v2" }),
    { code },
  );
  strictEqual((await world.submit("e1")).duplicate, true);
  fails = false;
  await rejects(operator.logs(T, "e0", page), { code: "unknown_event" });
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "in_progress/applying",
  ]);
  const back = await world.connect();
  strictEqual(back.frames[1]?.["status_upto"], 1);
  await back.status("e1", "completed", "completed", { attempt: 1, sid: 2 });
  await settle();
  strictEqual((await world.record("e1")).state, "completed");
});

Deno.test("status.concurrent: statuses of many events at once lose none of them", async () => {
  await using world = await World.open();
  const ids = Array.from({ length: 64 }, (_, i) => `e${i}`);
  const agent = await world.connect({ link: { window: 64 } });
  for (const id of ids) await world.submit(id);
  await settle();
  const phases = ["received", "validating", "applying", "verifying"];
  let sid = 0;
  await Promise.all(
    phases.flatMap((phase) =>
      ids.map((id) =>
        agent.status(id, "in_progress", phase, { attempt: 1, sid: ++sid })
      )
    ),
  );
  await settle();
  for (const id of ids) {
    deepStrictEqual(await world.history(id), [
      "queued",
      "assigned",
      ...phases.map((phase) => `in_progress/${phase}`),
    ]);
    strictEqual((await world.record(id)).revision, 6);
  }
});

Deno.test("metrics.equal.history: what was counted is what the histories say", async () => {
  await using world = await World.open();
  const agent = await world.connect({ link: { window: 64 } });
  const ids = Array.from({ length: 12 }, (_, i) => `e${i}`);
  for (const id of ids) await world.submit(id);
  await settle();
  const error = { code: "cluster_unavailable", message: "No answer" };
  for (const [i, id] of ids.entries()) {
    const state = i % 3 === 0 ? "failed" : "completed";
    const rest = { attempt: 1, ...(state === "failed" ? { error } : {}) };
    await agent.status(id, "in_progress", "applying", { attempt: 1 });
    await agent.status(id, state, state, rest);
    await agent.status(id, state, state, rest); // said twice, counted once
  }
  await settle();
  const entries = (await Promise.all(
    ids.map((id) => world.store.listHistory(T, id)),
  )).flat();
  const counted = (name: string) =>
    world.counted.filter((line) => line.startsWith(name)).length;
  const said = entries.filter((entry) => entry.agent_id !== "").length;
  strictEqual(counted("statuses"), said);
  strictEqual(counted("accepted"), ids.length);
  const ended = entries.filter(({ state }) => isTerminal(state)).length;
  strictEqual(counted("ended"), ended);
  strictEqual(ended, 8);
  const again =
    entries.filter(({ state, phase }) =>
      state === "queued" && phase !== undefined
    ).length;
  strictEqual(counted("requeued"), again);
  strictEqual(again, 4);
});

Deno.test("agent.lease.expires: nobody is connected who was so before a restart", async () => {
  await using world = await World.open();
  const { clock, store } = world;
  await world.connect();
  ok(world.core.sessions.live.get(T, "edge-1") !== undefined);
  // The process ends without a word; the agent does not come back.
  await using after = await World.open({ clock, store });
  strictEqual(after.core.sessions.live.get(T, "edge-1") !== undefined, false);
  strictEqual(after.core.sessions.live.count(T), 0);
  const seenAt = (await store.getAgent(T, "edge-1"))?.seenAt ?? Infinity;
  ok(seenAt <= clock.now());
});

const DAY = 24 * 3600_000;

/** Fields of an event, and how long it has from its acceptance, in milliseconds; absent: it is refused. */
const TTLS: Readonly<Record<string, readonly [RawFrame, number?]>> = {
  "far in the future": [{ created_at: "2999-01-01T00:00:00Z" }],
  "long ago": [{ created_at: "2001-01-01T00:00:00Z", ttl: 60e9 }, 60_000],
  "by Go's zero time": [{ created_at: "0001-01-01T00:00:00Z" }, 3600_000],
  "without a time": [{ created_at: undefined }, 3600_000],
  "without a ttl": [{ ttl: undefined }, DAY],
  "with a ttl of one nanosecond": [{ ttl: 1 }, 1],
  "with a ttl of nothing": [{ ttl: 0 }],
  "with a negative ttl": [{ ttl: -5 }],
  "with a ttl of more than 30 days": [{ ttl: 31 * DAY * 1e6 }],
};

for (const [name, [fields, expected]] of Object.entries(TTLS)) {
  Deno.test(`ttl.server: an event made ${name} ${expected === undefined ? "is refused" : "expires by our clock"}`, async () => {
    await using world = await World.open();
    const submitting = world.submit("e1", fields);
    if (expected === undefined) return await rejects(submitting);
    const { record } = await submitting;
    strictEqual(record.deadline, world.clock.now() + expected);
  });
}
