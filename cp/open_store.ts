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
): Promise<AsyncDisposable & { readonly store: Store }> {
  await using opened = new AsyncDisposableStack();
  const store = opened.use(
    url === "memory:" ? openMemoryStore({ clock }) : await openSqliteStore({
      path: await lockedPath(url, dataDir, opened),
      clock,
    }),
  );
  const held = opened.move();
  return { store, [Symbol.asyncDispose]: () => held.disposeAsync() };
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
