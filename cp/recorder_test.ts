import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  isTerminal,
  type StatusUpdateFrame,
  TransporterError,
} from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { Changes } from "./changes.ts";
import { silentMetrics } from "./metrics_port.ts";
import { Quota } from "./quota.ts";
import { expire } from "./life.ts";
import { Recorder } from "./recorder.ts";
import { openMemoryStore } from "./store/memory.ts";
import type { EventRecord } from "./store/store.ts";
import { KINDS } from "./testing/world.ts";

const TENANT = "default";
const REGISTRATION = {
  type: "registration",
  id: "edge-1",
  name: "edge-1",
  cluster_name: "c",
  version: "1",
  capabilities: ["k8s_crud"],
} as const;

function open() {
  const clock = new TestClock();
  const store = openMemoryStore({ clock });
  const changes = new Changes({ store });
  const recorder = new Recorder({
    store,
    kinds: KINDS,
    clock,
    rng: { next: () => 0.5 },
    changes,
    quota: new Quota(),
    metrics: silentMetrics,
  });
  async function session(): Promise<number> {
    const { gen } = await store.openSession(TENANT, {
      registration: REGISTRATION,
      linkVersion: 2,
      executors: [],
      newEpoch: "e_1",
      at: clock.now(),
    });
    return gen;
  }
  function create(id: string, type = "k8s_resource") {
    return recorder.create(TENANT, {
      spec: {
        id,
        type,
        target_agent: "edge-1",
        payload: {},
        created_at: "2026-11-23T05:04:27Z",
        created_by: "",
        ttl: 3600e9,
        priority: 0,
        labels: {},
      },
      digest: `sha256:${id}`,
      acceptedAt: clock.now(),
    });
  }
  function release(gen: number, eventsMax = 100) {
    const version = 2 as const;
    const limits = { eventsMax, bytesMax: 1e6 };
    const options = { agent: "edge-1", gen, version, ...limits };
    return recorder.release(TENANT, options);
  }
  async function record(id: string): Promise<EventRecord> {
    const found = await store.getEvent(TENANT, id);
    if (found === undefined) throw new TypeError(id);
    return found;
  }
  return { clock, store, changes, recorder, session, create, release, record };
}

function frame(
  id: string,
  fields: Partial<StatusUpdateFrame> = {},
): StatusUpdateFrame {
  return {
    type: "status_update",
    event_id: id,
    agent_id: "edge-1",
    state: "in_progress",
    phase: "received",
    message: "x",
    timestamp: "2026-11-23T05:04:27Z",
    attempt: 1,
    ...fields,
  };
}

Deno.test("Recorder tells its listeners and the followers after each change", async () => {
  const { recorder, changes, session, create, release, store } = open();
  const heard: string[] = [];
  const listening = recorder.audience.listen(({ spec, state, revision }) =>
    heard.push(`${spec.id} ${state} ${revision}`)
  );
  const { signal } = new AbortController();
  const wait = changes.wait(0, { signal });
  await create("e1");
  await wait;
  const gen = await session();
  await release(gen);
  const fence = { agent: "edge-1", gen };
  await recorder.status(TENANT, frame("e1"), fence);
  await recorder.status(TENANT, frame("e1"), fence); // the same again
  listening[Symbol.dispose]();
  await recorder.status(TENANT, frame("e1", { state: "completed" }), fence);
  deepStrictEqual(heard, [
    "e1 queued 1",
    "e1 assigned 2",
    "e1 in_progress 3",
  ]);
  strictEqual((await store.changeRange()).newest, 4);
});

