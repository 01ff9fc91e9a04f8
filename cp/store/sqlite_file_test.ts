import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "./sqlite.ts";
import { openDatabase } from "./sqlite_file.ts";
import { MIGRATIONS } from "./sqlite_schema.ts";
import { tempFolder } from "./testing/folder.ts";
import { event, T } from "./testing/samples.ts";

/** The files of a folder, without the room that is set aside, which comes when it does. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name)
    .filter((name) => !name.endsWith(".reserve")).sort();
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

/** Runs statements on a file, with nothing of ours in between. */
function byHand(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

Deno.test("openSqliteStore() makes files that only the owner reads, and leaves one", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  {
    await using store = await openSqliteStore({ path });
    await store.createEvent(T, event("e1"));
    strictEqual(store.durability, "fsync");
    strictEqual(store.replicated, 0);
    deepStrictEqual(await filesOf(folder.path), [
      "store.db",
      "store.db-shm",
      "store.db-wal",
    ]);
    for (const name of await filesOf(folder.path)) {
      strictEqual(await modeOf(`${folder.path}/${name}`), 0o600, name);
    }
  }
  deepStrictEqual(await filesOf(folder.path), ["store.db"]);
});

Deno.test("openDatabase() syncs each commit", async () => {
  await using folder = await tempFolder();
  const db = await openDatabase(`${folder.path}/store.db`);
  const settings = ["journal_mode", "synchronous"].map((name) =>
    db.prepare(`PRAGMA ${name}`).get()?.[name]
  );
  db.close();
  deepStrictEqual(settings, ["wal", 2]);
});

Deno.test("openDatabase() refuses a file of a newer program, and leaves it as it is", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
  byHand(path, "PRAGMA user_version = 7");
  const before = await Deno.readFile(path);
  await rejects(openSqliteStore({ path }), {
    code: "unsupported_version",
    message:
      `Cannot open the store "${path}" as its schema has version 7 and this program knows ` +
      `versions up to ${MIGRATIONS.length}: use the program that wrote it, or a newer one`,
  });
  deepStrictEqual(await filesOf(folder.path), ["store.db"]);
  deepStrictEqual(await Deno.readFile(path), before);
});

Deno.test("openDatabase() makes a store of an empty file, without a copy", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  byHand(path, "PRAGMA user_version = 0; VACUUM");
  await using store = await openSqliteStore({ path });
  await store.createEvent(T, event("e1"));
  ok(!(await filesOf(folder.path)).includes("store.db.v0"));
});

Deno.test("openDatabase() migrates an older file after a copy, which the older program can use", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  {
    await using store = await openSqliteStore({ path });
    await store.createEvent(T, event("e1"));
  }
  const newer = [
    ...MIGRATIONS,
    "ALTER TABLE event ADD COLUMN colour TEXT",
    "UPDATE event SET colour = 'red'",
  ];
  await Deno.writeTextFile(
    `${path}.v${MIGRATIONS.length}`,
    "of an earlier try",
  );
  for (const _ of ["migrates", "has nothing to do"]) {
    const db = await openDatabase(path, newer);
    const row = db.prepare("SELECT id, colour FROM event").get();
    deepStrictEqual([row?.["id"], row?.["colour"]], ["e1", "red"]);
    strictEqual(
      db.prepare("PRAGMA user_version").get()?.["user_version"],
      newer.length,
    );
    db.close();
  }
  await rejects(openSqliteStore({ path }), { code: "unsupported_version" });
  deepStrictEqual(await filesOf(folder.path), [
    "store.db",
    `store.db.v${MIGRATIONS.length}`,
  ]);
  strictEqual(await modeOf(`${path}.v${MIGRATIONS.length}`), 0o600);
  await using store = await openSqliteStore({
    path: `${path}.v${MIGRATIONS.length}`,
  });
  strictEqual((await store.getEvent(T, "e1"))?.spec.id, "e1");
});

Deno.test("openDatabase() leaves a file at its version when a migration fails", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  await (await openSqliteStore({ path }))[Symbol.asyncDispose]();
  const broken = [
    ...MIGRATIONS,
    "ALTER TABLE event ADD COLUMN colour TEXT",
    "ALTER TABLE nothing",
  ];
  await rejects(openDatabase(path, broken), { code: "store_unavailable" });
  await using store = await openSqliteStore({ path });
  strictEqual((await store.createEvent(T, event("e1"))).created, true);
});

Deno.test("openDatabase() refuses what is not a store", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  byHand(path, "CREATE TABLE theirs (id TEXT)");
  await rejects(openSqliteStore({ path }), {
    code: "store_unavailable",
    message:
      `Cannot open the store "${path}" as it is a database of another program: name another file`,
  });
  await Deno.writeTextFile(
    `${folder.path}/text.db`,
    "not a database at all, ".repeat(50),
  );
  await rejects(openSqliteStore({ path: `${folder.path}/text.db` }), {
    code: "store_unavailable",
    message:
      `Cannot open the store "${folder.path}/text.db": file is not a database`,
  });
  await rejects(openSqliteStore({ path: folder.path }), {
    code: "store_unavailable",
  });
  await rejects(openSqliteStore({ path: `${folder.path}/missing/store.db` }), {
    code: "store_unavailable",
  });
});
