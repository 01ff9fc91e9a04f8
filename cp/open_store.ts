import { type Clock, TransporterError } from "@transporter/sdk";
import { lockFolder, openFolder } from "@transporter/sdk/folder";
import { dirname, isAbsolute, resolve } from "node:path";
import { openMemoryStore } from "./store/memory.ts";
import { openSqliteStore } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";

/** Options of {@linkcode openStore}. */
export interface OpenStoreOptions {
  /** What relative paths start from. */
  readonly dataDir: string | undefined;
  /** What stamps changes. */
  readonly clock: Clock;
}

/** A store that is open, until it is disposed of. */
export interface OpenedStore extends AsyncDisposable {
  /** The store. */
  readonly store: Store;
  /** The folder it is in; `undefined` when it is in memory. */
  readonly folder: string | undefined;
}

/**
 * Opens the store that a URL names. That on disk has its folder for itself
 * until it is closed.
 *
 * @param url `sqlite:PATH` or `memory:`.
 * @param options Where paths start.
 * @throws {TransporterError} `usage`, `folder_in_use`, `store_unavailable`, `unsupported_version`.
 */
export async function openStore(
  url: string,
  { dataDir, clock }: OpenStoreOptions,
): Promise<OpenedStore> {
  await using opened = new AsyncDisposableStack();
  const path = url === "memory:"
    ? undefined
    : await lockedPath(url, dataDir, opened);
  const store = opened.use(
    path === undefined
      ? openMemoryStore({ clock })
      : await openSqliteStore({ path, clock }),
  );
  const held = opened.move();
  return {
    store,
    folder: path === undefined ? undefined : dirname(path),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function lockedPath(
  url: string,
  dataDir: string | undefined,
  opened: AsyncDisposableStack,
): Promise<string> {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    throw new TransporterError(
      "usage",
      `Cannot keep events in "${url}": --store must be "sqlite:PATH" or "memory:"`,
    );
  }
  if (dataDir === undefined && !isAbsolute(path)) {
    throw new TransporterError(
      "usage",
      `Cannot keep events in "${url}" without a folder: name one with --data-dir`,
    );
  }
  const file = resolve(dataDir ?? "/", path);
  const folder = dirname(file);
  await openFolder(folder);
  opened.use(await lockFolder(folder, { program: "transporter cp" }));
  return file;
}
