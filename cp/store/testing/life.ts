import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Store } from "../store.ts";
import {
  added,
  AT,
  event,
  idsOf,
  release,
  session,
  type StoreCases,
  T,
  to,
} from "./samples.ts";

/** All that a tenant can read. */
async function view(store: Store, tenant: string) {
  const events = await store.listEvents(tenant, { limit: 100 });
  const ids = idsOf(events);
  return {
    events,
    specs: await Promise.all(ids.map((id) => store.getSpec(tenant, id))),
    histories: await Promise.all(
      ids.map((id) => store.listHistory(tenant, id)),
    ),
    filtered: await store.listEvents(tenant, {
      agent: "edge-1",
      states: ["queued", "assigned"],
      type: "k8s_resource",
      labels: { app: "web" },
      since: AT,
      limit: 100,
    }),
    released: await store.listReleased(tenant, "edge-1"),
    open: await store.countOpen(tenant),
    changes: await store.listChanges(tenant, 0, 1000),
    agents: await store.listAgents(tenant),
  };
}

/** Events of one tenant in several states, and an agent. */
async function fill(store: Store, tenant: string): Promise<void> {
  const { gen } = await store.openSession(tenant, session("edge-1"));
  for (const id of ["a", "b", "c", "d"]) {
    const spec = { labels: { app: "web" } };
    await store.createEvent(
      tenant,
      event(id, { idempotencyKey: `key-${id}`, spec }),
    );
  }
  await store.releaseEvents(tenant, release(gen, { eventsMax: 2 }));
  const fence = { agent: "edge-1", gen, sid: 1 };
  await store.changeEvent(
    tenant,
    "a",
    to("completed", {}, { finishedAt: AT }),
    fence,
  );
}

export const lifeCases: StoreCases = {
  async "shows a tenant nothing of another"({ store }) {
    const empty = await view(store, "b");
    await fill(store, "a");
    deepStrictEqual(await view(store, "b"), empty);
    strictEqual(await store.getEvent("b", "a"), undefined);
    strictEqual(await store.getSpec("b", "a"), undefined);
    deepStrictEqual(await store.listHistory("b", "a"), []);
    strictEqual(await store.getAgent("b", "edge-1"), undefined);
    strictEqual(await store.changeEvent("b", "a", to("failed")), undefined);
    deepStrictEqual(await store.releaseEvents("b", release(1)), []);
  },
  async "lets no tenant change what is another's"({ store }) {
    await fill(store, "a");
    const before = await view(store, "a");
    await fill(store, "b");
    const { gen } = await store.openSession("b", session("edge-1"));
    strictEqual(gen, 2);
    await store.changeEvent("b", "d", to("failed"), {
      agent: "edge-1",
      gen,
      sid: 99,
    });
    await store.touchAgent("b", { agent: "edge-1", gen }, {
      at: AT + 99,
      told: true,
    });
    const fresh = event("e", { idempotencyKey: "key-of-b" });
    strictEqual((await store.createEvent("b", fresh)).created, true);
    strictEqual((await store.releaseEvents("b", release(gen))).length, 2);
    deepStrictEqual(await view(store, "a"), before);
    strictEqual((await store.createEvent("a", fresh)).created, true);
  },
  async "has everything after a restart, and goes on counting"(
    { store, reopen },
  ) {
    await fill(store, "a");
    await fill(store, "b");
    const before = { a: await view(store, "a"), b: await view(store, "b") };
    const { newest } = await store.changeRange();
    const again = await reopen();
    deepStrictEqual(
      { a: await view(again, "a"), b: await view(again, "b") },
      before,
    );
    strictEqual((await again.changeRange()).newest, newest);
    const taken = await again.createEvent(
      "a",
      event("z", { idempotencyKey: "key-a" }),
    );
    strictEqual(taken.created, false);
    const record = await added(again, "a", event("z"));
    ok(before.b.events.every(({ enq }) => enq < record.enq));
    ok((await again.changeRange()).newest > newest);
    strictEqual((await again.openSession("a", session("edge-1"))).gen, 2);
  },
  async "probe() commits, and changes nothing that anybody sees"({ store }) {
    await fill(store, "a");
    const before = await view(store, "a");
    const range = await store.changeRange();
    await Promise.all([store.probe(), store.probe()]);
    deepStrictEqual(await view(store, "a"), before);
    deepStrictEqual(await store.changeRange(), range);
  },
  async "settles what was asked before it is closed, and refuses the rest"(
    { store },
  ) {
    const pending = [
      store.createEvent(T, event("a")),
      store.changeEvent(T, "a", to("completed")),
      store.openSession(T, session("edge-1")),
    ];
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await Promise.all(pending);
    const fence = { agent: "edge-1", gen: 1 };
    const late: Readonly<Record<string, () => Promise<unknown>>> = {
      createEvent: () => store.createEvent(T, event("b")),
      getEvent: () => store.getEvent(T, "a"),
      getSpec: () => store.getSpec(T, "a"),
      changeEvent: () => store.changeEvent(T, "a", to("failed"), fence),
      releaseEvents: () => store.releaseEvents(T, release(1)),
      nextReadyAt: () => store.nextReadyAt(T, "edge-1", AT),
      listOpen: () => store.listOpen(T, "edge-1", { after: 0, limit: 1 }),
      sweep: () =>
        store.sweep({
          finishedBefore: AT,
          finishedMax: 0,
          until: () => AT,
          at: AT,
          limit: 1,
        }),
      addLogs: () => store.addLogs(T, "a", []),
      listLogs: () => store.listLogs(T, "a", { after: 0, limit: 1 }),
      restartStream: () => store.restartStream(T, fence, "e"),
      setPaused: () => store.setPaused(T, "edge-1", AT),
      deleteAgent: () => store.deleteAgent(T, "edge-1"),
      listReleased: () => store.listReleased(T, "edge-1"),
      listEvents: () => store.listEvents(T, { limit: 1 }),
      listHistory: () => store.listHistory(T, "a"),
      listDue: () => store.listDue(AT, 1),
      countOpen: () => store.countOpen(T),
      listChanges: () => store.listChanges(T, 0, 1),
      changeRange: () => store.changeRange(),
      openSession: () => store.openSession(T, session("edge-1")),
      touchAgent: () => store.touchAgent(T, fence, { at: AT, told: true }),
      getAgent: () => store.getAgent(T, "edge-1"),
      listAgents: () => store.listAgents(T),
      probe: () => store.probe(),
    };
    for (const [name, call] of Object.entries(late)) {
      await rejects(call(), { code: "store_unavailable" }, name);
    }
  },
};
