import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
import type { Store } from "./store/store.ts";
import { meddling } from "./testing/meddling.ts";
import { until } from "./testing/until.ts";
import { event, World } from "./testing/world.ts";

const V2 = { api: "v2" } as const;

Deno.test("Intake.accept() stores an event as queued, and answers with the record", async () => {
  await using world = await World.open();
  const { record, duplicate, agentKnown } = await world.submit("e1", {
    ttl: 90_000e9,
    priority: 12,
  });
  strictEqual(duplicate, false);
  strictEqual(agentKnown, false);
  strictEqual(record.state, "queued");
  strictEqual(record.attempt, 0);
  strictEqual(record.acceptedAt, world.clock.now());
  strictEqual(record.deadline, world.clock.now() + 90_000_000);
  strictEqual(record.spec.priority, 9, "v1 priorities are clamped");
  deepStrictEqual(await world.history("e1"), ["queued"]);
  deepStrictEqual(world.counted, ["accepted k8s_resource"]);
});

Deno.test("Intake.accept() makes an id for a v2 event, and names its producer", async () => {
  await using world = await World.open();
  await world.connect();
  const { id: _, created_by: __, ...body } = event("");
  const { record } = await world.core.intake.accept(body, {
    ...V2,
    tenant: "default",
    principal: "ci",
  });
  strictEqual(record?.spec.id.length, 26);
  strictEqual(record?.spec.created_by, "ci");
  await rejects(
    world.core.intake.accept(body, {
      api: "v1",
      tenant: "default",
      principal: "ci",
    }),
    { code: "missing_field" },
  );
});

Deno.test("dup.id.same: Intake.accept() answers the same body as the first time", async () => {
  await using world = await World.open();
  await world.submit("e1", { created_at: "2026-11-23T05:00:00Z" });
  const agent = await world.connect();
  await agent.nextOf("event");
  await agent.status("e1", "completed", "completed", { sid: 1, attempt: 1 });
  await agent.nextOf("status_ack");
  const again = await world.submit("e1", {
    created_at: "2026-11-23T05:01:00Z",
  });
  strictEqual(again.duplicate, true);
  strictEqual(again.agentKnown, true);
  strictEqual(again.record.state, "completed");
  deepStrictEqual(await world.history("e1"), [
    "queued",
    "assigned",
    "completed/completed",
  ]);
  strictEqual(agent.of("event").length, 1);
  ok(world.counted.includes("duplicate k8s_resource"));
});

Deno.test("dup.id.other: Intake.accept() refuses another body under a known id", async () => {
  await using world = await World.open();
  await world.submit("e1");
  const other = { payload: { manifests: ["kind: Secret"] } };
  await rejects(world.submit("e1", other), {
    code: "id_conflict",
    message:
      'Cannot accept event "e1" as the id is taken by an event with another body',
    details: { event_id: "e1" },
  });
  strictEqual(world.counted.at(-1), "refused id_conflict");
  const kept = await world.store.getSpec("default", "e1");
  deepStrictEqual(kept?.payload, { manifests: ["kind: Namespace"] });
});

Deno.test("Intake.accept() of many copies at once stores one", async () => {
  await using world = await World.open();
  const copies = await Promise.all(
    Array.from({ length: 20 }, () => world.submit("e1")),
  );
  strictEqual(copies.filter(({ duplicate }) => !duplicate).length, 1);
  deepStrictEqual(await world.history("e1"), ["queued"]);
  strictEqual(world.core.quota.openOf("default", "edge-1"), 1);
});

Deno.test("Intake.accept() takes the Idempotency-Key as id where there is none", async () => {
  await using world = await World.open();
  await world.connect();
  const { id: _, ...body } = event("");
  const options = {
    ...V2,
    tenant: "default",
    principal: "ci",
    idempotencyKey: "order-17",
  };
  const { record } = await world.core.intake.accept(body, options);
  strictEqual(record?.spec.id, "order-17");
  const again = await world.core.intake.accept(body, options);
  strictEqual(again.duplicate, true);
});

Deno.test("Intake.accept() keeps a key beside an id, and refuses another event with it", async () => {
  await using world = await World.open();
  await world.connect();
  const options = { ...V2, idempotencyKey: "order-17" };
  const first = await world.submit("e1", {}, options);
  strictEqual(first.record.idempotencyKey, "order-17");
  strictEqual((await world.submit("e1", {}, options)).duplicate, true);
  await rejects(world.submit("e2", {}, options), {
    code: "id_conflict",
    message:
      'Cannot accept event "e2" as its Idempotency-Key is taken by event "e1"',
  });
  await rejects(world.submit("e3", {}, { ...V2, idempotencyKey: "no space" }), {
    code: "invalid_id",
  });
});

Deno.test("Intake.accept() refuses a payload that its kind refuses", async () => {
  await using world = await World.open();
  await rejects(world.submit("e1", { payload: {} }), {
    code: "invalid_manifest",
  });
  strictEqual(await world.store.getEvent("default", "e1"), undefined);
});

