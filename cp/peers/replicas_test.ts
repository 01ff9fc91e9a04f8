import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { inventoryDigest, type Rng } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { openMemoryStore } from "../store/memory.ts";
import { meddling } from "../testing/meddling.ts";
import { registration, World, type WorldOptions } from "../testing/world.ts";
import type { ScriptedAgent } from "../testing/scripted_agent.ts";
import { MemoryHub } from "./memory.ts";
import type { News } from "./port.ts";

const T = "default";

/** Two control planes over one store; news between them may be lost. */
class Pair implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly store = openMemoryStore({ clock: this.clock });
  /** Whether news arrive. */
  heard = true;
  /** Whether replica `b` reaches the store. */
  reachable = true;
  readonly hub = new MemoryHub({
    store: this.store,
    clock: this.clock,
    carry: (_, deliver) => this.heard && deliver(),
  });
  readonly a: World;
  readonly b: World;

  private constructor() {
    // Set by `open`, which is the only way here.
    this.a = this.b = undefined as unknown as World;
  }

  static async open(options: WorldOptions = {}): Promise<Pair> {
    const pair = new Pair();
    const world = (name: string) => pair.join(name, options);
    return Object.assign(pair, { a: await world("a"), b: await world("b") });
  }

  join(name: string, options: WorldOptions = {}, rng: Rng = half) {
    const { clock } = this;
    const self = { id: `${name}-1`, name };
    const reachable = () => name !== "b" || this.reachable;
    const { store, peers } = this.hub.join(self, { reachable });
    return World.open({ ...options, clock, rng, store, peers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = [this.a, this.b].map((world) =>
      world[Symbol.asyncDispose]()
    );
    await Promise.all(closing);
  }
}

const half = { next: () => 0.5 };

function idsOf(agent: ScriptedAgent): unknown[] {
  return agent.of("event").map(({ event }) => (event as { id: string }).id);
}

Deno.test("replicas: an event that one accepts goes out by the one that has the agent, without any time passing", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect();
  await pair.a.submit("e1");
  const { event } = await agent.nextOf("event");
  strictEqual((event as { id: string }).id, "e1");
  await agent.status("e1", "completed", "completed", { attempt: 1, sid: 1 });
  await settle();
  strictEqual((await pair.a.record("e1")).state, "completed");
});

Deno.test("replicas: what nobody told of is found within two seconds: a new event, a cancellation, a later time", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect({ link: { window: 8 } });
  pair.heard = false;
  await pair.a.submit("e1");
  const at = new Date(pair.clock.now() + 5000).toISOString();
  await pair.a.submit("later", { not_before: at }, { api: "v2" });
  await settle();
  deepStrictEqual(idsOf(agent), []);
  await pair.clock.advance(2_000);
  deepStrictEqual(idsOf(agent), ["e1"]);
  const asking = { principal: "tester", reason: "changed my mind" };
  await pair.a.core.operator.cancel(T, "e1", asking);
  await settle();
  strictEqual(agent.of("cancel").length, 0);
  await pair.clock.advance(2_000);
  deepStrictEqual(agent.of("cancel").map(({ event_id }) => event_id), ["e1"]);
  await pair.clock.advance(2_000);
  deepStrictEqual(idsOf(agent), ["e1", "later"]);
});

Deno.test("replicas: one that missed more than it would read has every session look for itself", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect({ link: { window: 8 } });
  pair.heard = false;
  await pair.a.submit("e1");
  await pair.clock.advance(2_000);
  const asking = { principal: "tester", reason: "" };
  await pair.a.core.operator.cancel(T, "e1", asking);
  await pair.a.submit("e2");
  // What it has to read is gone.
  const { newest } = await pair.store.changeRange();
  pair.store.changeRange = () => Promise.resolve({ oldest: newest, newest });
  await pair.clock.advance(2_000);
  deepStrictEqual(idsOf(agent), ["e1", "e2"]);
  deepStrictEqual(agent.of("cancel").map(({ event_id }) => event_id), ["e1"]);
});

