import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type State, STATES } from "@transporter/sdk";
import type { Change, EventQuery, Store } from "../store.ts";
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

async function list(
  store: Store,
  query: Partial<EventQuery>,
): Promise<string[]> {
  return idsOf(await store.listEvents(T, { limit: 100, ...query }));
}

/** Five events that differ in what lists ask for; `a` is the oldest. */
async function five(store: Store): Promise<void> {
  const specs = {
    a: {
      target_agent: "edge-1",
      type: "k8s_resource",
      labels: { app: "web", tier: "front" },
    },
    b: { target_agent: "edge-2", type: "script", labels: { app: "web" } },
    c: {
      target_agent: "edge-1",
      type: "script",
      labels: { app: "db", tier: "front" },
    },
    d: {
      target_agent: "edge-1",
      type: "k8s_resource",
      labels: { app: "web", tier: "back" },
    },
    e: {
      target_agent: "edge-2",
      type: "k8s_resource",
      labels: { tier: "app", web: "app" },
    },
  };
  for (const [id, spec] of Object.entries(specs)) {
    await store.createEvent(T, event(id, { spec }));
  }
  const states: Readonly<Record<string, State>> = {
    a: "completed",
    b: "failed",
    d: "completed",
  };
  for (const [id, state] of Object.entries(states)) {
    await store.changeEvent(T, id, to(state));
  }
}

