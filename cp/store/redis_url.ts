import { decodePart, TransporterError } from "@transporter/sdk";

/** What a store's URL says of where Redis is. */
export interface RedisAddress {
  /** A name or an address. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Its Unix socket, instead of both. */
  readonly path?: string;
  /** Whether TLS is spoken. */
  readonly tls: boolean;
  /** Who asks. */
  readonly username?: string;
  /** The password that stands in the URL. */
  readonly password?: string;
  /** The number of the database. */
  readonly db: number;
  /** How many replicas have to have what counts as written. */
  readonly replicas: number;
}

const FORMS =
  `"redis://[USER[:PASSWORD]@]HOST[:PORT][/NUMBER]", "rediss://…" with TLS, or "redis+unix:///PATH"`;

/** The error of a URL that cannot be used; it never shows a password. */
function refuse(why: string): TransporterError {
  return new TransporterError("usage", `Cannot keep events in Redis: ${why}`);
}

/** Whether a store's URL is meant for Redis. */
export function isRedisUrl(url: string): boolean {
  return /^(?:(?:rediss?|valkeys?)(?:[+-][a-z]+)?|sentinel):/i.test(url);
}

/** Whether a store's URL has Redis speak TLS. */
export function isTlsUrl(url: string): boolean {
  return /^rediss:/i.test(url);
}

/**
 * Reads the URL of a store in Redis.
 *
 * @throws {TransporterError} `usage`, which says what the forms are and never has the password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  // They may name several servers, which no URL does.
  if (/^(?:rediss?[+-])?sentinel:/i.test(text)) {
    throw refuse(
      "Sentinel is not spoken, as what its failover loses was answered with 202: name one server, or an address that follows the master, with redis://",
    );
  }
  if (/^rediss?[+-]cluster:/i.test(text)) {
    throw refuse(
      "a cluster cannot do what is written here in one step, as its keys are on several servers: name one server with redis://",
    );
  }
  const url = URL.parse(text);
  if (url === null) {
    throw refuse(`the URL cannot be read; it is ${FORMS}`);
  }
  switch (url.protocol) {
    case "redis:":
    case "rediss:":
      return tcpAddress(url);
    case "redis+unix:":
      return { ...common(url), path: socketPath(url), host: "", port: 0 };
    default:
      throw refuse(`"${url.protocol}" is not known; the URL is ${FORMS}`);
  }
}

function tcpAddress(url: URL): RedisAddress {
  if (url.hostname.includes(",") || url.host.includes(",")) {
    throw refuse("one server is named, not several");
  }
  if (url.hostname === "") throw refuse(`the URL names no host: ${FORMS}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    ...common(url),
    host: decodePart(host, url),
    port: Number(url.port || 6379),
  };
}

function socketPath(url: URL): string {
  if (url.host !== "" || url.pathname.length < 2) {
    throw refuse(
      'the path of a socket is whole, as in "redis+unix:///run/redis/redis.sock?db=0"',
    );
  }
  return decodePart(url.pathname, url);
}

function common(url: URL): Omit<RedisAddress, "host" | "port"> {
  const unix = url.protocol === "redis+unix:";
  for (const name of url.searchParams.keys()) {
    if (name === "replicas" || unix && name === "db") continue;
    throw refuse(`the URL has "${name}", which is not known; "replicas" is`);
  }
  if (url.hash !== "") throw refuse("the URL has a fragment");
  const path = unix ? "" : url.pathname.replace(/^\//, "");
  const username = decodePart(url.username, url);
  const password = decodePart(url.password, url);
  return {
    tls: url.protocol === "rediss:",
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
    db: count(
      unix ? url.searchParams.get("db") : path,
      "the number of a database",
    ),
    replicas: count(url.searchParams.get("replicas"), '"replicas"'),
  };
}

function count(text: string | null, what: string): number {
  if (text === null || text === "") return 0;
  if (!/^\d{1,4}$/.test(text)) throw refuse(`${what} is a number: "${text}"`);
  return Number(text);
}
