import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import { settle } from "@transporter/sdk/testing";
import type { Store } from "./store/store.ts";
import type { ScriptedAgent } from "./testing/scripted_agent.ts";
import { registration, World } from "./testing/world.ts";

Deno.test("Sessions.serve() holds the conversation of version 1, byte for byte", async () => {
  await using world = await World.open();
  await world.core.intake.accept({
    id: "e1",
    type: "k8s_resource",
    target_agent: "compat",
    payload: { manifests: ["..."] },
    created_at: "2026-11-23T05:04:27.104Z",
    created_by: "x",
    ttl: 3600000000000,
    priority: 0,
    labels: {},
  }, { api: "v1", tenant: "default", principal: "x" });
  const { agent } = world.dial();
  await agent.sendText(
    '{"id":"compat","name":"compat","cluster_name":"c","cluster_provider":"kind","region":"local",' +
      '"version":"0.1.0","capabilities":["k8s_crud"],"hostname":"h","namespace":"default"}',
  );
  await agent.next();
  await agent.next();
  deepStrictEqual(agent.texts, [
    '{"status":"registered","message":"Agent compat registered successfully"}',
    '{"type":"event","event":{"id":"e1","type":"k8s_resource","target_agent":"compat",' +
    '"payload":{"manifests":["..."]},"created_at":"2026-11-23T05:04:27.104Z","created_by":"x",' +
    '"ttl":3600000000000,"priority":0,"labels":{}}}',
  ]);
  await agent.sendText(
    '{"type":"heartbeat","timestamp":"2026-11-23T05:04:37.1Z","metrics":{}}',
  );
  for (
    const [state, phase] of [
      ["in_progress", "received"],
      ["in_progress", "validating"],
      ["in_progress", "applying"],
      ["in_progress", "verifying"],
      ["completed", "completed"],
    ]
  ) {
    await agent.sendText(
      `{"type":"status_update","event_id":"e1","agent_id":"compat","state":"${state}",` +
        `"phase":"${phase}","message":"Event received, starting execution","log_level":"info",` +
        '"details":null,"result":null,"timestamp":"2026-11-23T05:04:27.10407393Z"}',
    );
  }
  await settle();
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "in_progress/received",
    "in_progress/validating",
    "in_progress/applying",
    "in_progress/verifying",
    "completed/completed",
  ]);
  strictEqual(agent.texts.length, 2, "a v1 agent hears nothing else");
  strictEqual(agent.ended, undefined);
});

Deno.test("Sessions.serve() welcomes a v2 agent, and knows it again", async () => {
  await using world = await World.open();
  const first = await world.connect();
  const [reply, welcome] = first.frames;
  strictEqual(reply?.["link"], "2");
  strictEqual(reply?.["session"], welcome?.["session"]);
  strictEqual(welcome?.["gen"], 1);
  strictEqual(welcome?.["resume"], "fresh");
  strictEqual(welcome?.["server_time"], "2026-11-23T05:04:27.000Z");
  strictEqual(
    world.core.sessions.live.get("default", "edge-1") !== undefined,
    true,
  );
  strictEqual(world.core.sessions.live.count("default"), 1);
  await world.submit("e1");
  await first.nextOf("event");
  await first.cut();
  await settle();
  strictEqual(
    world.core.sessions.live.get("default", "edge-1") !== undefined,
    false,
  );
  const epoch = String(welcome?.["epoch"]);
  const second = await world.connect({ link: { resume: { epoch, recv: 1 } } });
  strictEqual(second.frames[1]?.["gen"], 2);
  strictEqual(second.frames[1]?.["epoch"], epoch);
  strictEqual(second.frames[1]?.["resume"], "resumed");
  strictEqual(second.frames[1]?.["from_seq"], 1);
});

