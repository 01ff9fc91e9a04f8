import { TransporterError } from "@transporter/sdk";

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
  return /^(redis|rediss|valkey|valkeys)(\+[a-z]+)?:/i.test(url);
}

/** A URL as people may see it: without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/^([^:]*:\/\/[^/?#]*?):[^/?#]*@/, "$1:***@");
}

/**
 * Reads the URL of a store in Redis.
 *
 * @throws {TransporterError} `usage`, which says what the forms are and never has the password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse(`the URL cannot be read; it is ${FORMS}`);
  }
  switch (url.protocol) {
    case "redis:":
    case "rediss:":
      return tcpAddress(url);
    case "redis+unix:":
      return { ...common(url), path: socketPath(url), host: "", port: 0 };
    case "redis+sentinel:":
    case "rediss+sentinel:":
      throw refuse(
        "Sentinel is not spoken, as what its failover loses was answered with 202: name one server, or an address that follows the master, with redis://",
      );
    case "redis+cluster:":
    case "rediss+cluster:":
      throw refuse(
        "a cluster cannot do what is written here in one step, as its keys are on several servers: name one server with redis://",
      );
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
    host: decodeURIComponent(host),
    port: Number(url.port || 6379),
  };
}

function socketPath(url: URL): string {
  if (url.host !== "" || url.pathname.length < 2) {
    throw refuse(
      'the path of a socket is whole, as in "redis+unix:///run/redis/redis.sock?db=0"',
    );
  }
  return decodeURIComponent(url.pathname);
}

function common(url: URL): Omit<RedisAddress, "host" | "port"> {
  const unix = url.protocol === "redis+unix:";
  for (const name of url.searchParams.keys()) {
    if (name === "replicas" || unix && name === "db") continue;
    throw refuse(`the URL has "${name}", which is not known; "replicas" is`);
  }
  if (url.hash !== "") throw refuse("the URL has a fragment");
  const path = unix ? "" : url.pathname.replace(/^\//, "");
  const username = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
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