Deno.test("spoof.status: Recorder.status() leaves another agent's event alone", async () => {
  const { recorder, session, create, release, store, record } = open();
  await create("e1");
  await release(await session());
  const evil = await store.openSession(TENANT, {
    registration: { ...REGISTRATION, id: "evil" },
    linkVersion: 2,
    executors: [],
    newEpoch: "e_2",
    at: 0,
  });
  const fence = { agent: "evil", gen: evil.gen };
  for (const agentId of ["evil", "edge-1", ""]) {
    const lie = frame("e1", { agent_id: agentId, state: "failed" });
    strictEqual(await recorder.status(TENANT, lie, fence), "foreign");
  }
  const mixed = frame("e1", { agent_id: "evil", state: "failed" });
  const own = { agent: "edge-1", gen: 1 };
  strictEqual(await recorder.status(TENANT, mixed, own), "foreign");
  strictEqual((await record("e1")).state, "assigned");
});

Deno.test("status.unknown.id: Recorder.status() makes no record of what was never accepted", async () => {
  const { recorder, session, store } = open();
  const fence = { agent: "edge-1", gen: await session() };
  for (const id of ["nobody", "", "x".repeat(5000), "../../etc"]) {
    const outcome = await recorder.status(TENANT, frame(id), fence);
    strictEqual(outcome, "unknown_event");
    strictEqual(await store.getEvent(TENANT, id), undefined);
  }
});

Deno.test("status.race: a status that is faster than the release of its event is not undone by it", async () => {
  const { recorder, session, create, release, record, store } = open();
  await create("e1");
  const gen = await session();
  const fence = { agent: "edge-1", gen };
  // The agent answers before the one who released has heard that it did.
  const releasing = release(gen);
  const status = recorder.status(
    TENANT,
    frame("e1", { state: "completed", phase: "completed" }),
    fence,
  );
  await Promise.all([releasing, status]);
  strictEqual((await record("e1")).state, "completed");
  deepStrictEqual(await release(gen), []);
  const history = await store.listHistory(TENANT, "e1");
  deepStrictEqual(history.map(({ state }) => state), [
    "queued",
    "assigned",
    "completed",
  ]);
});

Deno.test("status.history.kept: every entry stays as it was written", async () => {
  const { recorder, session, create, release, store } = open();
  await create("e1");
  const gen = await session();
  await release(gen);
  const fence = { agent: "edge-1", gen };
  let before = await store.listHistory(TENANT, "e1");
  for (
    const phase of ["received", "applying", "applying", "verifying"] as const
  ) {
    const said = frame("e1", { phase, message: `${phase} ${before.length}` });
    await recorder.status(TENANT, said, fence);
    const after = await store.listHistory(TENANT, "e1");
    deepStrictEqual(after.slice(0, before.length), before);
    strictEqual(after.length, before.length + 1);
    before = after;
  }
});

Deno.test("Recorder.status() of an interruption believes the agent, else the kind", async () => {
  const { recorder, session, create, release, record } = open();
  const cases = [
    ["kind-yes", "k8s_resource", undefined, "queued"],
    ["kind-no", "script", undefined, "failed"],
    ["agent-no", "k8s_resource", { repeatable: false }, "failed"],
    ["agent-yes", "script", { repeatable: true }, "queued"],
    ["unknown", "dance", undefined, "failed"],
  ] as const;
  for (const [id, type] of cases) await create(id, type);
  const gen = await session();
  await release(gen);
  const fence = { agent: "edge-1", gen };
  for (const [id, , details, state] of cases) {
    const said = frame(id, {
      phase: "interrupted",
      ...(details === undefined ? {} : { details }),
    });
    strictEqual(await recorder.status(TENANT, said, fence), "recorded");
    strictEqual((await record(id)).state, state, id);
  }
  const again = await release(gen);
  deepStrictEqual(
    again.map(({ record }) => [record.spec.id, record.attempt]),
    [["kind-yes", 2], ["agent-yes", 2]],
  );
});

Deno.test("Recorder.interrupted() gives up every attempt, and queues what may be repeated", async () => {
  const { recorder, session, create, release, record } = open();
  await create("sent");
  await create("begun");
  await create("once", "script");
  const gen = await session();
  await release(gen);
  const fence = { agent: "edge-1", gen };
  await recorder.status(TENANT, frame("begun"), fence);
  await create("waits");
  await recorder.interrupted(TENANT, "edge-1", { message: "Lost" });
  strictEqual((await record("sent")).state, "queued");
  strictEqual((await record("begun")).state, "queued");
  strictEqual((await record("waits")).attempt, 0);
  const once = await record("once");
  deepStrictEqual([once.state, once.error?.code], ["failed", "interrupted"]);
  const late = frame("begun", { state: "completed" });
  strictEqual(await recorder.status(TENANT, late, fence), "not_released");
});

