import { type Clock, systemClock, TransporterError } from "@transporter/sdk";
import { basename, dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Archive, refuseMoved } from "./archive.ts";
import { readMarks, SqliteArchive } from "./sqlite_archive.ts";
import { Reserve } from "./sqlite_reserve.ts";
import { openDatabase } from "./sqlite_file.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type { Store } from "./store.ts";

/** Options of {@linkcode openSqliteStore}. */
export interface SqliteStoreOptions {
  /** The file; its folder is there, and is this process's alone. Its `-wal`, `-shm` and `.reserve` stand beside it. */
  readonly path: string;
  /** What stamps changes; by default the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * Opens a store on disk: what it has acknowledged outlives the process and a
 * loss of power. Makes the file if it is not there; migrates an older one,
 * after a copy beside it.
 *
 * @throws {TransporterError} `unsupported_version` when a newer program wrote the file; `store_unavailable`
 * when it cannot be used, `disk_full` when there is no room even to open it.
 */
export async function openSqliteStore(
  options: SqliteStoreOptions,
): Promise<Store> {
  const { path, clock = systemClock } = options;
  const folder = dirname(path);
  const name = `${basename(path)}.reserve`;
  let db: DatabaseSync;
  try {
    db = await openDatabase(path);
  } catch (error) {
    // What an earlier process set aside is for this, too.
    if (TransporterError.from(error).code !== "disk_full") throw error;
    if (!await removeIfThere(`${folder}/${name}`)) throw error;
    db = await openDatabase(path);
  }
  try {
    refuseMoved(readMarks(db));
  } catch (error) {
    db.close();
    throw error;
  }
  return new SqliteStore(db, clock, await Reserve.take(folder, name));
}

/**
 * Opens a store on disk as a whole, to move it.
 *
 * @param path The file; its folder is there, and is this process's alone.
 * @throws {TransporterError} As {@linkcode openSqliteStore}.
 */
export async function openSqliteArchive(path: string): Promise<Archive> {
  return new SqliteArchive(await openDatabase(path));
}

async function removeIfThere(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