const REFUSED: Readonly<Record<string, readonly [string, string, string]>> = {
  "no id": ['{"name":"a"}', "agent ID is required", "bad_frame"],
  "an empty id": [
    '{"id":"","name":"a","cluster_name":"c","version":"1","capabilities":["x"]}',
    "agent ID is required",
    "bad_frame",
  ],
  "an id that is a path": [
    JSON.stringify(registration({ registration: { id: "../x" } })),
    "agent ID must be 1 to 128 letters, digits, dots, underscores and hyphens",
    "bad_frame",
  ],
  "no capability": [
    JSON.stringify(registration({ registration: { capabilities: [] } })),
    "at least one capability is required",
    "bad_frame",
  ],
  "only newer versions": [
    JSON.stringify(registration({ link: { versions: [3] } })),
    "none of the link versions is supported: this control plane speaks 1 and 2",
    "unsupported_version",
  ],
};

for (const [name, [text, error, code]] of Object.entries(REFUSED)) {
  Deno.test(`Sessions.serve() answers a registration with ${name}, and closes`, async () => {
    await using world = await World.open();
    const { agent, served } = world.dial();
    await agent.sendText(text);
    await served;
    strictEqual(await agent.end(), code);
    deepStrictEqual(agent.texts, [JSON.stringify({ error })]);
    deepStrictEqual(await world.store.listAgents("default"), []);
  });
}

for (
  const text of [
    "",
    "null",
    "{",
    '{"type":"bye","reason":"x"}',
    '{"type":"heartbeat","timestamp":"x"}',
    '{"id":7}',
    '{"error":"x"}',
  ]
) {
  Deno.test(`Sessions.serve() closes on the first frame ${text}`, async () => {
    await using world = await World.open();
    const { agent, served } = world.dial();
    await agent.sendText(text);
    await served;
    strictEqual(await agent.end(), "bad_frame");
    deepStrictEqual(agent.texts, []);
  });
}

Deno.test("slowloris.registration: Sessions.serve() closes a wire without a registration after ten seconds", async () => {
  await using world = await World.open();
  const { agent, served } = world.dial();
  await world.clock.advance(9999);
  strictEqual(agent.ended, undefined);
  await world.clock.advance(1);
  await served;
  strictEqual(await agent.end(), "timeout");
});

Deno.test("Sessions.serve() closes on a frame that no agent sends", async () => {
  const frames = [
    registration(),
    { type: "heartbeat_ack", timestamp: "x", server_time: "x" },
    { type: "event", event: {} },
    { status: "registered" },
  ];
  for (const frame of frames) {
    await using world = await World.open();
    const agent = await world.connect();
    await agent.send(frame);
    strictEqual(await agent.end(), "bad_frame");
  }
});

Deno.test("session.takeover: the new session always wins, and the old one cannot write", async () => {
  await using world = await World.open();
  await world.submit("e1");
  let old = await world.connect();
  await old.nextOf("event");
  for (let i = 0; i < 100; i++) {
    // What the old one says while it is replaced counts for nothing, or was said before.
    const next = world.connect();
    await old.status("e1", "in_progress", "received", { message: `old ${i}` });
    const agent = await next;
    strictEqual(await old.end(), "superseded");
    await settle();
    strictEqual(agent.ended, undefined);
    strictEqual(world.core.sessions.live.count("default"), 1);
    const { revision } = await world.record("e1");
    await old.status("e1", "failed", "failed").catch(() => {});
    await settle();
    strictEqual((await world.record("e1")).revision, revision);
    strictEqual((await agent.nextOf("event"))["seq"], 1);
    old = agent;
  }
  await old.status("e1", "completed", "completed");
  await settle();
  strictEqual((await world.record("e1")).state, "completed");
  strictEqual((await world.store.getAgent("default", "edge-1"))?.gen, 101);
});

Deno.test("session.takeover: of many that register at once, one is left", async () => {
  await using world = await World.open();
  const dialled = Array.from({ length: 30 }, () => world.dial().agent);
  for (const agent of dialled) await agent.send(registration());
  await settle();
  const open = dialled.filter(({ ended }) => ended === undefined);
  strictEqual(open.length, 1);
  strictEqual(open[0], dialled.at(-1));
  strictEqual(world.core.sessions.live.count("default"), 1);
  await world.submit("e1");
  await open[0]?.nextOf("event");
});

/** A store of which one method answers only when the test says so. */
function slow(name: keyof Store) {
  const gate = Promise.withResolvers<void>();
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, key: keyof Store) {
        const value = target[key];
        if (typeof value !== "function") return value;
        if (key !== name) return value.bind(target);
        return async (...args: unknown[]) => {
          await gate.promise;
          return await (value as (...args: unknown[]) => unknown)
            .apply(target, args);
        };
      },
    });
  return { gate, wrap };
}

