import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Store, Sweep } from "../store.ts";
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

function sweep(rest: Partial<Sweep> = {}): Sweep {
  return {
    finishedBefore: AT,
    finishedMax: Infinity,
    until: () => AT + 100,
    at: AT,
    limit: 100,
    ...rest,
  };
}

/** Events that ended one after the other, a millisecond apart, and one that is open. */
async function ended(store: Store, ids: readonly string[]): Promise<void> {
  for (const [i, id] of ids.entries()) {
    await store.createEvent(
      T,
      event(id, { idempotencyKey: `key-${id}`, spec: { labels: { a: id } } }),
    );
    const finishedAt = AT + i;
    await store.changeEvent(T, id, to("completed", {}, { finishedAt }));
  }
  await store.createEvent(T, event("open"));
}

/** What ends, what is removed, and what is opened again. */
export const sweepCases: StoreCases = {
  async "sweep() removes what ended before a time, with all that belongs to it"(
    { store },
  ) {
    await ended(store, ["a", "b", "c"]);
    await store.addLogs(T, "a", [
      { attempt: 1, stream: "stdout", off: 0, data: "x" },
    ]);
    strictEqual(await store.sweep(sweep({ finishedBefore: AT + 2 })), 2);
    deepStrictEqual(idsOf(await store.listEvents(T, { limit: 9 })), [
      "open",
      "c",
    ]);
    strictEqual(await store.getEvent(T, "a"), undefined);
    strictEqual(await store.getSpec(T, "a"), undefined);
    deepStrictEqual(await store.listHistory(T, "a"), []);
    deepStrictEqual(
      await store.listLogs(T, "a", { after: 0, limit: 9 }),
      [],
    );
    const labels = { a: "a" };
    deepStrictEqual(await store.listEvents(T, { labels, limit: 9 }), []);
    const changes = await store.listChanges(T, 0, 99);
    strictEqual(
      changes.some(({ entry }) => ["a", "b"].includes(entry.event_id)),
      false,
    );
  },
  async "sweep() keeps the newest of those that ended, whatever their age, and does a part at a time"(
    { store },
  ) {
    await ended(store, ["a", "b", "c", "d"]);
    const some = sweep({ finishedMax: 1, limit: 2 });
    strictEqual(await store.sweep(some), 2);
    strictEqual(await store.sweep(some), 1);
    strictEqual(await store.sweep(some), 0);
    deepStrictEqual(idsOf(await store.listEvents(T, { limit: 9 })), [
      "open",
      "d",
    ]);
  },
  async "createEvent() knows an id and a key again until the tombstone's time is over"(
    { store, reopen },
  ) {
    await ended(store, ["a"]);
    await store.sweep(sweep({ finishedBefore: AT + 1 }));
    const again = await reopen();
    const tombstone = {
      id: "a",
      digest: "sha256:a",
      state: "completed" as const,
      until: AT + 100,
    };
    deepStrictEqual(await again.createEvent(T, event("a")), {
      created: false,
      tombstone,
    });
    const byKey = event("z", { idempotencyKey: "key-a" });
    deepStrictEqual(await again.createEvent(T, byKey), {
      created: false,
      tombstone,
    });
    strictEqual((await again.createEvent("other", event("a"))).created, true);
    await again.sweep(sweep({ finishedBefore: 0, at: AT + 100 }));
    strictEqual((await again.createEvent(T, event("a"))).created, true);
  },
  async "changeEvent() opens an event again, and forgets what it had led to"(
    { store },
  ) {
    await ended(store, ["a"]);
    const error = { code: "failed" as const, message: "No" };
    await store.changeEvent(T, "a", to("failed", {}, { error }));
    const notes = { attemptsBefore: 1 };
    const change = { reopens: true as const, deadline: AT + 9, notes };
    const { record } =
      await store.changeEvent(T, "a", to("queued", {}, change)) ?? {};
    deepStrictEqual(await store.getEvent(T, "a"), record);
    deepStrictEqual(
      [record?.state, record?.deadline, record?.notes, record?.revision],
      ["queued", AT + 9, notes, 4],
    );
    for (const name of ["finishedAt", "error", "result"]) {
      strictEqual(Object.hasOwn(record ?? {}, name), false, name);
    }
    strictEqual((await store.listHistory(T, "a")).length, 4);
    const { gen } = await store.openSession(T, session("edge-1"));
    strictEqual((await store.releaseEvents(T, release(gen))).length, 2);
    strictEqual(await store.sweep(sweep({ finishedBefore: AT + 99 })), 0);
  },
  async "changeEvent() puts an entry in the place of the newest one"(
    { store },
  ) {
    await added(store, T, event("a"));
    await store.changeEvent(T, "a", to("assigned"));
    const say = (message: string) =>
      store.changeEvent(
        T,
        "a",
        to(
          "in_progress",
          { message },
          message === "1" ? {} : { replaces: true },
        ),
      );
    await Promise.all(["1", "2", "3"].map(say));
    const history = await store.listHistory(T, "a");
    deepStrictEqual(
      history.map(({ message, revision }) => `${revision} ${message}`),
      ["1 Now queued", "2 Now assigned", "5 3"],
    );
    const changes = await store.listChanges(T, 0, 9);
    deepStrictEqual(changes.map(({ entry }) => entry.revision), [1, 2, 5]);
    await Promise.all(["4", "5"].map(say));
    deepStrictEqual(
      (await store.listHistory(T, "a")).map(({ message }) => message),
      ["Now queued", "Now assigned", "5"],
    );
    deepStrictEqual(
      (await store.listChanges(T, 0, 9)).map(({ entry }) => entry.revision),
      [1, 2, 7],
    );
  },
  async "addLogs() keeps output in the order it came"({ store }) {
    await store.createEvent(T, event("a"));
    const chunk = { attempt: 1, stream: "stdout", off: 0, data: "é\u0000\n" };
    await store.addLogs(T, "a", [chunk, { ...chunk, off: 4, trunc: true }]);
    await store.addLogs(T, "missing", [chunk]);
    const all = await store.listLogs(T, "a", { after: 0, limit: 9 });
    deepStrictEqual(all.map(({ n: _, ...rest }) => rest), [
      chunk,
      { ...chunk, off: 4, trunc: true },
    ]);
    const page = { after: all[0]?.n ?? 0, limit: 1 };
    deepStrictEqual(await store.listLogs(T, "a", page), all.slice(1));
    deepStrictEqual(await store.listLogs("other", "a", page), []);
  },
  async "addLogs() adds nothing of a session that a newer one has replaced"(
    { store },
  ) {
    await store.createEvent(T, event("a"));
    const chunk = { attempt: 1, stream: "stdout", off: 0, data: "x" };
    const { gen } = await store.openSession(T, session("edge-1"));
    const fence = { agent: "edge-1", gen };
    await store.addLogs(T, "a", [chunk], fence);
    await store.openSession(T, session("edge-1"));
    await rejects(store.addLogs(T, "a", [chunk], fence), {
      code: "superseded",
    });
    await store.addLogs(T, "a", [chunk], { ...fence, gen: gen + 1 });
    const all = await store.listLogs(T, "a", { after: 0, limit: 9 });
    strictEqual(all.length, 2);
  },
  async "restartStream() counts what an agent has from 1 again, in its order"(
    { store },
  ) {
    for (const id of ["a", "b", "c"]) await store.createEvent(T, event(id));
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.releaseEvents(T, release(gen, { eventsMax: 2 }));
    await store.changeEvent(T, "a", to("completed"));
    const fence = { agent: "edge-1", gen };
    const agent = await store.restartStream(T, fence, "e_2");
    deepStrictEqual([agent?.epoch, agent?.nextSeq], ["e_2", 2]);
    deepStrictEqual(
      (await store.listReleased(T, "edge-1")).map(({ record }) => [
        record.spec.id,
        record.seq,
      ]),
      [["b", 1]],
    );
    const [next] = await store.releaseEvents(T, release(gen));
    strictEqual(next?.record.seq, 2);
    await rejects(
      store.restartStream(T, { ...fence, gen: gen - 1 }, "e_3"),
      { code: "superseded" },
    );
    strictEqual(
      await store.restartStream(T, { agent: "x", gen }, "e"),
      undefined,
    );
  },
  async "restartStream() puts what was adopted behind what the store has released, as the queue would"(
    { store },
  ) {
    for (const id of ["a", "b", "c", "d"]) {
      const priority = id === "d" ? 9 : 0;
      await store.createEvent(T, event(id, { spec: { priority } }));
    }
    const { gen } = await store.openSession(T, session("edge-1"));
    const first = release(gen, {
      decide: (record) =>
        "ab".includes(record.spec.id) ? to("assigned")(record) : undefined,
    });
    await store.releaseEvents(T, first);
    const adopts = { adopts: true } as const;
    for (const id of ["a", "c", "d"]) {
      await store.changeEvent(T, id, to("assigned", { attempt: 7 }, adopts));
    }
    strictEqual((await store.getEvent(T, "a"))?.seq, undefined);
    const order = ["b", "d", "a", "c"];
    deepStrictEqual(idsOf(await store.listReleased(T, "edge-1")), order);
    await store.restartStream(T, { agent: "edge-1", gen }, "e_2");
    deepStrictEqual(
      (await store.listReleased(T, "edge-1"))
        .map(({ record }) => [record.spec.id, record.seq]),
      order.map((id, i) => [id, i + 1]),
    );
  },
  async "deleteAgent() forgets all but the generation"({ store, reopen }) {
    strictEqual(await store.deleteAgent(T, "edge-1"), false);
    const old = await store.openSession(T, session("edge-1"));
    await store.createEvent(T, event("a"));
    await store.releaseEvents(T, release(old.gen));
    strictEqual(await store.deleteAgent(T, "edge-1"), true);
    const again = await reopen();
    strictEqual(await again.getAgent(T, "edge-1"), undefined);
    deepStrictEqual(await again.listAgents(T), []);
    strictEqual(await again.deleteAgent(T, "edge-1"), false);
    const fresh = { newEpoch: "e_new", at: AT + 5 };
    const back = await again.openSession(T, session("edge-1", fresh));
    deepStrictEqual(
      [back.gen, back.epoch, back.nextSeq, back.createdAt],
      [old.gen + 1, "e_new", 1, AT + 5],
    );
    await rejects(again.releaseEvents(T, release(old.gen)), {
      code: "superseded",
    });
  },
};
