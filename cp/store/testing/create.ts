import {
  deepStrictEqual,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  added,
  AT,
  event,
  idsOf,
  status,
  type StoreCases,
  T,
  to,
} from "./samples.ts";

/** Each character that some layer might lose, and what could be taken for the end of a text. */
const ODD = 'é 🚀 \u0000 \ud800 \u2028 \u007f "quoted" \\ \' end';

export const createCases: StoreCases = {
  async "createEvent() returns the first record"({ store }) {
    const first = event("e1", {
      idempotencyKey: "key",
      spec: {
        labels: { app: "web" },
        metadata: { team: "a" },
        priority: 5,
        batch_id: "b1",
      },
      status: status("e1", "queued", {
        phase: "received",
        attempt: 2,
        message: "Queued",
      }),
    });
    const { record, created } = await store.createEvent(T, first);
    const { payload: _, ...head } = first.spec;
    strictEqual(created, true);
    deepStrictEqual(record, {
      tenant: T,
      spec: head,
      digest: "sha256:e1",
      bytes: JSON.stringify(first.spec).length,
      idempotencyKey: "key",
      enq: record.enq,
      revision: 1,
      state: "queued",
      phase: "received",
      message: "Queued",
      attempt: 2,
      notes: {},
      acceptedAt: AT,
      deadline: AT + 3_600_000,
      dueAt: AT + 3_600_000,
      updatedAt: AT,
    });
    deepStrictEqual(await store.getEvent(T, "e1"), record);
  },
  async "createEvent() leaves out what is not there"({ store }) {
    const record = await added(store, T, event("e1"));
    for (
      const name of [
        "idempotencyKey",
        "phase",
        "finishedAt",
        "seq",
        "result",
        "error",
      ]
    ) {
      ok(!Object.hasOwn(record, name), name);
    }
    strictEqual(record.attempt, 0);
    deepStrictEqual(await store.getEvent(T, "e1"), record);
  },
  async "createEvent() starts the history with the status it was given"(
    { store },
  ) {
    const first = event("e1", {
      status: status("e1", "created", { details: { position: 3 } }),
    });
    const record = await added(store, T, first);
    strictEqual(record.state, "created");
    deepStrictEqual(await store.listHistory(T, "e1"), [{
      ...first.status,
      revision: 1,
    }]);
  },
  async "createEvent() counts in order of acceptance"({ store }) {
    const records = [];
    for (const id of ["c", "a", "b"]) {
      records.push(await added(store, T, event(id)));
    }
    const [first, second, third] = records.map(({ enq }) => enq);
    ok(first! < second! && second! < third!);
  },
  async "createEvent() keeps every character, and counts bytes"({ store }) {
    const spec = {
      payload: {
        text: ODD,
        [ODD]: [1.5, -0.25, 1e21, true, null, { "": "" }],
        ["__proto__"]: 1,
      },
      labels: { app: ODD.replace("\ud800", ""), constructor: "x" },
      created_by: ODD,
    };
    const first = event("e1", {
      spec,
      status: status("e1", "queued", { message: ODD }),
    });
    const record = await added(store, T, first);
    strictEqual(
      record.bytes,
      new TextEncoder().encode(JSON.stringify(first.spec)).length,
    );
    const read = await store.getEvent(T, "e1");
    deepStrictEqual(read, record);
    strictEqual(read?.message, ODD);
    deepStrictEqual(await store.getSpec(T, "e1"), first.spec);
    deepStrictEqual(
      idsOf(await store.listEvents(T, { labels: spec.labels, limit: 5 })),
      ["e1"],
    );
  },
  async "createEvent() keeps a payload of 8 MiB"({ store }) {
    const payload = { manifests: ["é".repeat(2 ** 22), "end"] };
    await store.createEvent(T, event("e1", { spec: { payload } }));
    await store.changeEvent(T, "e1", to("cancelled"));
    const spec = await store.getSpec(T, "e1");
    ok(
      JSON.stringify(spec?.payload) === JSON.stringify(payload),
      "the payload differs",
    );
  },
  async "createEvent() keeps a copy of its own"({ store }) {
    const payload = { replicas: 1 };
    const labels: Record<string, string> = { app: "web" };
    await store.createEvent(T, event("e1", { spec: { payload, labels } }));
    payload.replicas = 2;
    labels["app"] = "db";
    deepStrictEqual((await store.getSpec(T, "e1"))?.payload, { replicas: 1 });
    deepStrictEqual((await store.getEvent(T, "e1"))?.spec.labels, {
      app: "web",
    });
  },
  async "createEvent() returns the event that has the id, whatever its body"(
    { store },
  ) {
    const record = await added(store, T, event("e1"));
    for (const digest of ["sha256:e1", "sha256:other"]) {
      const again = event("e1", { digest, spec: { payload: { other: true } } });
      deepStrictEqual(await store.createEvent(T, again), {
        record,
        created: false,
      });
    }
    deepStrictEqual(
      (await store.getSpec(T, "e1"))?.payload,
      event("e1").spec.payload,
    );
    strictEqual((await store.listHistory(T, "e1")).length, 1);
  },
  async "createEvent() returns a taken event as it is now"({ store }) {
    await store.createEvent(T, event("e1"));
    const changed = await store.changeEvent(T, "e1", to("completed"));
    const again = await store.createEvent(T, event("e1"));
    deepStrictEqual(again, { record: changed?.record, created: false });
  },
  async "createEvent() adds one of two that come at once"({ store }) {
    const both = await Promise.all([
      store.createEvent(T, event("e1", { digest: "sha256:a" })),
      store.createEvent(T, event("e1", { digest: "sha256:b" })),
    ]);
    deepStrictEqual(both.map(({ created }) => created).sort(), [false, true]);
    deepStrictEqual(both[0].record, both[1].record);
    strictEqual((await store.listEvents(T, { limit: 5 })).length, 1);
  },
  async "createEvent() returns the event that has the idempotency key"(
    { store },
  ) {
    const record = await added(
      store,
      T,
      event("e1", { idempotencyKey: "key" }),
    );
    const second = await store.createEvent(
      T,
      event("e2", { idempotencyKey: "key" }),
    );
    deepStrictEqual(second, { record, created: false });
    strictEqual(await store.getEvent(T, "e2"), undefined);
    strictEqual(
      (await store.createEvent(T, event("e3", { idempotencyKey: "Key" })))
        .created,
      true,
    );
  },
  async "createEvent() takes the id for the idempotency key of an event without one"(
    { store },
  ) {
    const one = await added(store, T, event("e1"));
    const two = await added(store, T, event("e2", { idempotencyKey: "key" }));
    const byId = await store.createEvent(
      T,
      event("e3", { idempotencyKey: "e1" }),
    );
    deepStrictEqual(byId, { record: one, created: false });
    const byKey = await store.createEvent(T, event("key"));
    deepStrictEqual(byKey, { record: two, created: false });
    const own = await added(
      store,
      T,
      event("e4", { idempotencyKey: "e4" }),
    );
    strictEqual(own.idempotencyKey, undefined);
    const free = await store.createEvent(
      T,
      event("e5", { idempotencyKey: "e2" }),
    );
    strictEqual(free.created, true);
  },
  async "createEvent() adds many at once, each once"({ store }) {
    const ids = Array.from({ length: 300 }, (_, i) => `e${i}`);
    const creations = await Promise.all(
      ids.map((id) => store.createEvent(T, event(id))),
    );
    ok(creations.every(({ created }) => created));
    strictEqual(
      new Set(creations.map(({ record }) => record?.enq)).size,
      ids.length,
    );
    deepStrictEqual(
      idsOf(await store.listEvents(T, { limit: 1000 })),
      ids.reverse(),
    );
  },
  async "getEvent(), getSpec() and listHistory() say when there is no such event"(
    { store },
  ) {
    strictEqual(await store.getEvent(T, "e1"), undefined);
    strictEqual(await store.getSpec(T, "e1"), undefined);
    deepStrictEqual(await store.listHistory(T, "e1"), []);
    notStrictEqual(store.replicated, undefined);
  },
};
