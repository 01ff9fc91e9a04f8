import { deepStrictEqual, strictEqual } from "node:assert/strict";
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
  T,
  to,
} from "./testing/samples.ts";

/** What SQLite and JSON may take for something else. */
const ODD = 'é\u0000"}\\ \ud83d 🚀';

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
