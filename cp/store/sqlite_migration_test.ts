import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type State, STATES } from "@transporter/sdk";
import { openSqliteStore } from "./sqlite.ts";
import { openDatabase } from "./sqlite_file.ts";
import { MIGRATIONS } from "./sqlite_schema.ts";
import { tempFolder } from "./testing/folder.ts";
import {
  AT,
  event,
  idsOf,
  release,
  session,
  status,
  T,
  to,
} from "./testing/samples.ts";

/** What SQLite and JSON may take for something else. */
const ODD = 'é\u0000"}\\ \ud83d 🚀';

/** A file as version 4 left it: an event in each state, and three rows of history of each, of which the middle one has two entries. */
async function writeVersion4(path: string): Promise<void> {
  const db = await openDatabase(path, MIGRATIONS.slice(0, 4));
  const stages: Partial<Record<State, number>> = {
    created: 3,
    queued: 1,
    assigned: 2,
    in_progress: 2,
  };
  const rows = STATES.length;
  for (const [i, state] of STATES.entries()) {
    const [enq, id] = [i + 1, `e-${state}`];
    const { payload, ...head } = event(id).spec;
    db.prepare(`INSERT INTO event VALUES
      (?, ?, ?, NULL, 'edge-1', 'script', 'sha256:', 100, ?, ?, ?, ?, NULL, ?, ?, ?, NULL, 1, 4, NULL, ?, ?, '""', '{}')`)
      .run(
        ...[enq, T, id, AT, AT, AT, AT + 1000, AT + 1000],
        ...[stages[state] ?? 0, state, AT, state in stages ? null : AT + i],
      );
    db.prepare("INSERT INTO spec VALUES (?, ?, ?)")
      .run(enq, JSON.stringify(head), JSON.stringify(payload));
    for (const [row, revisions] of [[1], [2, 3], [4]].entries()) {
      const change = [0, rows, 3 * rows][row] ?? 0;
      const entries = revisions.map((revision) => ({
        ...status(id, state),
        revision,
      }));
      db.prepare("INSERT INTO history VALUES (?, ?, ?)")
        .run(change + enq * revisions.length, enq, JSON.stringify(entries));
    }
  }
  db.prepare("UPDATE counter SET value = ? WHERE name = ?")
    .run(rows + 7, "enq"); // newer ones were removed
  db.prepare("UPDATE counter SET value = ? WHERE name = ?")
    .run(4 * rows, "change");
  db.prepare("UPDATE counter SET value = 4 WHERE name = 'ended'").run();
  db.close();
}

/** A file as version 1 left it: an event in each stage, an agent, labels, an outcome and histories. */
async function writeVersion1(path: string): Promise<void> {
  const db = await openDatabase(path, MIGRATIONS.slice(0, 1));
  const states = ["queued", "assigned", "in_progress", "completed"] as const;
  for (const [i, state] of states.entries()) {
    const released = i === 1 || i === 2;
    db.prepare(`INSERT INTO event VALUES
      (?, ?, ?, ?, 'edge-1', 'script', ?, ?, 100, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)`)
      .run(
        i + 1,
        T,
        `e${i}`,
        i === 0 ? "key" : null,
        i,
        `sha256:e${i}`,
        AT,
        AT,
        AT + 1000,
        i === 3 ? 0 : 1,
        state,
        released ? 1 : 0,
        2,
        released ? i : null,
        AT + i,
        i === 3 ? AT + 3 : null,
        JSON.stringify(`Now ${state}`),
      );
    const { payload, ...head } = event(`e${i}`, { spec: { priority: i } }).spec;
    db.prepare("INSERT INTO spec VALUES (?, ?, ?)")
      .run(i + 1, JSON.stringify(head), JSON.stringify(payload));
    for (const revision of [1, 2]) {
      const status = JSON.stringify({ event_id: `e${i}`, state, message: ODD });
      db.prepare(
        "INSERT INTO history (tenant, enq, revision, status) VALUES (?, ?, ?, ?)",
      )
        .run(T, i + 1, revision, status);
    }
  }
  db.prepare("INSERT INTO label VALUES (?, 'app', 'web', 1)").run(T);
  db.prepare("INSERT INTO outcome VALUES (4, ?, NULL)")
    .run(JSON.stringify({ success: true }));
  // The newest event and change were removed: their numbers are never given again.
  db.exec("UPDATE sqlite_sequence SET seq = 50 WHERE name = 'event'");
  db.exec("UPDATE sqlite_sequence SET seq = 90 WHERE name = 'history'");
  db.prepare(
    "INSERT INTO agent VALUES (?, 'edge-1', 2, 'i', 'e_1', 3, 9, 7, ?, ?)",
  )
    .run(T, AT, AT);
  db.prepare("INSERT INTO profile VALUES (?, 'edge-1', ?, '[]')")
    .run(T, JSON.stringify(session("edge-1").registration));
  db.close();
}