Deno.test("replicas: followers of changes hear of those that are made elsewhere", async () => {
  await using pair = await Pair.open();
  for (const heard of [true, false]) {
    pair.heard = heard;
    const { newest } = await pair.store.changeRange();
    const signal = AbortSignal.timeout(5000);
    const waiting = pair.b.core.changes.wait(newest, { signal });
    await settle();
    await pair.a.submit(`e ${heard}`.replace(" ", "-"));
    if (!heard) await pair.clock.advance(2_000);
    await waiting;
  }
});

Deno.test("replicas: an agent that comes to another one ends its older session, told or not", async () => {
  await using pair = await Pair.open();
  const first = await pair.a.connect();
  const second = await pair.b.connect();
  strictEqual(await first.end(), "superseded");
  pair.heard = false;
  await pair.a.connect();
  await pair.clock.advance(12_000);
  strictEqual(await second.end(), "superseded");
});

Deno.test("session.takeover: what the older session elsewhere still reports is refused, and sent again on the newer one", async () => {
  await using pair = await Pair.open();
  pair.heard = false;
  await pair.a.submit("e1");
  const first = await pair.a.connect();
  await first.nextOf("event");
  const second = await pair.b.connect();
  strictEqual(
    ((await second.nextOf("event"))["event"] as { id: string }).id,
    "e1",
  );
  await first.status("e1", "completed", "completed", { attempt: 1, sid: 1 });
  strictEqual(await first.end(), "superseded");
  strictEqual((await pair.a.record("e1")).state, "assigned");
});

Deno.test("session.takeover: the older session elsewhere is not sent what was released to the newer one", async () => {
  await using pair = await Pair.open();
  pair.heard = false;
  const first = await pair.a.connect();
  const second = await pair.b.connect({ link: { instance: "journal-2" } });
  await pair.b.submit("e1", { type: "script" });
  await second.nextOf("event");
  // What the older one has missed it cannot read: it looks at what is released.
  const { newest } = await pair.store.changeRange();
  pair.store.changeRange = () =>
    Promise.resolve({ oldest: newest + 1, newest: newest + 1 });
  await pair.clock.advance(2_000);
  deepStrictEqual(idsOf(first), []);
  strictEqual(await first.end(), "superseded");
});

Deno.test("session.takeover: one that is replaced elsewhere as it begins is not sent what was released since", async () => {
  await using pair = await Pair.open();
  pair.heard = false;
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const wrap = meddling("listReleased", (list) => async (...args) => {
    asked.resolve();
    await gate.promise;
    return await list(...args);
  });
  await using slow = await pair.join("c", { wrap });
  const { agent: first } = slow.dial();
  await first.send(registration());
  await asked.promise;
  const second = await pair.b.connect({ link: { instance: "journal-2" } });
  await pair.b.submit("e1", { type: "script" });
  await second.nextOf("event");
  gate.resolve();
  strictEqual(await first.end(), "superseded");
  deepStrictEqual(idsOf(first), []);
});

Deno.test("replicas: where agents are is known to all, and not of a replica that is dead", async () => {
  await using pair = await Pair.open();
  await pair.b.connect();
  await settle();
  for (const { core } of [pair.a, pair.b]) {
    const here = await core.connected(T);
    strictEqual(here.get("edge-1")?.replica, "b");
  }
  await pair.clock.advance(20_000);
  strictEqual((await pair.a.core.connected(T)).get("edge-1")?.replica, "b");
  pair.reachable = false;
  await pair.clock.advance(7_000);
  strictEqual((await pair.a.core.connected(T)).size, 0);
});

Deno.test("replicas: one that does not reach the store sends its agents away, and takes them again later", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect();
  pair.reachable = false;
  await pair.clock.advance(8_000);
  strictEqual(await agent.end(), "unavailable");
  pair.reachable = true;
  await pair.clock.advance(2_000);
  await pair.b.connect();
  await settle();
  strictEqual((await pair.a.core.connected(T)).get("edge-1")?.replica, "b");
});

Deno.test("replicas: an agent that is connected elsewhere is paused, let go on, and forgotten", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect();
  const { operator } = pair.a.core;
  await operator.pause(T, "edge-1");
  await pair.a.submit("e1");
  await settle();
  deepStrictEqual(idsOf(agent), []);
  await operator.resume(T, "edge-1");
  await agent.nextOf("event");
  pair.heard = false;
  await operator.deleteAgent(T, "edge-1", { principal: "tester" });
  strictEqual((await pair.a.record("e1")).state, "failed");
  await agent.status("e1", "in_progress", "received", { attempt: 1, sid: 1 });
  strictEqual(await agent.end(), "superseded");
  const again = await pair.b.connect();
  await pair.store.deleteAgent(T, "edge-1"); // after the session of b began
  await pair.clock.advance(12_000);
  strictEqual(await again.end(), "denied");
  await rejects(operator.resume(T, "edge-1"), { code: "unknown_agent" });
});

