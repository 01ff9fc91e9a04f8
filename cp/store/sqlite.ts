import { type Clock, systemClock } from "@transporter/sdk";
import { openDatabase } from "./sqlite_file.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type { Store } from "./store.ts";

/** Options of {@linkcode openSqliteStore}. */
export interface SqliteStoreOptions {
  /** The file; its folder is there, and is this process's alone. Its `-wal` and `-shm` stand beside it. */
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
 * when it cannot be used.
 */
export async function openSqliteStore(
  options: SqliteStoreOptions,
): Promise<Store> {
  return new SqliteStore(
    await openDatabase(options.path),
    options.clock ?? systemClock,
  );
}
