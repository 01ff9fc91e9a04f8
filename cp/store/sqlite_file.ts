/**
 * The file of the SQLite store: who may read it, how it is opened, and how a
 * file of an older program becomes one of this program.
 *
 * @module
 */
import { TransporterError } from "@transporter/sdk";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isFull } from "./sqlite_group.ts";
import { MIGRATIONS } from "./sqlite_schema.ts";

/** Milliseconds to wait for another program that reads or copies the file, such as a backup; the event loop waits too. */
const BUSY_MS = 500;

/** Where SQLite cuts a write-ahead log that once had to grow, in bytes. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024;

/**
 * Pages of the write-ahead log after which a commit moves them into the file:
 * 16 MB. A page that many transactions change is moved once, and the one that
 * has to wait for it is rarer.
 */
const WAL_PAGES = 4000;

const PRAGMAS = `
  PRAGMA busy_timeout = ${BUSY_MS};
  PRAGMA cache_size = -32768;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};
  PRAGMA wal_autocheckpoint = ${WAL_PAGES};
`;

/**
 * Opens the file, makes it if it is not there, and migrates it if it is older.
 *
 * @param path Where it is; the folder is there, and nobody else writes to the file.
 * @param migrations What leads from each version to the next.
 * @throws {TransporterError} `unsupported_version` when a newer program wrote it; `store_unavailable`
 * when it cannot be used.
 */
export async function openDatabase(
  path: string,
  migrations: readonly string[] = MIGRATIONS,
): Promise<DatabaseSync> {
  let db: DatabaseSync | undefined;
  try {
    await prepareFile(path);
    db = new DatabaseSync(resolve(path)); // absolute: no name means "in memory"
    db.exec(PRAGMAS);
    const mode = db.prepare("PRAGMA journal_mode").get()?.["journal_mode"];
    if (mode !== "wal") {
      throw new Error(
        `the file system allows journal mode "${mode}" only, not "wal"`,
      );
    }
    await migrate(db, path, migrations);
    return db;
  } catch (cause) {
    db?.close();
    if (cause instanceof TransporterError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransporterError(
      isNoRoom(cause) ? "disk_full" : "store_unavailable",
      `Cannot open the store "${path}": ${reason}`,
      {
        cause,
      },
    );
  }
}

/** Whether it was the disk that had no room: SQLite's word for it, or the system's. */
function isNoRoom(cause: unknown): boolean {
  return isFull(cause) ||
    cause instanceof Error && "code" in cause &&
      (cause.code === "ENOSPC" || cause.code === "EDQUOT");
}

/**
 * Makes the file for the owner only, and what a killed process left in it
 * durable: SQLite reads back a commit that was written but not yet synced, and
 * nothing may be seen that a loss of power could still undo.
 */
async function prepareFile(path: string): Promise<void> {
  await sync(path, { write: true, create: true, mode: 0o600 });
  try {
    await sync(`${path}-wal`, { write: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // closed in order: there is none
  }
  await sync(dirname(path), { read: true });
}

async function sync(path: string, options: Deno.OpenOptions): Promise<void> {
  using file = await Deno.open(path, options);
  await file.sync();
}

async function migrate(
  db: DatabaseSync,
  path: string,
  migrations: readonly string[],
): Promise<void> {
  const version = Number(
    db.prepare("PRAGMA user_version").get()?.["user_version"],
  );
  const newest = migrations.length;
  if (version > newest) {
    throw new TransporterError(
      "unsupported_version",
      `Cannot open the store "${path}" as its schema has version ${version} and this program ` +
        `knows versions up to ${newest}: use the program that wrote it, or a newer one`,
    );
  }
  if (version === newest) return;
  const empty = db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()
    ?.["tables"] === 0;
  if (version === 0 && !empty) {
    throw new TransporterError(
      "store_unavailable",
      `Cannot open the store "${path}" as it is a database of another program: name another file`,
    );
  }
  if (!empty) await backUp(db, `${path}.v${version}`);
  db.exec("BEGIN IMMEDIATE");
  for (const migration of migrations.slice(version)) db.exec(migration);
  db.exec(`PRAGMA user_version = ${newest}`);
  db.exec("COMMIT");
}

/** Copies the file as it is, whole or not at all. */
async function backUp(db: DatabaseSync, path: string): Promise<void> {
  const part = `${path}.part`;
  await Deno.writeFile(part, new Uint8Array(), { mode: 0o600 });
  db.prepare("VACUUM INTO ?").run(part);
  await sync(part, { write: true });
  await Deno.rename(part, path);
  await sync(dirname(path), { read: true });
}