Deno.test("session.takeover: who registers last wins, however long the store takes", async () => {
  const { gate, wrap } = slow("getAgent");
  await using world = await World.open({ wrap });
  const first = world.dial().agent;
  await first.send(registration());
  await settle();
  const second = world.dial().agent;
  await second.send(registration());
  const third = world.dial().agent;
  await third.send(registration({ registration: { id: "edge-2" } }));
  await settle();
  gate.resolve();
  strictEqual(await first.end(), "superseded");
  await settle();
  strictEqual(second.ended, undefined);
  strictEqual(second.frames[1]?.["gen"], 2);
  strictEqual(third.frames[1]?.["gen"], 1);
});

Deno.test("Sessions.serve() does not register who has left meanwhile", async () => {
  const { gate, wrap } = slow("getAgent");
  await using world = await World.open({ wrap });
  const dialled = Array.from({ length: 3 }, () => world.dial());
  for (const { agent } of dialled) await agent.send(registration());
  await settle();
  for (const { agent } of dialled) await agent.cut();
  gate.resolve();
  await Promise.all(dialled.map(({ served }) => served));
  ok(((await world.store.getAgent("default", "edge-1"))?.gen ?? 0) <= 1);
});

Deno.test("Sessions.close() waits for what is being written", async () => {
  const { gate, wrap } = slow("changeEvent");
  await using world = await World.open({ wrap });
  await world.submit("e1");
  const agent = await world.connect();
  await agent.nextOf("event");
  await agent.status("e1", "completed", "completed", { sid: 1, attempt: 1 });
  await settle();
  let closed = false;
  const closing = world.core.sessions.close("restart").then(() =>
    closed = true
  );
  await settle();
  strictEqual(closed, false);
  gate.resolve();
  await closing;
  strictEqual((await world.record("e1")).state, "completed");
});

Deno.test("Sessions.serve() closes an agent that is silent, and keeps one that beats", async () => {
  await using world = await World.open();
  const v2 = await world.connect();
  const v1 = await world.connect({
    link: false,
    registration: { id: "edge-2" },
  });
  const beat = { type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" };
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(10_000);
    await v2.send(beat);
    await v1.send(beat);
  }
  strictEqual(v1.ended, undefined);
  await settle();
  const answers = v2.of("heartbeat_ack");
  strictEqual(answers.length, 10);
  deepStrictEqual(answers[0], {
    type: "heartbeat_ack",
    timestamp: "2026-11-23T05:04:37Z",
    server_time: "2026-11-23T05:04:37.000Z",
  });
  strictEqual(v1.frames.length, 1, "a v1 agent is not answered");
  await world.clock.advance(45_000);
  strictEqual(await v2.end(), "timeout");
  strictEqual(await v1.end(), "timeout");
  strictEqual(world.core.sessions.live.count("default"), 0);
});

Deno.test("Sessions.serve() notes a sign of life once a minute", async () => {
  await using world = await World.open();
  const start = world.clock.now();
  const agent = await world.connect();
  const seen = new Set<number>();
  for (let i = 0; i < 13; i++) {
    await world.clock.advance(10_000);
    await agent.send({ type: "heartbeat", timestamp: "2026-11-23T05:04:37Z" });
    await settle();
    const known = await world.store.getAgent("default", "edge-1");
    seen.add((known?.seenAt ?? 0) - start);
  }
  deepStrictEqual([...seen], [0, 60_000, 120_000]);
});

Deno.test("Sessions.serve() tells a v2 agent which statuses are not its own, and acknowledges them", async () => {
  await using world = await World.open();
  await world.submit("theirs", { target_agent: "edge-2" });
  const agent = await world.connect();
  await agent.status("nobody", "completed", "completed", { sid: 1 });
  await agent.status("theirs", "completed", "completed", { sid: 2 });
  await settle();
  deepStrictEqual(
    agent.of("error").map(({ code, ref }) => [code, ref]),
    [
      ["unknown_event", { event_id: "nobody" }],
      ["denied", { event_id: "theirs" }],
    ],
  );
  strictEqual(agent.of("status_ack").at(-1)?.["upto"], 2);
  strictEqual((await world.record("theirs")).state, "queued");
  ok(world.counted.includes("ignored foreign"));
  ok(world.counted.includes("ignored unknown_event"));
});

