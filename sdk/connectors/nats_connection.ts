/**
 * Connections to a NATS server: what a URL says of it, who one is there, and
 * what goes wrong, in our words. The wire and the ingest stand on it.
 *
 * @module
 */
import {
  connect,
  type ConnectionOptions,
  errors,
  type NatsConnection,
  wsconnect,
} from "@nats-io/transport-node";
import { abortable, TransporterError } from "../mod.ts";
import { readNatsUrl } from "./nats_url.ts";
import { unavailable } from "./nats_wire.ts";

export type { NatsConnection };

/** How long the server may be silent before it is asked whether it lives, in milliseconds. */
const PING_MS = 10_000;

/** How long it may take to connect, in milliseconds. */
const CONNECT_MS_MAX = 10_000;

/** How long a server may take to say that it has what was published, in milliseconds; one that hangs is not waited for. */
const FLUSH_MS_MAX = 2_000;

/** Options of {@linkcode connectNats}. */
export interface NatsOptions {
  /** Gives up connecting; does not affect an open connection. */
  readonly signal?: AbortSignal;
  /** What the server is told of this program, for people. */
  readonly name: string;
  /** Where answers go: the subject that all inboxes begin with. */
  readonly inboxPrefix?: string;
  /** Who one is, when the URL does not say. */
  readonly token?: string;
}

/**
 * Connects to a NATS server: `nats://`, `tls://` (refused without TLS), or its
 * WebSocket form `nats+ws://` and `nats+wss://`, which with TLS goes through proxies.
 * Who one is stands in the URL (`nats://user:password@host`,
 * `nats://token@host`) or in files that its query names: `creds`, `nkey`,
 * `token_file`, `password_file`; for TLS `ca`, `cert` and `key`.
 *
 * @param url The server.
 * @param options What it is for.
 * @throws {TransporterError} `unavailable`, `unauthenticated`, `usage` for a URL that does not fit;
 * the signal's reason when it aborts first.
 */
export async function connectNats(
  url: URL,
  options: NatsOptions,
): Promise<NatsConnection> {
  const { signal, name, inboxPrefix } = options;
  signal?.throwIfAborted();
  const { isSocket, ...target } = await readNatsUrl(url, options.token);
  if (!isSocket) ignoreResets();
  const all: ConnectionOptions = {
    ...target,
    name,
    pingInterval: PING_MS,
    maxPingOut: 2,
    timeout: CONNECT_MS_MAX,
    reconnect: false,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  };
  const connecting = dial(isSocket, all);
  try {
    return await abortable(connecting, signal);
  } catch (cause) {
    connecting.then((late) => late.close(), () => {}); // nobody waits for it any more
    signal?.throwIfAborted();
    throw natsError(cause, url);
  }
}

const dialling = new Set<
  { readonly isSocket: boolean; readonly done: Promise<unknown> }
>();

/** The library knows one way to connect at a time, for the whole process: those of the other one are waited for. */
async function dial(
  isSocket: boolean,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  while (true) {
    const other = [...dialling].find((each) => each.isSocket !== isSocket);
    if (other === undefined) break;
    await other.done;
  }
  const connecting = (isSocket ? wsconnect : connect)(options);
  const entry = { isSocket, done: connecting.catch(() => {}) };
  dialling.add(entry);
  try {
    return await connecting;
  } finally {
    dialling.delete(entry);
  }
}

/** What an error of the library means here. */
export function natsError(cause: unknown, url: URL): TransporterError {
  if (cause instanceof TransporterError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const host = `NATS at "${url.host}"`;
  if (error instanceof errors.UserAuthenticationExpiredError) {
    return new TransporterError(
      "unauthenticated",
      `Cannot use ${host} any longer as the credentials have expired: renew them`,
      { cause },
    );
  }
  if (
    error instanceof errors.AuthorizationError ||
    /auth\w* required|no nkey|nkey.*seed/i.test(error.message)
  ) {
    return new TransporterError(
      "unauthenticated",
      `Cannot use ${host} as it does not accept the credentials: see to the user, token, "creds" or "nkey" of its URL`,
      { cause },
    );
  }
  // What refuses a request is the cause of what the request ends with.
  const denied = [error, error.cause].find((each) =>
    each instanceof errors.PermissionViolationError
  );
  if (denied !== undefined) {
    const verb = denied.operation === "publish" ? "publish to" : "subscribe to";
    return new TransporterError(
      "denied",
      `Cannot use ${host} as the user may not ${verb} "${denied.subject}": see docs/nats.md for what it needs`,
      { cause },
    );
  }
  return new TransporterError(
    "unavailable",
    `Cannot connect to ${host}: ${reasonOf(error)}`,
    { cause },
  );
}

/** The innermost sentence, as the library wraps what the system said. */
function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : error.message || error.name;
}

/** Sees what the server refuses later on, such as a subject, until the connection ends. */
export async function watchNats(
  connection: NatsConnection,
  refused: (error: Error) => void,
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === "error") refused(status.error);
  }
}

/** Resolves with why a connection is over, once it is. */
export async function lost(
  connection: NatsConnection,
  url: URL,
): Promise<TransporterError> {
  const reason = await connection.closed();
  if (!(reason instanceof Error)) {
    return unavailable("the connection to NATS was lost");
  }
  const error = natsError(reason, url);
  return error.code === "unavailable"
    ? unavailable(`the connection to NATS was lost: ${reasonOf(reason)}`)
    : error;
}

/** Resolves when the server has what was published, the connection is over, or it takes too long. */
export async function flushed(connection: NatsConnection): Promise<void> {
  if (connection.isClosed()) return;
  const written = connection.flush().catch(() => {}); // it is over
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS_MAX);
  });
  await Promise.race([written, connection.closed(), late]);
  clearTimeout(timer);
}

let ignoring = false;

/**
 * The library takes its listeners off a socket that it is done with, and Deno
 * then ends the program when the server resets that connection, as it does
 * after it refused one, or says by TLS what it misses. An error of a socket
 * that nobody listens for matters to nobody.
 */
function ignoreResets(): void {
  if (ignoring) return;
  ignoring = true;
  globalThis.addEventListener("error", (event) => {
    if (isOfSocket(event.error)) event.preventDefault();
  });
}

function isOfSocket(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "EPIPE" ||
    error.message.startsWith("received fatal alert: ");
}
