import { systemClock } from "@transporter/sdk";
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { CommitNote } from "../../cp/store/shared.ts";
import type { Store } from "../../cp/store/store.ts";
import {
  added,
  event,
  idsOf,
  release,
  session,
  T,
  to,
} from "../../cp/store/testing/samples.ts";
import { startPlace } from "./store.ts";

Deno.test("two processes change one event at once, and lose nothing", async () => {
  await using place = await startPlace();
  const stores = [await place.open(), await place.open()];
  const first = event("a");
  await stores[0]!.createEvent(T, {
    ...first,
    status: { ...first.status, message: "0" },
  });
  const each = 100;
  await Promise.all(
    stores.flatMap((store) =>
      Array.from({ length: each }, async (_, i) => {
        // Not all in one turn: each process is to find that the other was faster.
        for (let turn = 0; turn < i % 7; turn++) await store.getEvent(T, "a");
        await store.changeEvent(T, "a", (record) => {
          const message = String(Number(record.message) + 1);
          return to("in_progress", { message })(record);
        });
      })
    ),
  );
  const history = await stores[1]!.listHistory(T, "a");
  deepStrictEqual(
    history.map(({ revision, message }) => [revision, message]),
    Array.from({ length: 2 * each + 1 }, (_, i) => [i + 1, String(i)]),
  );
  const changes = await stores[0]!.listChanges(T, 0, 1000);
  strictEqual(changes.length, 2 * each + 1);
});

Deno.test("two processes release to one agent at once: each event once, numbers without a gap", async () => {
  await using place = await startPlace();
  const stores = [await place.open(), await place.open()];
  const [one] = stores;
  const ids = Array.from({ length: 120 }, (_, i) => `e${i}`);
  await Promise.all(ids.map((id) => one!.createEvent(T, event(id))));
  const { gen } = await one!.openSession(T, session("edge-1"));
  const all = await Promise.all(stores.map(async (store) => {
    const mine = [];
    for (;;) {
      const some = await store.releaseEvents(
        T,
        release(gen, { eventsMax: 7 }),
      );
      if (some.length === 0) return mine;
      mine.push(...some);
    }
  }));
  ok(all.every((mine) => mine.length > 0), "both had some");
  const released = all.flat().sort((a, b) => a.record.seq! - b.record.seq!);
  deepStrictEqual(
    released.map(({ record }) => record.seq),
    ids.map((_, i) => i + 1),
  );
  deepStrictEqual(idsOf(released), ids);
  strictEqual((await one!.getAgent(T, "edge-1"))?.nextSeq, ids.length + 1);
});

Deno.test("what one process remembers is not believed once another has changed it", async () => {
  await using place = await startPlace();
  const one = await place.open();
  const other = await place.open();
  await one.createEvent(T, event("a"));
  await other.changeEvent(T, "a", to("in_progress", { message: "theirs" }));

  const seen: string[] = [];
  const none = await one.changeEvent(T, "a", ({ message }) => {
    seen.push(message);
    return undefined;
  });
  strictEqual(none?.record.message, "theirs");
  strictEqual(seen.at(-1), "theirs");

  await other.changeEvent(T, "a", to("completed", {}, { finishedAt: 1 }));
  const refusal = new RangeError("It has ended");
  const refuseEnded = (store: Store) =>
    store.changeEvent(T, "a", (record) => {
      if (record.state === "completed") throw refusal;
      throw new Error(`Decided on "${record.state}", which it was`);
    });
  await rejects(refuseEnded(one), refusal);
});

Deno.test("a session that another process opened supersedes", async () => {
  await using place = await startPlace();
  const one = await place.open();
  const other = await place.open();
  const { gen } = await one.openSession(T, session("edge-1"));
  await added(one, T, event("a"));
  const fence = { agent: "edge-1", gen, sid: 1 };
  await one.changeEvent(T, "a", to("in_progress"), fence);
  strictEqual((await other.openSession(T, session("edge-1"))).gen, gen + 1);
  const superseded = { code: "superseded" };
  await rejects(one.changeEvent(T, "a", to("failed"), fence), superseded);
  await rejects(one.releaseEvents(T, release(gen)), superseded);
  await other.setPaused(T, "edge-1", 1);
  await one.createEvent(T, event("b"));
  deepStrictEqual(await other.releaseEvents(T, release(gen + 1)), []);
  deepStrictEqual(await one.releaseEvents(T, release(gen + 1)), []);
});

Deno.test("listen() tells of what was committed, and of what may have been missed", async () => {
  await using place = await startPlace();
  const one = await place.open();
  const other = await place.open();
  const heard: CommitNote[] = [];
  let wake = Promise.withResolvers<void>();
  const missed = Promise.withResolvers<void>();
  await using _listening = await one.listen({
    committed(note) {
      heard.push(note);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    missed: missed.resolve,
  });
  await other.openSession(T, session("edge-1"));
  await other.createEvent(T, event("a"));
  await Promise.all([
    other.changeEvent(T, "a", to("assigned")),
    other.changeEvent(T, "a", to("in_progress")),
  ]);
  while (heard.length < 3) await wake.promise;
  const from = other.self;
  deepStrictEqual(heard, [
    { from, tenant: T, agent: "edge-1", first: 0, last: 0 },
    { from, tenant: T, agent: "edge-1", event: "a", first: 1, last: 1 },
    { from, tenant: T, agent: "edge-1", event: "a", first: 2, last: 3 },
  ]);
  await place.redis.kill("SIGKILL");
  await place.redis.start();
  await missed.promise;
});

Deno.test("replicas() says how far the clock of each is ahead of that of Redis", async () => {
  await using place = await startPlace();
  const late = { ...systemClock, now: () => Date.now() - 60_000 };
  const [one, other] = [await place.open(), await place.open(late)];
  const seating = { taken: [], left: [] };
  // An answer that took too long says nothing of clocks.
  const known: number[] = [];
  for (let beats = 0; beats < 50 && known.length < 2; beats++) {
    await one.seats.beat("a", seating);
    await other.seats.beat("b", seating);
    const replicas = await one.seats.replicas();
    deepStrictEqual(replicas.map(({ name }) => name), ["a", "b"]);
    known.splice(0, 2, ...replicas.flatMap(({ aheadMs }) => aheadMs ?? []));
  }
  const [a = NaN, b = NaN] = known;
  ok(Math.abs(a - b - 60_000) <= 250, `${a} ${b}`); // each is right within 100 ms
});

Deno.test("the number of the newest change stays when its event is removed: who shares the store would take it for an older one", async () => {
  await using place = await startPlace();
  const store = await place.open();
  deepStrictEqual(await store.changeRange(), { oldest: 0, newest: 0 });
  await store.createEvent(T, event("a"));
  await store.changeEvent(T, "a", to("completed", {}, { finishedAt: 1 }));
  deepStrictEqual(await store.changeRange(), { oldest: 1, newest: 2 });
  const removed = await store.sweep({
    finishedBefore: 2,
    finishedMax: 10,
    until: () => 100,
    at: 2,
    limit: 10,
  });
  strictEqual(removed, 1);
  deepStrictEqual(await store.changeRange(), { oldest: 3, newest: 2 });
});