Deno.test("Recorder writes nothing for a session that was replaced", async () => {
  const { recorder, session, create, release, record } = open();
  await create("e1");
  await create("e2");
  const old = await session();
  const [first] = await release(old, 1);
  ok(first !== undefined);
  await session();
  const fence = { agent: "edge-1", gen: old };
  const superseded = { code: "superseded" };
  await rejects(recorder.status(TENANT, frame("e1"), fence), superseded);
  await rejects(release(old), superseded);
  const error = new TransporterError("unsupported", "No");
  await rejects(
    recorder.refused(first.record, { error, again: false, fence }),
    superseded,
  );
  strictEqual((await record("e1")).state, "assigned");
  strictEqual((await record("e2")).state, "queued");
});

const STATES = ["in_progress", "completed", "failed", "expired"] as const;
const PHASES = [
  "received",
  "validating",
  "applying",
  "verifying",
  "interrupted",
  "completed",
  "failed",
] as const;

/** One thing that somebody does to one of a few events. */
const ACT = fc.record({
  event: fc.integer({ min: 0, max: 2 }),
  what: fc.constantFrom("status", "status", "status", "release", "lost", "due"),
  state: fc.constantFrom(...STATES),
  phase: fc.constantFrom(...PHASES),
  attempt: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  message: fc.constantFrom("a", "b", "c"),
});

Deno.test("status.transitions: whatever happens at the same time, no history is rewritten and no end undone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ACT, { maxLength: 30 }), async (acts) => {
      const world = open();
      const { recorder, store, clock } = world;
      const ids = ["e0", "e1", "e2"];
      for (const id of ids) await world.create(id);
      const gen = await world.session();
      const fence = { agent: "edge-1", gen };
      // All are begun before any has ended: the store brings them into an order.
      await Promise.all(acts.map(async (act) => {
        const id = ids[act.event] ?? "";
        const { attempt, state, phase, message } = act;
        if (act.what === "release") await world.release(gen, 1);
        else if (act.what === "lost") {
          await recorder.interrupted(TENANT, "edge-1", { message: "Lost" });
        } else if (act.what === "due") {
          await recorder.change(
            TENANT,
            id,
            (record) =>
              expire(record, {
                told: false,
                now: world.clock.now(),
                evenMs: 0,
              }),
          );
        } else {
          const { attempt: _, ...said } = frame(id, { state, phase, message });
          await recorder.status(
            TENANT,
            attempt === undefined ? said : { ...said, attempt },
            fence,
          );
        }
      }));
      clock.jump(7200_000);
      for (const id of ids) {
        await recorder.change(
          TENANT,
          id,
          (record) =>
            expire(record, { told: false, now: world.clock.now(), evenMs: 0 }),
        );
      }
      for (const id of ids) {
        const history = await store.listHistory(TENANT, id);
        const record = await world.record(id);
        deepStrictEqual(
          history.map(({ revision }) => revision),
          history.map((_, i) => i + 1),
        );
        strictEqual(record.revision, history.length);
        strictEqual(record.state, history.at(-1)?.state);
        const ends = history.filter(({ state }) => isTerminal(state));
        strictEqual(ends.length, 1, "all ends, and only once");
        // An agent may know of later attempts; none is made twice.
        const attempts = history.filter(({ state }) => state === "assigned")
          .map(({ attempt = 0 }) => attempt);
        deepStrictEqual(
          attempts,
          [...new Set(attempts)].sort((a, b) => a - b),
        );
        ok(record.attempt >= Math.max(0, ...attempts));
      }
    }),
    { numRuns: 60 },
  );
});
