import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openSqliteStore } from "./sqlite.ts";
import { openDatabase } from "./sqlite_file.ts";
import { readCounters } from "./sqlite_counters.ts";
import { prepareAll } from "./sqlite_statements.ts";
import { tempFolder } from "./testing/folder.ts";
import { AT, event, T, to } from "./testing/samples.ts";

/** What a file says was counted, while no store has it open. */
async function counted(path: string): Promise<readonly number[]> {
  const db = await openDatabase(path);
  const { enq, change, ended } = readCounters(prepareAll(db));
  db.close();
  return [enq, change, ended];
}

Deno.test("readCounters() has what rows tell, and what was removed", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  deepStrictEqual(await counted(path), [0, 0, 0]);
  {
    await using store = await openSqliteStore({ path });
    for (const [i, id] of ["a", "b", "c"].entries()) {
      await store.createEvent(T, event(id));
      const finishedAt = AT + i;
      await store.changeEvent(T, id, to("completed", {}, { finishedAt }));
    }
    await store.createEvent(T, event("open"));
  }
  deepStrictEqual(await counted(path), [4, 7, 3]);
  const sweep = { finishedBefore: 0, until: () => AT + 1, at: AT, limit: 9 };
  {
    await using store = await openSqliteStore({ path });
    // The newest row of all goes, too.
    await store.changeEvent(
      T,
      "open",
      to("failed", {}, { finishedAt: AT + 9 }),
    );
    strictEqual(await store.sweep({ ...sweep, finishedMax: 0 }), 4);
  }
  deepStrictEqual(await counted(path), [4, 8, 0]);
  {
    await using store = await openSqliteStore({ path });
    const { record } = await store.createEvent(T, event("next"));
    strictEqual(record?.enq, 5);
    await store.changeEvent(T, "next", to("completed", {}, { finishedAt: AT }));
  }
  deepStrictEqual(await counted(path), [5, 10, 1]);
});
