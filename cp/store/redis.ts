import { type Clock, systemClock, TransporterError } from "@transporter/sdk";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { type Archive, refuseMoved } from "./archive.ts";
import { RedisArchive } from "./redis_archive.ts";
import { readGap } from "./redis_age.ts";
import { readMarks } from "./redis_archive_steps.ts";
import { RedisConnection } from "./redis_connection.ts";
import type { RedisConnectionOptions } from "./redis_driver.ts";
import { redisError } from "./redis_error.ts";
import { RedisGuard } from "./redis_guard.ts";
import { listenToRedis } from "./redis_listen.ts";
import { words } from "./redis_rows.ts";
import { RedisStore } from "./redis_store.ts";
import { parseRedisUrl } from "./redis_url.ts";
import type { SharedStore } from "./shared.ts";

/** Where Redis is, and how it is reached. */
export interface RedisLocation {
  /** Where it is; see {@linkcode parseRedisUrl}. */
  readonly url: string;
  /** A file with the password, when that does not stand in the URL. */
  readonly passwordFile?: string | undefined;
  /** A file with the certificates, PEM, that may sign that of Redis; by default those that the system trusts. */
  readonly caFile?: string | undefined;
}

/** Options of {@linkcode openRedisStore}. */
export interface RedisStoreUrlOptions extends RedisLocation {
  /** What stamps changes; by default the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * Opens a store in Redis as a whole, to move it.
 *
 * @throws {TransporterError} As {@linkcode openRedisStore}; `conflict` when a control plane has it open.
 */
export async function openRedisArchive(
  location: RedisLocation,
): Promise<Archive> {
  const options = await connectionOptions(location);
  const redis = await RedisConnection.open(options);
  try {
    checkServer(String(await redis.ask("INFO", "server")));
    await checkSchema(redis);
    redis.storeId = words(await redis.ask("HMGET", "tp:meta", "id"))
      .find((id) => id !== "null") ?? "";
    const { db } = options.address;
    return await RedisArchive.open({ redis, db, storeId: freshId() });
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw redisError("open", error);
  }
}

async function connectionOptions(
  { url, passwordFile, caFile }: RedisLocation,
): Promise<RedisConnectionOptions> {
  const address = parseRedisUrl(url);
  if (passwordFile !== undefined && address.password !== undefined) {
    throw new TransporterError(
      "usage",
      "Cannot use --redis-password-file with a password in the URL, as one of them would be ignored: leave one out",
    );
  }
  return {
    address,
    password: (await textOf(passwordFile))?.trim(),
    ca: await textOf(caFile),
  };
}

/** The version of what is kept in Redis, and how: 1 had histories in keys of their own, 2 no lists by type; both were in no release. */
const SCHEMA = 3;

/** The oldest Redis that can do all that is asked of it. */
const VERSION_MIN = 7;

/**
 * Opens a store in Redis, which several processes may have open at a time.
 *
 * @throws {TransporterError} `usage` for a URL that cannot be used; `unsupported_version` when another version
 * wrote what is there, or Redis is too old; `store_unavailable` when there is no Redis, or it may throw away what it keeps.
 */
export async function openRedisStore(
  { url, passwordFile, caFile, clock = systemClock }: RedisStoreUrlOptions,
): Promise<SharedStore> {
  const options = await connectionOptions({ url, passwordFile, caFile });
  const redis = await RedisConnection.open(options);
  try {
    checkServer(String(await redis.ask("INFO", "server")));
    await checkSchema(redis);
    refuseMoved(await readMarks(redis));
    const storeId = await nameStore(redis);
    redis.storeId = storeId;
    const { replicas } = options.address;
    const [gap] = words(await redis.ask("HMGET", "tp:meta", "gap"));
    const guard = await RedisGuard.start({ redis, replicas, clock });
    return new RedisStore({
      redis,
      guard,
      self: randomBytes(6).toString("hex"),
      host: hostname(),
      clock,
      gap: gap === undefined || gap === "null"
        ? undefined
        : readGap(gap, clock.now()),
      listen: (listener) => listenToRedis(options, storeId, listener),
    });
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw redisError("open", error);
  }
}

async function textOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TransporterError(
      "usage",
      `Cannot read "${path}", which says how Redis is reached: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * Refuses a server that cannot do what is asked of it.
 *
 * @param info What it says of itself (`INFO server`).
 * @throws {TransporterError} `unsupported_version`, `usage`.
 */
export function checkServer(info: string): void {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? "unknown";
  if (!(Number.parseInt(version) >= VERSION_MIN)) {
    throw new TransporterError(
      "unsupported_version",
      `Cannot keep events in Redis ${version}: Redis ${VERSION_MIN} or newer is needed`,
    );
  }
  if (/^redis_mode:sentinel/m.test(info)) {
    throw new TransporterError(
      "usage",
      "Cannot keep events in a Redis Sentinel, which watches over servers and keeps nothing: name the master, or an address that follows it",
    );
  }
  if (/^redis_mode:cluster/m.test(info)) {
    throw new TransporterError(
      "usage",
      "Cannot keep events in a Redis cluster, as what is written here in one step would be on several servers: name one server that is not in a cluster",
    );
  }
}

/** Refuses what another version wrote; what is not there yet is of this one. */
async function checkSchema(redis: RedisConnection): Promise<void> {
  await redis.ask("HSETNX", "tp:meta", "schema", String(SCHEMA));
  const schema = await redis.ask("HGET", "tp:meta", "schema");
  if (Number(schema) === SCHEMA) return;
  const what = Number(schema) < SCHEMA
    ? "move it to SQLite with the program that wrote it (transporter migrate), and from there into an empty Redis with this one"
    : "use the program that wrote it, or a newer one";
  throw new TransporterError(
    "unsupported_version",
    `Cannot use what is kept in Redis as it has version ${schema}, and this program knows version ${SCHEMA}: ${what}`,
  );
}

/** What the store that is there is called; one that is not there yet gets a name. */
async function nameStore(redis: RedisConnection): Promise<string> {
  await redis.ask("HSETNX", "tp:meta", "id", freshId());
  return String(await redis.ask("HGET", "tp:meta", "id"));
}

function freshId(): string {
  return randomBytes(12).toString("hex");
}
