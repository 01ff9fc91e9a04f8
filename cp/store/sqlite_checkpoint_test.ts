import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "@transporter/sdk";
import { DatabaseSync } from "node:sqlite";
import { until } from "../testing/until.ts";
import { Checkpointer, WAL_PAGES } from "./sqlite_checkpoint.ts";
import { openDatabase } from "./sqlite_file.ts";
import { SqliteStore } from "./sqlite_store.ts";
import { tempFolder } from "./testing/folder.ts";
import { event, T } from "./testing/samples.ts";

/** Pages of the log, and how many of them are in the file. */
function logOf(db: DatabaseSync): { log: number; moved: number } {
  const { log, checkpointed } =
    db.prepare("PRAGMA wal_checkpoint(NOOP)").get() ?? {};
  return { log: Number(log), moved: Number(checkpointed) };
}

Deno.test("what is written goes into the file beside the writing, and the log begins anew", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  const db = await openDatabase(path);
  db.exec("PRAGMA wal_autocheckpoint = 0"); // no commit does it
  const payload = { text: "x".repeat(400_000) };
  const ids: string[] = [];
  {
    await using store = new SqliteStore(db, systemClock, {
      checkpointer: new Checkpointer(db, path),
    });
    const write = async () => {
      const id = `e${ids.length}`;
      await store.createEvent(T, event(id, { spec: { payload } }));
      ids.push(id);
    };
    for (let begun = 0; begun < 3; begun++) {
      while (logOf(db).log < WAL_PAGES) await write();
      await until(() => logOf(db).moved === logOf(db).log); // so far
      while (logOf(db).log >= WAL_PAGES) {
        await write(); // moved between two transactions, until the log begins anew
        ok(ids.length < 1000, "The log grows and grows");
      }
    }
  }
  const names = (await Array.fromAsync(Deno.readDir(folder.path)))
    .map(({ name }) => name);
  deepStrictEqual(names, ["store.db"]);

  const again = new DatabaseSync(path);
  deepStrictEqual(
    again.prepare("SELECT id FROM event ORDER BY enq").all()
      .map((row) => row["id"]),
    ids,
  );
  strictEqual(
    again.prepare("PRAGMA integrity_check").get()?.["integrity_check"],
    "ok",
  );
  again.close();
});

Deno.test("a checkpoint that fails is tried again once as much was written again", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  const db = await openDatabase(path);
  db.exec("PRAGMA wal_autocheckpoint = 0; CREATE TABLE page (text TEXT)");
  const add = db.prepare("INSERT INTO page VALUES (?)");
  // A folder is no database: to open it fails.
  const place = `${folder.path}/place`;
  await Deno.mkdir(place);
  const checkpointer = new Checkpointer(db, place);
  async function write(): Promise<void> {
    add.run("x".repeat(WAL_PAGES / 8 * 4096));
    checkpointer.look();
    await new Promise((resolve) => setTimeout(resolve)); // what the thread said is heard
  }
  for (let i = 0; i < 10; i++) await write();
  await Deno.remove(place);
  await Deno.symlink(path, place);
  await until(async () => {
    await write();
    return logOf(db).moved > 0;
  });
  const { log } = logOf(db);
  ok(log > 2 * WAL_PAGES, `${log} pages`);
  await checkpointer[Symbol.asyncDispose]();
  db.close();
});