Deno.test("Intake.accept() refuses an agent nobody has seen, on v2", async () => {
  await using world = await World.open();
  await world.connect();
  await rejects(world.submit("e1", { target_agent: "egde-1" }, V2), {
    code: "unknown_agent",
    message:
      'Cannot accept event "e1" as no agent "egde-1" was ever seen: did you mean "edge-1"? ' +
      '"transporter get agents" lists them',
  });
  const v1 = await world.submit("e1", { target_agent: "egde-1" });
  strictEqual(v1.agentKnown, false);
});

Deno.test("capability.mismatch: Intake.accept() refuses what the agent says it does not run", async () => {
  await using world = await World.open();
  await world.connect({
    link: { executors: [{ type: "k8s_resource", version: "1.0.0" }] },
  });
  await rejects(world.submit("e1", { type: "script" }), {
    code: "unsupported",
    message:
      'Cannot accept event "e1" as agent "edge-1" does not run "script": it runs "k8s_resource"',
  });
});

Deno.test("Intake.accept() asks the store of an agent when it has come or gone, and knows what it runs, connected or not", async () => {
  let asked = 0;
  await using world = await World.open({
    wrap: meddling("getAgent", (get) => (...args) => {
      asked++;
      return get(...args);
    }),
  });
  const as = (type: string) => ({ executors: [{ type, version: "1.0.0" }] });
  strictEqual((await world.submit("e1")).agentKnown, false);
  strictEqual(asked, 1);
  const agent = await world.connect({ link: as("k8s_resource") });
  asked = 0;
  strictEqual((await world.submit("e2")).agentKnown, true);
  await rejects(world.submit("e3", { type: "script" }), {
    code: "unsupported",
  });
  strictEqual(asked, 1);
  asked = 0;
  await agent.cut();
  const { live } = world.core.sessions;
  await until(() => live.get("default", "edge-1") === undefined);
  strictEqual((await world.submit("e4")).agentKnown, true);
  await rejects(world.submit("e5", { type: "script" }), {
    code: "unsupported",
  });
  strictEqual(asked, 1);
  await world.connect({ link: as("script") });
  asked = 0;
  await world.submit("e6", { type: "script" });
  await rejects(world.submit("e7"), { code: "unsupported" });
  strictEqual(asked, 1);
});

Deno.test("Intake.accept() reads the capabilities of a v1 agent", async () => {
  await using world = await World.open();
  await world.connect({
    link: false,
    registration: { capabilities: ["k8s_crud", "dance"] },
  });
  await rejects(world.submit("e1", { type: "script" }), {
    code: "unsupported",
  });
  await world.submit("e2");
  await world.submit("e3", { type: "policy" }); // it may mean that by "dance"
});

Deno.test("Intake.accept() refuses an event of more than 8 MiB", async () => {
  await using world = await World.open();
  const manifests = ["x".repeat(8 * 1024 * 1024)];
  await rejects(world.submit("e1", { payload: { manifests } }), {
    code: "too_large",
  });
  const wide = ["é".repeat(4.5 * 1024 * 1024)];
  await rejects(world.submit("e1", { payload: { manifests: wide } }), {
    code: "too_large",
  });
});

Deno.test("Intake.accept() refuses beyond the queue of an agent, and goes on once it is shorter", async () => {
  await using world = await World.open({ config: { agentEventsMax: 2 } });
  await world.submit("e1", { ttl: 1e9 });
  await world.submit("e2");
  await rejects(world.submit("e3"), { code: "queue_full", retryable: true });
  strictEqual((await world.submit("e2")).duplicate, true);
  await world.clock.advance(2000);
  await world.submit("e3");
});

Deno.test("Intake.admit() looks at one request at a time while a tenant has as much open as it may", async () => {
  await using world = await World.open({ config: { tenantEventsMax: 2 } });
  const { intake } = world.core;
  const tenant = "default";
  await world.submit("e1");
  {
    using _first = intake.admitRead(tenant, 5);
    intake.admit(tenant); // there is room for more
  }
  await world.submit("e2");
  {
    intake.admit(tenant);
    using _one = intake.admitRead(tenant, 5);
    const full = { code: "queue_full", retryable: true };
    throws(() => intake.admit(tenant), full);
    throws(() => intake.admitRead(tenant, 5), full);
    intake.admit("other");
  }
  intake.admit(tenant);
  strictEqual((await world.submit("e2")).duplicate, true);
});

Deno.test("Intake.accept() counts what was open before it started", async () => {
  await using first = await World.open();
  await first.submit("e1");
  const { store, clock } = first;
  await using second = await World.open({
    store,
    clock,
    config: { agentEventsMax: 1 },
  });
  await rejects(second.submit("e2"), { code: "queue_full" });
});

Deno.test("Intake.accept() accepts nothing that the store did not take", async () => {
  const failure = new TransporterError("store_unavailable", "Disk full");
  let full = true;
  await using world = await World.open({
    wrap: (store) =>
      new Proxy(store, {
        get(target, name: keyof Store) {
          if (full && name === "createEvent") {
            return () => Promise.reject(failure);
          }
          const value = target[name];
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
  });
  await rejects(world.submit("e1"), { code: "store_unavailable" });
  strictEqual(world.core.quota.openOf("default", "edge-1"), 0);
  full = false;
  strictEqual((await world.submit("e1")).duplicate, false);
});
