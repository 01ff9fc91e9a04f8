import type { Clock } from "@transporter/sdk";
import type { Target } from "./relay.ts";

/** Where the API server is, and how to prove who we are. */
export interface Access {
  /** Scheme, host, port and path prefix, without a slash at the end. */
  readonly server: string;
  /** What a connection needs; a change of it needs a new one. */
  readonly connection: Connection;
  /** Sent as a bearer token. */
  readonly token?: string | undefined;
}

/** What a TLS connection to the API server needs. */
export interface Connection {
  /** The certificate authority of the server, PEM; without one the system's are trusted. */
  readonly ca?: string | undefined;
  /** The client certificate, PEM. */
  readonly cert?: string | undefined;
  /** Its private key, PEM. */
  readonly key?: string | undefined;
  /** The proxy to go through. */
  readonly proxy?: string | undefined;
  /** Where the server is, when its address is the name in its certificate instead. */
  readonly at?: Target | undefined;
}

/** Where {@linkcode Access} comes from; it changes as files and tokens rotate. */
export interface AccessSource {
  /**
   * What is valid now. May be called often and concurrently.
   *
   * @param refused The access that the server answered 401 to; it is not given again unread.
   * @throws {TransporterError} `no_cluster` or `unauthenticated`.
   */
  current(refused?: Access): Promise<Access>;
}

/** How long what was read from files is used, in milliseconds; a kubelet rotates a token minutes before it ends. */
const FRESH_MS = 10_000;

/**
 * Reads access again when it is ten seconds old, or was refused.
 *
 * @param load Reads it. One call at a time.
 * @param clock Where time comes from.
 */
export function rereadAccess(
  load: (refused: boolean) => Promise<Access>,
  clock: Clock,
): AccessSource {
  let access: Access | undefined;
  let readAt = 0;
  let reading: Promise<Access> | undefined;
  async function read(refused: boolean): Promise<Access> {
    try {
      access = await load(refused);
      readAt = clock.monotonic();
      return access;
    } finally {
      reading = undefined;
    }
  }
  return {
    async current(refused) {
      const usable = access !== undefined && access !== refused &&
        clock.monotonic() - readAt < FRESH_MS;
      if (usable && access !== undefined) return access;
      reading ??= read(refused !== undefined && refused === access);
      return await reading;
    },
  };
}