export const listCases: StoreCases = {
  async "listEvents() has the newest first, as they are now"({ store }) {
    await five(store);
    const listed = await store.listEvents(T, { limit: 100 });
    deepStrictEqual(idsOf(listed), ["e", "d", "c", "b", "a"]);
    for (const record of listed) {
      deepStrictEqual(record, await store.getEvent(T, record.spec.id));
    }
    deepStrictEqual(await list(store, { limit: 2 }), ["e", "d"]);
  },
  async "index.consistent: lists an event under the state that it is in, and under no other"(
    {
      store,
    },
  ) {
    await five(store);
    const steps: readonly (readonly [id: string, state: State])[] = [
      ["e", "assigned"],
      ["e", "in_progress"],
      ["c", "cancelled"],
      ["e", "completed"],
      ["a", "queued"],
    ];
    for (const [id, state] of steps) {
      await store.changeEvent(T, id, to(state));
      for (const each of STATES) {
        const listed = await store.listEvents(T, { states: [each], limit: 9 });
        const all = await store.listEvents(T, { limit: 9 });
        deepStrictEqual(
          idsOf(listed),
          idsOf(all.filter((record) => record.state === each)),
          `${each} after "${id}" is "${state}"`,
        );
      }
    }
  },
  async "listEvents() has what matches all that is asked"({ store }) {
    await five(store);
    const cases: readonly (readonly [Partial<EventQuery>, string])[] = [
      [{ agent: "edge-1" }, "dca"],
      [{ agent: "edge-9" }, ""],
      [{ type: "script" }, "cb"],
      [{ states: ["completed"] }, "da"],
      [{ states: ["queued", "failed", "completed", "failed"] }, "edcba"],
      [{ states: ["failed", "completed"], limit: 2 }, "db"],
      [{ states: [] }, ""],
      [{ labels: {} }, "edcba"],
      [{ labels: { app: "web" } }, "dba"],
      [{ labels: { app: "web", tier: "front" } }, "a"],
      [{ labels: { app: "we" } }, ""],
      [{ labels: { constructor: "web" } }, ""],
      [{ labels: { tier: "app" }, limit: 1 }, "e"],
      [{ agent: "edge-1", type: "script" }, "c"],
      [{
        agent: "edge-1",
        states: ["completed", "queued"],
        labels: { tier: "front" },
      }, "ca"],
      [{
        type: "k8s_resource",
        states: ["completed"],
        labels: { app: "web", tier: "back" },
      }, "d"],
      [
        { type: "k8s_resource", states: ["queued"], labels: { app: "web" } },
        "",
      ],
    ];
    for (const [query, expected] of cases) {
      strictEqual(
        (await list(store, query)).join(""),
        expected,
        JSON.stringify(query),
      );
    }
  },
  async "listEvents() has pages without a gap, whatever is added in between"(
    { store },
  ) {
    await five(store);
    const queries = [
      {},
      { labels: { tier: "front" } },
      { states: ["completed", "queued"] },
      { agent: "edge-1", since: AT },
    ] as const;
    for (const [round, query] of queries.entries()) {
      const expected = await list(store, query);
      const pages: string[] = [];
      let before: number | undefined;
      for (;;) {
        const page = await store.listEvents(T, {
          limit: 2,
          ...query,
          ...(before === undefined ? {} : { before }),
        });
        if (page.length === 0) break;
        pages.push(...idsOf(page));
        before = page.at(-1)?.enq;
        const labels = { tier: "front" };
        await store.createEvent(
          T,
          event(`new-${round}-${pages.length}`, { spec: { labels } }),
        );
      }
      deepStrictEqual(pages, expected);
    }
  },
  async "listEvents() has those accepted since a time, also when the clock went back"(
    { store },
  ) {
    const times = { a: 50, b: 10, c: 40, d: 20, e: 30 };
    for (const [id, at] of Object.entries(times)) {
      const spec = { labels: { app: "web" } };
      await store.createEvent(T, event(id, { acceptedAt: AT + at, spec }));
    }
    deepStrictEqual(await list(store, { since: AT + 30 }), ["e", "c", "a"]);
    deepStrictEqual(await list(store, { since: AT + 30, limit: 2 }), [
      "e",
      "c",
    ]);
    deepStrictEqual(
      await list(store, { since: AT + 31, labels: { app: "web" } }),
      ["c", "a"],
    );
    deepStrictEqual(await list(store, { since: AT + 20, states: ["queued"] }), [
      "e",
      "d",
      "c",
      "a",
    ]);
    deepStrictEqual(await list(store, { since: AT + 51 }), []);
  },
  async "listDue() has what has not ended by its deadline, the oldest first, of all tenants"(
    { store },
  ) {
    const deadlines = { a: 30, b: 10, c: 20, d: 40, e: 15, f: 10.5 };
    for (const [id, at] of Object.entries(deadlines)) {
      await store.createEvent(
        id === "c" ? "other" : T,
        event(id, { deadline: AT + at }),
      );
    }
    await store.changeEvent(T, "e", to("completed"));
    await store.changeEvent(T, "b", to("in_progress"));
    deepStrictEqual(idsOf(await store.listDue(AT + 30, 100)), [
      "b",
      "f",
      "c",
      "a",
    ]);
    deepStrictEqual(idsOf(await store.listDue(AT + 30, 2)), ["b", "f"]);
    deepStrictEqual(idsOf(await store.listDue(AT + 9, 100)), []);
    const [due] = await store.listDue(AT + 10, 1);
    deepStrictEqual(due, await store.getEvent(T, "b"));
  },
  async "countOpen() counts what has not ended, by agent and state"({ store }) {
    deepStrictEqual(await store.countOpen(T), new Map());
    await five(store);
    await store.changeEvent(T, "c", to("in_progress"));
    await store.createEvent(T, event("f"));
    await store.createEvent(T, event("g"));
    const counts = await store.countOpen(T);
    deepStrictEqual(
      [...counts].map(([agent, { states }]) => [agent, states]),
      [["edge-1", { in_progress: 1, queued: 2 }], ["edge-2", { queued: 1 }]],
    );
    const open = await store.listOpen(T, "edge-1", { after: 0, limit: 9 });
    strictEqual(
      counts.get("edge-1")?.bytes,
      open.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  },
  async "listChanges() has every change once, in order, and can be resumed anywhere"(
    { store },
  ) {
    await store.createEvent("other", event("x"));
    await five(store);
    const { gen } = await store.openSession(T, session("edge-1"));
    await store.releaseEvents(T, release(gen));
    await store.changeEvent("other", "x", to("completed"));
    const all = await store.listChanges(T, 0, 100);
    deepStrictEqual(
      all.map(({ entry }) => `${entry.event_id}${entry.revision}`),
      ["a1", "b1", "c1", "d1", "e1", "a2", "b2", "d2", "c2"],
    );
    const [, , , , , changed] = all;
    deepStrictEqual(changed, {
      change: changed?.change,
      tenant: T,
      agent: "edge-1",
      type: "k8s_resource",
      entry: (await store.listHistory(T, "a"))[1],
    });
    for (const [i, { change }] of all.entries()) {
      ok(i === 0 || change > all[i - 1]!.change);
      deepStrictEqual(
        await store.listChanges(T, change, 100),
        all.slice(i + 1),
      );
    }
  },
  async "listChanges() and listHistory() have each of the changes that came together"(
    { store },
  ) {
    await Promise.all([
      store.createEvent(T, event("a")),
      store.createEvent(T, event("b")),
      store.changeEvent(T, "a", to("assigned")),
      store.changeEvent(T, "b", to("assigned")),
      store.changeEvent(T, "a", to("in_progress")),
    ]);
    const all = await store.listChanges(T, 0, 99);
    const revisions = (id: string) =>
      all.filter(({ entry }) => entry.event_id === id)
        .map(({ entry }) => entry.revision);
    deepStrictEqual([revisions("a"), revisions("b")], [[1, 2, 3], [1, 2]]);
    const [first, last] = [all[0]?.change ?? 0, all.at(-1)?.change ?? 0];
    deepStrictEqual(
      all.map(({ change }) => change),
      all.map((_, i) => first + i),
    );
    for (const [i, { change }] of all.entries()) {
      const [next] = await store.listChanges(T, change, 1);
      deepStrictEqual(next, all[i + 1]);
    }
    deepStrictEqual(await store.changeRange(), { oldest: first, newest: last });
    await store.changeEvent(
      T,
      "a",
      to("in_progress", {}, { replaces: true }),
    );
    const history = await store.listHistory(T, "a");
    deepStrictEqual(history.map(({ revision }) => revision), [1, 2, 4]);
    const rest = (await store.listChanges(T, 0, 99))
      .filter(({ change }) => change <= last);
    deepStrictEqual(
      rest,
      all.filter(({ entry: { event_id, revision } }) =>
        event_id !== "a" || revision !== 3
      ),
    );
  },
  async "listChanges() has pages without a gap while changes go on"({ store }) {
    await store.createEvent(T, event("a"));
    const count = 60;
    const writes = Array.from(
      { length: count },
      (_, i) =>
        store.changeEvent(T, "a", to("in_progress", { message: String(i) })),
    );
    const seen: Change[] = [];
    while (seen.length < count + 1) {
      seen.push(...await store.listChanges(T, seen.at(-1)?.change ?? 0, 7));
      await writes[Math.min(seen.length, count - 1)];
    }
    deepStrictEqual(
      seen.map(({ entry }) => entry.revision),
      Array.from({ length: count + 1 }, (_, i) => i + 1),
    );
    await Promise.all(writes);
  },
  async "changeRange() names the oldest and the newest change"({ store }) {
    deepStrictEqual(await store.changeRange(), { oldest: 0, newest: 0 });
    await five(store);
    await store.createEvent("other", event("x"));
    const [first] = await store.listChanges(T, 0, 1);
    const [last] = await store.listChanges("other", 0, 1);
    const { oldest, newest } = await store.changeRange();
    deepStrictEqual([oldest, newest], [first?.change, last?.change]);
  },
};
