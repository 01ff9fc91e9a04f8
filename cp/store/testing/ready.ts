import { deepStrictEqual, strictEqual } from "node:assert/strict";
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

const MINUTE = 60_000;

/** What waits for a time, for its turn, or because its agent is paused. */
export const readyCases: StoreCases = {
  async "releaseEvents() counts a minute of waiting as one step of priority"(
    { store },
  ) {
    const accepted = {
      patient: event("patient", { spec: { priority: 0 }, acceptedAt: AT }),
      urgent: event("urgent", {
        spec: { priority: 2 },
        acceptedAt: AT + MINUTE,
      }),
      late: event("late", {
        spec: { priority: 2 },
        acceptedAt: AT + 2 * MINUTE + 1,
      }),
    };
    for (const one of Object.values(accepted)) await store.createEvent(T, one);
    const { gen } = await store.openSession(T, session("edge-1"));
    deepStrictEqual(idsOf(await store.releaseEvents(T, release(gen))), [
      "urgent",
      "patient",
      "late",
    ]);
  },
  async "releaseEvents() leaves what is not ready, and nextReadyAt() says when it is"(
    { store },
  ) {
    await store.createEvent(T, event("later", { readyAt: AT + 20 }));
    await store.createEvent(T, event("soon", { readyAt: AT + 10 }));
    await store.createEvent(T, event("now"));
    const { gen } = await store.openSession(T, session("edge-1"));
    strictEqual(await store.nextReadyAt(T, "edge-1", AT), AT + 10);
    deepStrictEqual(idsOf(await store.releaseEvents(T, release(gen))), [
      "now",
    ]);
    strictEqual(await store.nextReadyAt(T, "edge-1", AT + 10), AT + 20);
    deepStrictEqual(
      idsOf(await store.releaseEvents(T, release(gen, { at: AT + 10 }))),
      ["soon"],
    );
    strictEqual(await store.nextReadyAt(T, "edge-1", AT + 20), undefined);
    strictEqual(await store.nextReadyAt(T, "edge-2", AT), undefined);
  },
  async "changeEvent() makes an event wait, and lets it go on"({ store }) {
    await store.createEvent(T, event("a"));
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.releaseEvents(T, release(gen));
    const change = { readyAt: AT + 5, dueAt: AT + 7 };
    const queued = await store.changeEvent(T, "a", to("queued", {}, change));
    deepStrictEqual([queued?.record.readyAt, queued?.record.dueAt], [
      AT + 5,
      AT + 7,
    ]);
    deepStrictEqual(await store.getEvent(T, "a"), queued?.record);
    deepStrictEqual(await store.releaseEvents(T, release(gen)), []);
    const again = await store.changeEvent(T, "a", to("queued"));
    strictEqual(again?.record.readyAt, undefined);
    strictEqual((await store.releaseEvents(T, release(gen))).length, 1);
  },
  async "releaseEvents() gives no number beyond the credit"({ store }) {
    for (const id of ["a", "b", "c"]) await store.createEvent(T, event(id));
    const { gen } = await store.openSession(T, session("edge-1"));
    const next = async (seqMax: number) =>
      idsOf(await store.releaseEvents(T, release(gen, { seqMax })));
    deepStrictEqual(await next(2), ["a", "b"]);
    deepStrictEqual(await next(2), []);
    deepStrictEqual(await next(1), []);
    deepStrictEqual(await next(9), ["c"]);
  },
  async "setPaused() holds back what is queued, also for sessions to come"(
    { store, reopen },
  ) {
    strictEqual(await store.setPaused(T, "edge-1", AT), undefined);
    await store.createEvent(T, event("a"));
    await store.openSession(T, session("edge-1"));
    strictEqual((await store.setPaused(T, "edge-1", AT))?.pausedAt, AT);
    const again = await reopen();
    const { gen, pausedAt } = await again.openSession(T, session("edge-1"));
    strictEqual(pausedAt, AT);
    deepStrictEqual(await again.releaseEvents(T, release(gen)), []);
    const resumed = await again.setPaused(T, "edge-1", undefined);
    strictEqual(resumed !== undefined && "pausedAt" in resumed, false);
    strictEqual((await again.releaseEvents(T, release(gen))).length, 1);
  },
  async "listDue() goes by when time changes something, not by the deadline"(
    { store },
  ) {
    await store.createEvent(T, event("a", { dueAt: AT + 2 }));
    await store.createEvent(T, event("b", { dueAt: AT + 1 }));
    deepStrictEqual(idsOf(await store.listDue(AT + 2, 9)), ["b", "a"]);
    await store.changeEvent(T, "b", to("queued", {}, { dueAt: AT + 9 }));
    deepStrictEqual(idsOf(await store.listDue(AT + 2, 9)), ["a"]);
  },
};