Deno.test("openSqliteStore() takes over all that a store of version 1 has", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  await writeVersion1(path);
  await using store = await openSqliteStore({ path });
  deepStrictEqual(
    idsOf(await store.listEvents(T, { limit: 9 })),
    ["e3", "e2", "e1", "e0"],
  );
  deepStrictEqual(
    idsOf(await store.listEvents(T, { labels: { app: "web" }, limit: 9 })),
    ["e0"],
  );
  const read = async (id: string) => await store.getEvent(T, id);
  strictEqual((await read("e0"))?.dueAt, AT + 1000);
  strictEqual((await read("e1"))?.dueAt, AT + 61_000);
  deepStrictEqual((await read("e3"))?.result, { success: true });
  const [e2, state] = ["e2", "in_progress"];
  deepStrictEqual(
    await store.listHistory(T, e2),
    [1, 2].map((revision) => ({ event_id: e2, state, message: ODD, revision })),
  );
  deepStrictEqual(
    (await store.listChanges(T, 4, 2)).map(({ change }) => change),
    [5, 6],
  );
  deepStrictEqual(idsOf(await store.listReleased(T, "edge-1")), ["e1", "e2"]);
  const agent = await store.openSession(T, session("edge-1"));
  deepStrictEqual(
    [agent.gen, agent.nextSeq, agent.statusUpto, agent.epoch],
    [4, 9, 7, "e_1"],
  );
  // It was seen; whether it had told what it remembers nobody wrote down.
  strictEqual(agent.toldAt, undefined);
  const taken = await store.createEvent(
    T,
    event("x", { idempotencyKey: "key" }),
  );
  strictEqual(taken.record?.spec.id, "e0");
  const { record } = await store.createEvent(T, event("new"));
  strictEqual(record?.enq, 51);
  deepStrictEqual((await store.changeRange()).newest, 91);
  deepStrictEqual(
    idsOf(await store.releaseEvents(T, release(agent.gen))),
    ["e0", "new"],
  );
  await store.changeEvent(T, "e1", to("completed", {}, { finishedAt: AT + 9 }));
  deepStrictEqual(
    idsOf(await store.listEvents(T, { states: ["completed"], limit: 9 })),
    ["e3", "e1"],
  );
});

Deno.test("openSqliteStore() finds by state, in histories and among what has ended all that a store of version 4 has", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  await writeVersion4(path);
  await using store = await openSqliteStore({ path });
  const all = STATES.map((state) => `e-${state}`);
  deepStrictEqual(
    idsOf(await store.listEvents(T, { limit: 99 })),
    all.toReversed(),
  );
  for (const state of STATES) {
    const id = `e-${state}`;
    deepStrictEqual(
      idsOf(await store.listEvents(T, { states: [state], limit: 99 })),
      [id],
    );
    deepStrictEqual(
      (await store.listHistory(T, id)).map(({ event_id, revision }) => [
        event_id,
        revision,
      ]),
      [1, 2, 3, 4].map((revision) => [id, revision]),
    );
  }
  deepStrictEqual((await store.countOpen(T)).get("edge-1")?.states, {
    created: 1,
    queued: 1,
    assigned: 1,
    in_progress: 1,
  });
  await store.changeEvent(T, "e-queued", to("failed", {}, { finishedAt: AT }));
  const { newest } = await store.changeRange();
  strictEqual(newest, 4 * STATES.length + 1);
  strictEqual((await store.listHistory(T, "e-queued")).length, 5);
  strictEqual((await store.createEvent(T, event("x"))).record?.enq, 16);
  // Of five that have ended two are kept: those that ended last.
  const sweep = { finishedBefore: 0, finishedMax: 2, at: AT, limit: 9 };
  strictEqual(await store.sweep({ ...sweep, until: () => AT + 1 }), 3);
  deepStrictEqual(
    idsOf(await store.listEvents(T, { limit: 99 })),
    [
      ..."x e-cancelled e-expired e-in_progress e-assigned e-created"
        .split(" "),
    ],
  );
  deepStrictEqual(await store.listHistory(T, "e-queued"), []);
  deepStrictEqual(
    new Set((await store.listChanges(T, 0, 99)).map((c) => c.entry.event_id))
      .size,
    6,
  );
});

/** The digests of `MIGRATIONS`, as they were released: each new step adds its own, and none changes. */
const RELEASED: readonly string[] = [
  "8fa6ac8727c7a642",
  "3f597e3c4218872d",
  "6b7cb964615aa577",
  "2d92a62bacf732c6",
  "024d4eafe8a6339a",
];

Deno.test("a step of the schema that was released is never edited", async () => {
  const digests = await Promise.all(MIGRATIONS.map(async (sql) => {
    const bytes = new TextEncoder().encode(sql);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
      .toHex().slice(0, 16);
  }));
  deepStrictEqual(digests, RELEASED);
});
