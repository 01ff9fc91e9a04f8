import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import type { Store } from "../store.ts";
import {
  AT,
  event,
  idsOf,
  release,
  session,
  type StoreCases,
  T,
  to,
} from "./samples.ts";

/** Opens a session of `edge-1`, and queues events in the order given, with their priorities. */
async function queue(
  store: Store,
  priorities: Readonly<Record<string, number>>,
): Promise<number> {
  for (const [id, priority] of Object.entries(priorities)) {
    await store.createEvent(T, event(id, { spec: { priority } }));
  }
  return (await store.openSession(T, session("edge-1"))).gen;
}

export const releaseCases: StoreCases = {
  async "releaseEvents() takes the highest priority first, then the order of acceptance"(
    { store },
  ) {
    const gen = await queue(store, { a: 0, b: 9, c: 5, d: 9, e: 0, f: 5 });
    const released = await store.releaseEvents(T, release(gen));
    deepStrictEqual(idsOf(released), ["b", "d", "c", "f", "a", "e"]);
    deepStrictEqual(released.map(({ record }) => record.seq), [
      1,
      2,
      3,
      4,
      5,
      6,
    ]);
  },
  async "releaseEvents() writes the change, the number and the attempt in one step"(
    { store },
  ) {
    const gen = await queue(store, { a: 0 });
    const before = await store.getEvent(T, "a");
    const [released] = await store.releaseEvents(
      T,
      release(gen, {
        decide(record) {
          deepStrictEqual(record, before);
          const change = to("assigned", { message: "Sent" })(record);
          return { ...change, statusText: JSON.stringify(change.status) };
        },
      }),
    );
    const read = await store.getEvent(T, "a");
    deepStrictEqual(released, {
      record: read,
      spec: await store.getSpec(T, "a"),
    });
    deepStrictEqual(
      [read?.state, read?.message, read?.revision, read?.attempt, read?.seq],
      ["assigned", "Sent", 2, 1, 1],
    );
    const [, entry] = await store.listHistory(T, "a");
    deepStrictEqual([entry?.state, entry?.revision, entry?.attempt], [
      "assigned",
      2,
      1,
    ]);
    strictEqual((await store.getAgent(T, "edge-1"))?.nextSeq, 2);
  },
  async "releaseEvents() takes no more than it may"({ store }) {
    const gen = await queue(store, { a: 0, b: 0, c: 0 });
    deepStrictEqual(
      await store.releaseEvents(T, release(gen, { eventsMax: 0 })),
      [],
    );
    deepStrictEqual(
      idsOf(await store.releaseEvents(T, release(gen, { eventsMax: 2 }))),
      ["a", "b"],
    );
    deepStrictEqual(
      idsOf(await store.releaseEvents(T, release(gen, { eventsMax: 2 }))),
      ["c"],
    );
    deepStrictEqual(await store.releaseEvents(T, release(gen)), []);
  },
  async "releaseEvents() takes no more bytes than it may, but the first whatever its size"(
    { store },
  ) {
    const sizes = { large: 2000, small: 10, other: 10, huge: 9000, last: 10 };
    for (const [id, size] of Object.entries(sizes)) {
      await store.createEvent(
        T,
        event(id, { spec: { payload: { text: "x".repeat(size) } } }),
      );
    }
    const { gen } = await store.openSession(T, session("edge-1"));
    async function next(bytesMax: number): Promise<string[]> {
      return idsOf(await store.releaseEvents(T, release(gen, { bytesMax })));
    }
    deepStrictEqual(await next(1000), ["large"]);
    // What follows an event that does not fit does not overtake it.
    deepStrictEqual(await next(2000), ["small", "other"]);
    const { bytes: huge = 0 } = await store.getEvent(T, "huge") ?? {};
    const { bytes: last = 0 } = await store.getEvent(T, "last") ?? {};
    deepStrictEqual(await next(huge + last), ["huge", "last"]);
  },
  async "releaseEvents() leaves what is not decided, and takes what comes after it"(
    { store },
  ) {
    const ids = Array.from({ length: 12 }, (_, i) => `e${i}`);
    const gen = await queue(
      store,
      Object.fromEntries(ids.map((id) => [id, 0])),
    );
    const some = release(gen, {
      eventsMax: 3,
      decide: (record) =>
        Number(record.spec.id.slice(1)) < 8
          ? undefined
          : to("assigned")(record),
    });
    const released = await store.releaseEvents(T, some);
    deepStrictEqual(idsOf(released), ["e8", "e9", "e10"]);
    deepStrictEqual(released.map(({ record }) => record.seq), [1, 2, 3]);
    deepStrictEqual(idsOf(await store.releaseEvents(T, some)), ["e11"]);
    strictEqual((await store.getEvent(T, "e0"))?.revision, 1);
    strictEqual((await store.releaseEvents(T, release(gen))).length, 8);
  },
  async "releaseEvents() writes nothing when decide throws"({ store }) {
    const gen = await queue(store, { a: 0, b: 0 });
    const refusal = new RangeError("Not the second");
    const second = release(gen, {
      decide(record) {
        if (record.spec.id === "b") throw refusal;
        return to("assigned")(record);
      },
    });
    await rejects(
      store.releaseEvents(T, second),
      (reason) => reason === refusal,
    );
    strictEqual((await store.getEvent(T, "a"))?.state, "queued");
    strictEqual((await store.getAgent(T, "edge-1"))?.nextSeq, 1);
  },
  async "releaseEvents() counts without a gap over releases and sessions"(
    { store, reopen },
  ) {
    const gen = await queue(store, { a: 0, b: 0 });
    await store.releaseEvents(T, release(gen));
    await store.releaseEvents(T, release(gen));
    const again = await reopen();
    const next = await queue(again, { c: 0, d: 0 });
    const [one] = await again.releaseEvents(T, release(next, { eventsMax: 1 }));
    const [two] = await again.releaseEvents(T, release(next, { eventsMax: 1 }));
    deepStrictEqual([one?.record.seq, two?.record.seq], [3, 4]);
  },
  async "releaseEvents() gives an event that was queued again another number and attempt"(
    { store },
  ) {
    const gen = await queue(store, { a: 0, b: 0 });
    await store.releaseEvents(T, release(gen));
    await store.changeEvent(T, "a", to("queued", { phase: "interrupted" }));
    const [released] = await store.releaseEvents(T, release(gen));
    deepStrictEqual([released?.record.seq, released?.record.attempt], [3, 2]);
    strictEqual((await store.listHistory(T, "a")).at(-1)?.attempt, 2);
    deepStrictEqual(idsOf(await store.listReleased(T, "edge-1")), ["b", "a"]);
  },
  async "releaseEvents() takes queued events of its agent only"({ store }) {
    const gen = await queue(store, { a: 0, b: 0, c: 0 });
    await store.createEvent(
      T,
      event("d", { spec: { target_agent: "edge-2", priority: 9 } }),
    );
    await store.changeEvent(T, "a", to("expired"));
    await store.changeEvent(T, "b", to("created"));
    deepStrictEqual(idsOf(await store.releaseEvents(T, release(gen))), ["c"]);
    strictEqual((await store.getEvent(T, "d"))?.state, "queued");
  },
  async "releaseEvents() releases each event once, however many ask"(
    { store },
  ) {
    const gen = await queue(store, { a: 0, b: 0, c: 0, d: 0 });
    const all = await Promise.all(
      [1, 2, 3].map((eventsMax) =>
        store.releaseEvents(T, release(gen, { eventsMax }))
      ),
    );
    deepStrictEqual(idsOf(all.flat()), ["a", "b", "c", "d"]);
    deepStrictEqual(all.flat().map(({ record }) => record.seq), [1, 2, 3, 4]);
  },
  async "releaseEvents() refuses a session that a newer one replaced"(
    { store },
  ) {
    const gen = await queue(store, { a: 0 });
    await store.openSession(T, session("edge-1"));
    await rejects(store.releaseEvents(T, release(gen)), { code: "superseded" });
    strictEqual((await store.getEvent(T, "a"))?.state, "queued");
    strictEqual((await store.releaseEvents(T, release(gen + 1))).length, 1);
  },
  async "releaseEvents() has nothing for an agent that is not known"(
    { store },
  ) {
    await store.createEvent(T, event("a"));
    deepStrictEqual(await store.releaseEvents(T, release(1)), []);
    strictEqual((await store.getEvent(T, "a"))?.state, "queued");
  },
  async "listReleased() has what was released and has not ended, by number, also after a restart"(
    { store, reopen },
  ) {
    const gen = await queue(store, { a: 0, b: 9, c: 0, d: 0, e: 0 });
    await store.releaseEvents(T, release(gen, { eventsMax: 4 }));
    await store.changeEvent(T, "c", to("completed"));
    await store.changeEvent(T, "a", to("in_progress"));
    await store.changeEvent(T, "d", to("queued"));
    const before = await store.listReleased(T, "edge-1");
    deepStrictEqual(idsOf(before), ["b", "a"]);
    const again = await reopen();
    const after = await again.listReleased(T, "edge-1");
    deepStrictEqual(after, before);
    deepStrictEqual(after[0], {
      record: await again.getEvent(T, "b"),
      spec: await again.getSpec(T, "b"),
    });
    deepStrictEqual(await again.listReleased(T, "edge-2"), []);
  },
  async "releaseEvents() sees what was stored and changed a moment ago, in the same order as ever"(
    { store },
  ) {
    const gen = await queue(store, { a: 0, b: 5, c: 9 });
    const [, , , , released] = await Promise.all([
      store.createEvent(T, event("d", { spec: { priority: 9 } })),
      store.createEvent(T, event("e", { spec: { priority: 1 } })),
      store.changeEvent(T, "b", to("cancelled", {}, { finishedAt: 1 })),
      store.createEvent(T, event("f", { spec: { target_agent: "edge-2" } })),
      store.releaseEvents(T, release(gen)),
      store.createEvent(T, event("g")),
    ]);
    deepStrictEqual(idsOf(released).slice(0, 4), ["c", "d", "e", "a"]);
    deepStrictEqual(
      await Promise.all(
        released.map(({ record }) => store.getEvent(T, record.spec.id)),
      ),
      released.map(({ record }) => record),
    );
    // What came later in the same turn is released with them, or next.
    const next = await store.releaseEvents(T, release(gen));
    deepStrictEqual(idsOf([...released, ...next].slice(4)), ["g"]);
  },
  async "releaseEvents() finds what was stored since it found nothing"(
    { store },
  ) {
    const gen = await queue(store, {});
    deepStrictEqual(await store.releaseEvents(T, release(gen)), []);
    for (const id of ["a", "b"]) {
      await store.createEvent(T, event(id));
      deepStrictEqual(idsOf(await store.releaseEvents(T, release(gen))), [id]);
      deepStrictEqual(await store.releaseEvents(T, release(gen)), []);
    }
    await store.changeEvent(T, "a", to("queued", {}, { readyAt: AT + 10 }));
    deepStrictEqual(await store.releaseEvents(T, release(gen)), []);
    const later = release(gen, { at: AT + 10 });
    deepStrictEqual(idsOf(await store.releaseEvents(T, later)), ["a"]);
  },
};
