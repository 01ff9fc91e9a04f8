import {
  type Clock,
  type Logger,
  TransporterError,
  withoutPassword,
} from "@transporter/sdk";
import { lockFolder, openFolder } from "@transporter/sdk/folder";
import { dirname, isAbsolute, resolve } from "node:path";
import { sqlitePath } from "./config.ts";
import { openMemoryStore } from "./store/memory.ts";
import { isRedisUrl, isTlsUrl } from "./store/redis_url.ts";
import type { Archive } from "./store/archive.ts";
import { openSqliteArchive, openSqliteStore } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";

/** Whether a store has nothing in the data folder: it is in Redis, in memory, or at a path of its own. */
export function isOutsideDataDir(url: string): boolean {
  return isRedisUrl(url) || url === "memory:" ||
    isAbsolute(sqlitePath(url) ?? "");
}

/** Options of {@linkcode openStore}. */
export interface OpenStoreOptions {
  /** What relative paths start from. */
  readonly dataDir: string | undefined;
  /** What stamps changes. */
  readonly clock: Clock;
  /** A file with the password for Redis, when that does not stand in the URL. */
  readonly redisPasswordFile?: string | undefined;
  /** A file with the certificate, PEM, of who signs that of Redis. */
  readonly redisCaFile?: string | undefined;
  /** What this control plane is called among those that share Redis. */
  readonly replicaName?: string | undefined;
}

/** A store that is open, until it is disposed of. */
export interface OpenedStore extends AsyncDisposable {
  /** The store. */
  readonly store: Store;
  /** The folder it is in; `undefined` when it is in none of this machine. */
  readonly folder: string | undefined;
}

/**
 * Opens the store that a URL names. That on disk has its folder for itself
 * until it is closed.
 *
 * @param url `sqlite:PATH`, `memory:`, or where Redis is.
 * @param options Where paths start, and what Redis wants to know.
 * @throws {TransporterError} `usage`, `folder_in_use`, `store_unavailable`, `unsupported_version`.
 */
export async function openStore(
  url: string,
  options: OpenStoreOptions,
): Promise<OpenedStore> {
  refuseDataDir(options.dataDir, [url]);
  refuseForRedis(options, [url]);
  if (isRedisUrl(url)) return await openRedis(url, options);
  const { dataDir, clock } = options;
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

/** Options of {@linkcode openArchive}. */
export type OpenArchiveOptions = Omit<OpenStoreOptions, "clock">;

/** A store as a whole, until it is disposed of. */
export interface OpenedArchive extends AsyncDisposable {
  /** The store. */
  readonly archive: Archive;
}

/**
 * Opens the store that a URL names as a whole, to move it; nobody else may have
 * it open.
 *
 * @throws {TransporterError} As {@linkcode openStore}; `conflict` when a control plane has it open.
 */
export async function openArchive(
  url: string,
  { dataDir, redisPasswordFile, redisCaFile }: OpenArchiveOptions,
): Promise<OpenedArchive> {
  await using opened = new AsyncDisposableStack();
  if (url === "memory:") {
    throw new TransporterError(
      "usage",
      'Cannot move "memory:", which nobody else can see',
    );
  }
  const archive = opened.use(
    isRedisUrl(url)
      ? await (await import("./store/redis.ts")).openRedisArchive({
        url,
        passwordFile: redisPasswordFile,
        caFile: redisCaFile,
      })
      : await openSqliteArchive(await lockedPath(url, dataDir, opened)),
  );
  const held = opened.move();
  return { archive, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function openRedis(
  url: string,
  { clock, redisPasswordFile, redisCaFile }: OpenStoreOptions,
): Promise<OpenedStore> {
  // Loaded by those who need it: its driver is as large as all the rest.
  const { openRedisStore } = await import("./store/redis.ts");
  const store = await openRedisStore({
    url,
    clock,
    passwordFile: redisPasswordFile,
    caFile: redisCaFile,
  });
  return {
    store,
    folder: undefined,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/**
 * Refuses a data folder that no store would be in: whoever named it believes
 * that events are there.
 *
 * @throws {TransporterError} `usage`.
 */
export function refuseDataDir(
  dataDir: string | undefined,
  urls: readonly string[],
): void {
  if (dataDir === undefined || !urls.every(isOutsideDataDir)) return;
  throw new TransporterError(
    "usage",
    "Cannot use --data-dir as nothing would be in it: only sqlite:PATH starts from there, where PATH does not begin with a slash",
  );
}

/**
 * Refuses settings that are for Redis alone where none of the stores is one, and
 * whom to trust where none of them speaks TLS: whoever said so relies on it.
 *
 * @throws {TransporterError} `usage`.
 */
export function refuseForRedis(
  { redisPasswordFile, redisCaFile, replicaName }: Pick<
    OpenStoreOptions,
    "redisPasswordFile" | "redisCaFile" | "replicaName"
  >,
  urls: readonly string[],
): void {
  if (urls.some(isRedisUrl)) {
    if (redisCaFile === undefined || urls.some(isTlsUrl)) return;
    // What is wrong with a URL comes first.
    if (!urls.some((url) => /^redis(?:\+unix)?:/i.test(url))) return;
    throw new TransporterError(
      "usage",
      'Cannot use --redis-ca-file as no store speaks TLS: name one with "rediss://HOST"',
    );
  }
  const given = {
    "--redis-password-file": redisPasswordFile,
    "--redis-ca-file": redisCaFile,
    "--replica-name": replicaName,
  };
  for (const [flag, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw new TransporterError(
      "usage",
      `Cannot use ${flag} as no store is in Redis`,
    );
  }
}

async function lockedPath(
  url: string,
  dataDir: string | undefined,
  opened: AsyncDisposableStack,
): Promise<string> {
  const path = sqlitePath(url);
  if (path === undefined) {
    throw new TransporterError(
      "usage",
      `Cannot keep events in "${
        withoutPassword(url)
      }": --store must be "sqlite:PATH", "redis://HOST" or "memory:"`,
    );
  }
  if (dataDir === undefined && !isAbsolute(path)) {
    throw new TransporterError(
      "usage",
      `Cannot keep events in "${
        withoutPassword(url)
      }" without a folder: name one with --data-dir`,
    );
  }
  const file = resolve(dataDir ?? "/", path);
  const folder = dirname(file);
  await openFolder(folder);
  opened.use(await lockFolder(folder, { program: "transporter cp" }));
  return file;
}

/** Warns of a store that forgets, or may, where nobody asked for one. */
export function warnOfVolatile(
  { durability, because }: Pick<Store, "durability" | "because">,
  url: string,
  log: Logger,
): void {
  if (durability !== "memory" || url === "memory:") return;
  log.warn("Store may forget what was accepted when it ends or loses power", {
    durability,
    ...(because === undefined ? {} : { because }),
  });
}