Deno.test("replicas: an agent that may go on goes on within ten seconds although nobody told", async () => {
  await using pair = await Pair.open();
  const agent = await pair.b.connect();
  await pair.a.core.operator.pause(T, "edge-1");
  await pair.a.submit("e1");
  await pair.clock.advance(5000);
  pair.heard = false;
  await pair.a.core.operator.resume(T, "edge-1");
  await settle();
  deepStrictEqual(idsOf(agent), []);
  await pair.clock.advance(12_000);
  deepStrictEqual(idsOf(agent), ["e1"]);
});

Deno.test("replicas: an agent without its journal is taken away from its session elsewhere before its work is given up", async () => {
  await using pair = await Pair.open();
  pair.heard = false;
  await pair.a.submit("e1");
  const first = await pair.a.connect();
  await first.nextOf("event");
  const { gen } = await pair.store.getAgent(T, "edge-1") ?? { gen: 0 };
  await pair.b.connect({ link: { instance: "journal-2" } });
  await first.status("e1", "in_progress", "received", { attempt: 1, sid: 1 });
  strictEqual(await first.end(), "superseded");
  const known = await pair.store.getAgent(T, "edge-1");
  strictEqual(known?.gen, gen + 2);
  strictEqual(known.instance, "journal-2");
  ok((await pair.a.history("e1")).includes("queued"));
});

Deno.test("replicas: open events are counted anew every two seconds, as others accept and end some", async () => {
  await using pair = await Pair.open({ config: { agentEventsMax: 2 } });
  await pair.a.submit("e1");
  await pair.b.submit("e2");
  await pair.clock.advance(3_000);
  for (const world of [pair.a, pair.b]) {
    strictEqual(world.core.quota.openOf(T, "edge-1"), 2);
    await rejects(world.submit("e3"), { code: "queue_full" });
  }
  const asking = { principal: "tester", reason: "" };
  await pair.a.core.operator.cancel(T, "e1", asking);
  await pair.clock.advance(3_000);
  await pair.b.submit("e3");
});

Deno.test("replicas: what is due is ended once, whoever sees it first", async () => {
  await using pair = await Pair.open();
  await pair.a.submit("e1", { ttl: 5e9 });
  const agent = await pair.b.connect();
  await agent.nextOf("event");
  await pair.clock.advance(90_000);
  const history = await pair.a.history("e1");
  strictEqual(history.filter((state) => state === "expired").length, 1);
});

Deno.test("replicas: one that was alone finds what the first other one writes", async () => {
  await using pair = await Pair.open();
  await pair.b[Symbol.asyncDispose]();
  await pair.clock.advance(20_000);
  const agent = await pair.a.connect({ link: { window: 8 } });
  pair.heard = false;
  await pair.a.submit("mine");
  await agent.nextOf("event");
  await using c = await pair.join("c");
  await c.submit("theirs");
  await c.core.operator.cancel(T, "mine", { principal: "c", reason: "" });
  await pair.clock.advance(3000);
  deepStrictEqual(idsOf(agent), ["mine", "theirs"]);
  deepStrictEqual(
    agent.of("cancel").map(({ event_id }) => event_id),
    ["mine"],
  );
});

Deno.test("replicas: when the store is older than it was, every session ends and its agent's memory is asked for", async () => {
  await using pair = await Pair.open();
  await pair.a.submit("e1");
  const agent = await pair.b.connect();
  await agent.nextOf("event");
  const { unbroken } = pair.b.core.changes;
  pair.store.changeRange = () => Promise.resolve({ oldest: 0, newest: 0 });
  await pair.clock.advance(2000);
  strictEqual(unbroken.aborted, true);
  strictEqual(pair.b.core.changes.unbroken.aborted, false);
  strictEqual(await agent.end(), "unavailable");
  const features = ["ack", "parts", "cancel", "resume"];
  const epoch = String(agent.of("welcome")[0]?.["epoch"]);
  const resume = { epoch, recv: 1 };
  const again = await pair.b.connect({ link: { features, resume } });
  strictEqual(again.of("welcome")[0]?.["resume"], "reconcile");
});

