/**
 * What every connection to a Redis has in common, whatever it is for.
 *
 * @module
 */
import { systemClock } from "@transporter/sdk";
import type { Redis } from "ioredis";
import type { RedisAddress } from "./redis_url.ts";

/** Options of {@linkcode RedisConnection.open}. */
export interface RedisConnectionOptions {
  /** Where Redis is. */
  readonly address: RedisAddress;
  /** The password, when it does not stand in the URL. */
  readonly password?: string | undefined;
  /** Who may sign its certificate, PEM; by default those that the system trusts. */
  readonly ca?: string | undefined;
}

/** Milliseconds without a byte from Redis, while it owes one, after which the connection is given up. */
const SILENCE_MS_MAX = 10_000;

/** Milliseconds that a connection may take. */
const CONNECT_MS_MAX = 5000;

/** Milliseconds until a connection that is ended is torn down, if Redis does not end it too. */
const DISCONNECT_MS = 50;

/** Ends a connection, and waits until it has ended. */
export async function endOf(redis: Redis): Promise<void> {
  if (redis.status === "end") return;
  if (redis.status === "reconnecting") {
    redis.disconnect();
    // There is none that could end; the driver waits for the last one all the same.
    return await systemClock.sleep(DISCONNECT_MS);
  }
  const ended = new Promise<void>((resolve) => redis.once("end", resolve));
  redis.disconnect();
  await ended;
}

/** Options of the driver that every connection to this Redis has. */
export function driverOptions(
  { address, password, ca }: RedisConnectionOptions,
) {
  const { host, port, path, username, db, tls } = address;
  const secret = password ?? address.password;
  return {
    ...(path === undefined ? { host, port } : { path }),
    db,
    protocol: 2 as const,
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(tls ? { tls: ca === undefined ? {} : { ca } } : {}),
    connectTimeout: CONNECT_MS_MAX,
    disconnectTimeout: DISCONNECT_MS,
    socketTimeout: SILENCE_MS_MAX,
    disableClientInfo: true,
    connectionName: "transporter",
    // Never sent twice: what was on its way is told to whoever asked.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  };
}
