import {
  deepStrictEqual,
  fail,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { EventResult } from "@transporter/sdk";
import {
  added,
  AT,
  event,
  session,
  status,
  type StoreCases,
  T,
  to,
} from "./samples.ts";

const RESULT: EventResult = {
  success: true,
  completed_at: "2026-11-18T08:26:41Z",
  duration: 1e9,
  output: { lines: ["é", "\u0000"] },
};

export const changeCases: StoreCases = {
  async "changeEvent() hands over the record, and returns the next"({ store }) {
    const record = await added(store, T, event("e1"));
    const changed = await store.changeEvent(T, "e1", (seen) => {
      deepStrictEqual(seen, record);
      return to("in_progress", {
        phase: "applying",
        message: "Applying",
        attempt: 3,
      })(seen);
    });
    const updatedAt = changed?.record.updatedAt ?? 0;
    deepStrictEqual(changed, {
      record: {
        ...record,
        revision: 2,
        state: "in_progress",
        phase: "applying",
        message: "Applying",
        attempt: 3,
        updatedAt,
      },
      changed: true,
    });
    deepStrictEqual(await store.getEvent(T, "e1"), changed?.record);
  },
  async "changeEvent() keeps what a change does not name"({ store }) {
    await store.createEvent(T, event("e1"));
    const error = {
      code: "interrupted",
      message: "Cut off",
      details: { at: "apply" },
    } as const;
    await store.changeEvent(
      T,
      "e1",
      to("in_progress", { phase: "interrupted", attempt: 1 }, { error }),
    );
    await store.changeEvent(
      T,
      "e1",
      to("completed", {}, { finishedAt: AT + 9, result: RESULT }),
    );
    const last = await store.changeEvent(
      T,
      "e1",
      to("completed", { message: "Audited" }),
    );
    const read = await store.getEvent(T, "e1");
    deepStrictEqual(read, last?.record);
    deepStrictEqual(
      [
        read?.phase,
        read?.attempt,
        read?.error,
        read?.result,
        read?.finishedAt,
        read?.message,
      ],
      ["interrupted", 1, error, RESULT, AT + 9, "Audited"],
    );
  },
  async "changeEvent() adds to the history, and never rewrites it"({ store }) {
    const first = event("e1");
    await store.createEvent(T, first);
    const progress = {
      phase: "applying",
      message: "1 of 2",
      details: { done: 1 },
    } as const;
    await store.changeEvent(T, "e1", to("in_progress", progress));
    await store.changeEvent(T, "e1", to("in_progress", progress));
    await store.changeEvent(
      T,
      "e1",
      to("completed", { result: RESULT }, { result: RESULT }),
    );
    deepStrictEqual(await store.listHistory(T, "e1"), [
      { ...first.status, revision: 1 },
      { ...status("e1", "in_progress", progress), revision: 2 },
      { ...status("e1", "in_progress", progress), revision: 3 },
      { ...status("e1", "completed", { result: RESULT }), revision: 4 },
    ]);
  },
  async "changeEvent() keeps a large result"({ store }) {
    await store.createEvent(T, event("e1"));
    const result = { ...RESULT, output: "é".repeat(2 ** 20) };
    await store.changeEvent(T, "e1", to("completed", { result }, { result }));
    const read = await store.getEvent(T, "e1");
    ok(read?.result?.["output"] === result.output, "the result differs");
  },
  async "changeEvent() leaves an event when there is nothing to change"(
    { store },
  ) {
    const record = await added(store, T, event("e1"));
    deepStrictEqual(await store.changeEvent(T, "e1", () => undefined), {
      record,
      changed: false,
    });
    deepStrictEqual(await store.getEvent(T, "e1"), record);
    strictEqual((await store.listHistory(T, "e1")).length, 1);
    strictEqual((await store.listChanges(T, 0, 10)).length, 1);
  },
  async "changeEvent() does not decide about an event that is not there"(
    { store },
  ) {
    strictEqual(
      await store.changeEvent(T, "e1", () => fail("asked")),
      undefined,
    );
  },
  async "changeEvent() rejects with what decide threw, which stops nobody else"(
    { store },
  ) {
    const record = await added(store, T, event("e1"));
    const refusal = new RangeError("Not this one");
    const [before, refused, after] = await Promise.allSettled([
      store.createEvent(T, event("e2")),
      store.changeEvent(T, "e1", () => {
        throw refusal;
      }),
      store.changeEvent(T, "e1", to("cancelled")),
    ]);
    strictEqual(before.status, "fulfilled");
    strictEqual(refused.status === "rejected" && refused.reason, refusal);
    strictEqual(
      after.status === "fulfilled" && after.value?.record.revision,
      2,
    );
    strictEqual((await store.getEvent(T, "e2"))?.revision, 1);
    strictEqual((await store.listHistory(T, "e1")).length, record.revision + 1);
  },
  async "changeEvent() loses none of many that come at once"({ store }) {
    await store.createEvent(
      T,
      event("e1", { status: status("e1", "queued", { message: "0" }) }),
    );
    const count = 200;
    const changed = await Promise.all(
      Array.from(
        { length: count },
        () =>
          store.changeEvent(
            T,
            "e1",
            (record) =>
              to("in_progress", {
                message: String(Number(record.message) + 1),
              })(
                record,
              ),
          ),
      ),
    );
    strictEqual(
      new Set(changed.map((one) => one?.record.revision)).size,
      count,
    );
    strictEqual((await store.getEvent(T, "e1"))?.message, String(count));
    const history = await store.listHistory(T, "e1");
    deepStrictEqual(
      history.map(({ revision, message }) => [revision, message]),
      Array.from({ length: count + 1 }, (_, i) => [i + 1, String(i)]),
    );
  },
  async "changeEvent() refuses a session that a newer one replaced, and writes nothing"(
    { store },
  ) {
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.openSession(T, session("edge-1"));
    const record = await added(store, T, event("e1"));
    const stale = { agent: "edge-1", gen, sid: 7 };
    await rejects(store.changeEvent(T, "e1", to("completed"), stale), {
      code: "superseded",
    });
    await rejects(store.changeEvent(T, "none", to("completed"), stale), {
      code: "superseded",
    });
    deepStrictEqual(await store.getEvent(T, "e1"), record);
    strictEqual((await store.getAgent(T, "edge-1"))?.statusUpto, 0);
    const current = await store.changeEvent(T, "e1", to("completed"), {
      ...stale,
      gen: gen + 1,
    });
    strictEqual(current?.changed, true);
  },
  async "changeEvent() lets a session of an agent that is not known pass"(
    { store },
  ) {
    await store.createEvent(T, event("e1"));
    const fence = { agent: "edge-9", gen: 1, sid: 1 };
    strictEqual(
      (await store.changeEvent(T, "e1", to("completed"), fence))?.changed,
      true,
    );
    strictEqual(await store.getAgent(T, "edge-9"), undefined);
  },
  async "changeEvent() notes the status, also when nothing changes"({ store }) {
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.openSession(T, session("edge-2"));
    await store.createEvent(T, event("e1"));
    async function upto(): Promise<number | undefined> {
      return (await store.getAgent(T, "edge-1"))?.statusUpto;
    }
    const agent = "edge-1";
    await store.changeEvent(T, "e1", to("in_progress"), { agent, gen, sid: 4 });
    strictEqual(await upto(), 4);
    await store.changeEvent(T, "e1", () => undefined, { agent, gen, sid: 5 });
    strictEqual(await upto(), 5);
    await store.changeEvent(T, "none", to("in_progress"), {
      agent,
      gen,
      sid: 6,
    });
    strictEqual(await upto(), 6);
    await store.changeEvent(T, "e1", to("in_progress"), { agent, gen, sid: 3 });
    await store.changeEvent(T, "e1", to("in_progress"), { agent, gen });
    strictEqual(await upto(), 6);
    await rejects(store.changeEvent(T, "e1", () => {
      throw new Error("Refused");
    }, { agent, gen, sid: 9 }));
    strictEqual(await upto(), 6);
    strictEqual((await store.getAgent(T, "edge-2"))?.statusUpto, 0);
  },
};