Deno.test("replicas: what an agent was asked after a restore, and has not told, another one asks again", async () => {
  await using pair = await Pair.open();
  const link = { features: ["ack", "parts", "cancel", "resume"] };
  const first = await pair.a.connect({ link });
  await first.cut();
  await pair.a.submit("seen");
  pair.store.changeRange = () => Promise.resolve({ oldest: 0, newest: 0 });
  await pair.clock.advance(20_000);
  const connect = async (world: World, epoch: unknown) => {
    const inventory = inventoryDigest([{ event_id: "lost", attempt: 1 }]);
    const resume = { epoch: String(epoch), recv: 0, inventory };
    const agent = await world.connect({ link: { ...link, resume } });
    return { agent, resume: agent.frames[1]?.["resume"] };
  };
  const epoch = first.frames[1]?.["epoch"];
  const cut = await connect(pair.a, epoch);
  strictEqual(cut.resume, "reconcile");
  await cut.agent.cut();
  await settle();
  const told = await connect(pair.b, epoch);
  strictEqual(told.resume, "reconcile");
  await told.agent.send({ type: "inventory", items: [], more: false });
  await settle();
  const again = await connect(pair.a, told.agent.frames[1]?.["epoch"]);
  strictEqual(again.resume, "resumed");
});

Deno.test("replicas: what an agent registered with the other one counts at once, or a second later where nobody told", async () => {
  await using pair = await Pair.open();
  const { a, b } = pair;
  const runs = (...types: string[]) => ({
    link: { executors: types.map((type) => ({ type, version: "1.0.0" })) },
  });
  const unsupported = { code: "unsupported" };
  await b.connect(runs("script"));
  await a.submit("e1", { type: "script" });
  await b.connect(runs("k8s_resource"));
  await settle();
  await rejects(a.submit("e2", { type: "script" }), unsupported);
  const asking = { principal: "tester" };
  await b.core.operator.deleteAgent(T, "edge-1", asking);
  await settle();
  strictEqual((await a.submit("e3")).agentKnown, false);
  await b.connect(runs("script"));
  await a.submit("e4", { type: "script" });
  pair.heard = false;
  await b.connect(runs("k8s_resource"));
  await a.submit("e5", { type: "script" });
  await pair.clock.advance(1_000);
  await rejects(a.submit("e6", { type: "script" }), unsupported);
  await a.core.operator.deleteAgent(T, "edge-1", asking);
  strictEqual((await a.submit("e7")).agentKnown, false);
});

Deno.test("replicas: a session that was replaced elsewhere says for a second at most what its agent runs", async () => {
  await using pair = await Pair.open();
  const { a, b, clock } = pair;
  const runs = (type: string) => ({
    link: { executors: [{ type, version: "1.0.0" }] },
  });
  await a.connect(runs("script"));
  await a.submit("e1", { type: "script" });
  pair.heard = false;
  await b.connect(runs("k8s_resource"));
  await clock.advance(1_000);
  ok(a.core.sessions.live.get(T, "edge-1"), "a does not know of b's session");
  await a.submit("e2", { type: "k8s_resource" });
  await a.connect(runs("script"));
  await a.submit("e3", { type: "script" }); // it hears of its own
});

Deno.test("MemoryHub tells every replica who has changed what", async () => {
  await using pair = await Pair.open();
  const { peers, store } = pair.hub.join({ id: "c-1", name: "c" });
  const news: News[] = [];
  using _ = peers.hear((said) => void news.push(said));
  await pair.a.submit("e1");
  await store.changeEvent(T, "e1", () => undefined);
  await pair.b.connect();
  await settle();
  const about = { tenant: T, agent: "edge-1" };
  deepStrictEqual(news, [
    { kind: "event", by: "a-1", ...about, event: "e1", first: 1, last: 1 },
    { kind: "agent", by: "b-1", ...about },
    { kind: "event", by: "b-1", ...about, event: "e1", first: 2, last: 2 },
  ]);
});