Deno.test("Sessions.serve() does not let an agent fill the log", async () => {
  await using world = await World.open();
  const agent = await world.connect();
  for (let sid = 1; sid <= 50; sid++) {
    await agent.status(`nobody-${sid}`, "completed", "completed", { sid });
  }
  await settle();
  strictEqual(agent.of("error").length, 50);
  const lines = world.logged.filter(({ message }) =>
    message === "Status is not this agent's to send"
  );
  strictEqual(lines.length, 10);
});

/** A store of which one method can be made to fail. */
function failing(name: keyof Store) {
  const switches = { fails: false };
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, key: keyof Store) {
        if (switches.fails && key === name) {
          return () =>
            Promise.reject(
              new TransporterError("store_unavailable", "Disk full"),
            );
        }
        const value = target[key];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return { switches, wrap };
}

Deno.test("Sessions.serve() closes when a status cannot be stored, and takes it the next time", async () => {
  const { switches, wrap } = failing("changeEvent");
  await using world = await World.open({ wrap });
  await world.submit("e1");
  const agent = await world.connect();
  await agent.nextOf("event");
  switches.fails = true;
  await agent.status("e1", "completed", "completed", { sid: 1, attempt: 1 });
  strictEqual(await agent.end(), "unavailable");
  deepStrictEqual(agent.of("status_ack"), []);
  switches.fails = false;
  const back = await world.connect();
  strictEqual(back.frames[1]?.["status_upto"], 0);
  await back.status("e1", "completed", "completed", { sid: 1, attempt: 1 });
  strictEqual((await back.nextOf("status_ack"))["upto"], 1);
  strictEqual((await world.record("e1")).state, "completed");
});

Deno.test("Sessions.serve() queues again what an agent without its journal may have begun", async () => {
  await using world = await World.open();
  await world.submit("again");
  await world.submit("once", { type: "script" });
  const agent = await world.connect();
  await agent.nextOf("event");
  await agent.nextOf("event");
  const reborn = await world.connect({ link: { instance: "journal-2" } });
  strictEqual(await agent.end(), "superseded");
  const event = await reborn.nextOf("event");
  deepStrictEqual([event["seq"], event["attempt"]], [3, 2]);
  strictEqual((await world.record("once")).error?.code, "interrupted");
  deepStrictEqual(await world.history("again"), [
    "queued",
    "assigned",
    "queued/interrupted",
    "assigned",
  ]);
});

Deno.test("Sessions.serve() finds a lost journal again when it could not finish with it", async () => {
  const { switches, wrap } = failing("openSession");
  await using world = await World.open({ wrap });
  await world.submit("once", { type: "script" });
  const agent = await world.connect();
  await agent.nextOf("event");
  switches.fails = true;
  const { agent: turned, served } = world.dial();
  await turned.send(registration({ link: { instance: "journal-2" } }));
  await served;
  strictEqual(await turned.end(), "unavailable");
  switches.fails = false;
  await world.connect({ link: { instance: "journal-2" } });
  strictEqual((await world.record("once")).error?.code, "interrupted");
});

Deno.test("Sessions.close() says goodbye, closes, and lets nobody in any more", async () => {
  await using world = await World.open();
  const v2 = await world.connect();
  const v1 = await world.connect({
    link: false,
    registration: { id: "edge-2" },
  });
  const { agent: silent } = world.dial();
  await world.core.sessions.close("restart");
  deepStrictEqual(v2.of("bye"), [{ type: "bye", reason: "restart" }]);
  const ends = [v2, v1, silent].map((agent) => agent.end());
  deepStrictEqual(await Promise.all(ends), Array(3).fill("unavailable"));
  const late: ScriptedAgent = world.dial().agent;
  strictEqual(await late.end(), "unavailable");
  strictEqual(world.core.sessions.live.count("default"), 0);
  strictEqual(world.clock.sleeping, 2, "only reaper and sweeper are left");
});
