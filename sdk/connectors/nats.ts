/**
 * Wires over NATS, both ends. A session is asked for by request and reply;
 * frames to the agent go through a stream, where each agent has a durable
 * consumer, and frames of the agent are published to the control plane that has
 * its session. What the server stores is a buffer: receipts are frames of ours.
 *
 * @module
 */
import { errors, type NatsConnection } from "@nats-io/transport-node";
import {
  abortable,
  type DialOptions,
  ERROR_CODES,
  type ErrorCode,
  isRecord,
  parseJson,
  TransporterError,
  type Wire,
} from "../mod.ts";
import {
  connectNats,
  flushed,
  lost,
  natsError,
  watchNats,
} from "./nats_connection.ts";
import { pull } from "./nats_pull.ts";
import {
  type AgentSubjects,
  HEADER_BYTES,
  readParcel,
  subjectsOf,
  writeParcel,
} from "./nats_subjects.ts";
import { type NatsTimes, NatsWire, unavailable } from "./nats_wire.ts";

export type { NatsTimes };
export { isNatsUrl, showNatsUrl } from "./nats_url.ts";
export { NatsAgents, type NatsAgentsOptions } from "./nats_agents.ts";

/** Options of {@linkcode dialNats}: what {@linkcode Dial} gives, and more. */
export interface NatsDialOptions extends DialOptions, NatsTimes {
  /** Whose control plane it is; `default` when left out. */
  readonly tenant?: string;
}

/** How long a control plane may take to answer, in milliseconds. */
const ANSWER_MS_MAX = 10_000;

/**
 * Opens a wire over NATS. It has a connection of its own, which is over when
 * the wire is.
 *
 * @param url The server: `nats:`, `tls:`, `nats+ws:` or `nats+wss:`.
 * @param options Which agent, and how long the wire waits for the server.
 * @returns The open wire.
 * @throws {TransporterError} `unavailable` when no server or no control plane answers,
 * `unauthenticated` or `denied` by the server, `slow_down` by a control plane that is busy; `usage`
 * for a URL that does not fit; the signal's reason when it aborts first.
 */
export async function dialNats(
  url: URL,
  options: NatsDialOptions,
): Promise<Wire> {
  const {
    signal,
    tenant = "default",
    agentId,
    token,
    frameBytesMax,
    ...times
  } = options;
  if (agentId === undefined) {
    throw new TransporterError(
      "usage",
      "Cannot dial over NATS without the id of the agent",
    );
  }
  const subjects = subjectsOf(tenant, agentId);
  const connection = await connectNats(url, {
    signal,
    name: `transporter agent ${agentId}`,
    inboxPrefix: subjects.inbox,
    ...(token === undefined ? {} : { token }),
  });
  try {
    const asked = register(connection, subjects.reg);
    const agreed = await abortable(asked, signal);
    return open(connection, {
      ...{ url, subjects, frameBytesMax, times },
      ...agreed,
    });
  } catch (cause) {
    await connection.close();
    signal.throwIfAborted();
    throw registrationError(cause, url);
  }
}

/** What both ends know of a session. */
interface Agreed {
  readonly session: string;
  /** Whether several frames may go in one message; older versions know nothing of it. */
  readonly gathers: boolean;
}

/** Asks for a session. */
async function register(
  connection: NatsConnection,
  subject: string,
): Promise<Agreed> {
  const answer = await connection.request(subject, '{"v":1,"gathers":true}', {
    timeout: ANSWER_MS_MAX,
  });
  const body = parseJson(answer.string());
  const { session, gathers, code, message } = isRecord(body) ? body : {};
  if (typeof session === "string") {
    return { session, gathers: gathers === true };
  }
  const isKnown = typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
  throw new TransporterError(
    isKnown ? code as ErrorCode : "unavailable",
    typeof message === "string"
      ? message
      : "Cannot connect as the control plane gives no answer that this version knows",
  );
}

function registrationError(cause: unknown, url: URL): TransporterError {
  if (cause instanceof errors.RequestError && cause.isNoResponders()) {
    return new TransporterError(
      "unavailable",
      `Cannot connect as no control plane serves agents at NATS "${url.host}"`,
      { cause },
    );
  }
  if (cause instanceof errors.TimeoutError) {
    return new TransporterError(
      "unavailable",
      `Cannot connect as no control plane answers at NATS "${url.host}"`,
      { cause },
    );
  }
  return natsError(cause, url);
}

/**
 * How long an agent says nothing before it asks whether anybody listens, in
 * milliseconds: a control plane that was killed leaves no trace at the server.
 */
const QUIET_MS = 4_000;

interface Opening extends Agreed {
  readonly url: URL;
  readonly subjects: AgentSubjects;
  readonly frameBytesMax: number;
  readonly times: NatsTimes;
}

/** The agent's end. */
function open(
  connection: NatsConnection,
  { url, session, gathers, subjects, frameBytesMax, times }: Opening,
): Wire {
  // Where the server says that nobody takes what this end sends: its session is over.
  const nobody = `${subjects.inbox}.${session}.up`;
  let saidAt = performance.now();
  const wire = new NatsWire({
    ...times,
    frameBytesMax,
    gathers,
    sendBytesMax: (connection.info?.max_payload ?? 0) - HEADER_BYTES,
    carrier: {
      publish(parcel, data) {
        saidAt = performance.now();
        connection.publish(subjects.up, data, {
          headers: writeParcel(session, parcel),
          reply: nobody,
        });
      },
      async release() {
        await flushed(connection);
        await connection.close();
      },
    },
  });
  connection.subscribe(nobody, {
    callback: () =>
      wire.ended(unavailable("the control plane has ended the session")),
  });
  const asking = setInterval(() => {
    if (performance.now() - saidAt < QUIET_MS) return;
    connection.publish(subjects.up, undefined, { reply: nobody }); // no frame: whoever is there leaves it
  }, QUIET_MS / 4);
  connection.closed().then(() => clearInterval(asking));
  pull(connection, {
    subjects,
    inbox: `${subjects.inbox}.${session}.down`,
    take({ headers, data }) {
      const parcel = readParcel(session, headers);
      if (parcel !== undefined) wire.receive(parcel, data);
    },
    ended: (reason) => wire.ended(reason),
  });
  lost(connection, url).then((error) => wire.ended(error));
  watchNats(connection, (error) => wire.ended(natsError(error, url)));
  return wire;
}
