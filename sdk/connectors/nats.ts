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
  type Dial,
  ERROR_CODES,
  type ErrorCode,
  isRecord,
  parseJson,
  TransporterError,
  type Wire,
} from "../mod.ts";
import {
  abortable,
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

/** Options of {@linkcode natsDial}. */
export interface NatsDialOptions extends NatsTimes {
  /** Whose control plane. */
  readonly tenant: string;
  /** The agent that dials: over NATS, who one is stands in the subject. */
  readonly agentId: string;
}

/** How long a control plane may take to answer, in milliseconds. */
const ANSWER_MS_MAX = 10_000;

/**
 * Makes the {@linkcode Dial} of one agent. Each wire has a connection of its
 * own, which is over when the wire is.
 *
 * @param options Which agent, and how long its wires wait for the server.
 * @returns Dials `nats://`, `tls://`, `nats+ws://` and `nats+wss://`.
 */
export function natsDial(options: NatsDialOptions): Dial {
  const { tenant, agentId, ...times } = options;
  const subjects = subjectsOf(tenant, agentId);
  return async (url, { signal, frameBytesMax, token }) => {
    const connection = await connectNats(url, {
      signal,
      name: `transporter agent ${agentId}`,
      inboxPrefix: subjects.inbox,
      ...(token === undefined ? {} : { token }),
    });
    try {
      const session = await abortable(
        register(connection, subjects.reg),
        signal,
      );
      return open(connection, { url, session, subjects, frameBytesMax, times });
    } catch (cause) {
      await connection.close();
      signal.throwIfAborted();
      throw registrationError(cause, url);
    }
  };
}

/** Asks for a session; returns its name. */
async function register(
  connection: NatsConnection,
  subject: string,
): Promise<string> {
  const answer = await connection.request(subject, '{"v":1}', {
    timeout: ANSWER_MS_MAX,
  });
  const body = parseJson(answer.string());
  const { session, code, message } = isRecord(body) ? body : {};
  if (typeof session === "string") return session;
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

interface Opening {
  readonly url: URL;
  readonly session: string;
  readonly subjects: AgentSubjects;
  readonly frameBytesMax: number;
  readonly times: NatsTimes;
}

/** The agent's end. */
function open(
  connection: NatsConnection,
  { url, session, subjects, frameBytesMax, times }: Opening,
): Wire {
  // Where the server says that nobody takes what this end sends: its session is over.
  const nobody = `${subjects.inbox}.${session}.up`;
  const wire = new NatsWire({
    ...times,
    frameBytesMax,
    sendBytesMax: (connection.info?.max_payload ?? 0) - HEADER_BYTES,
    carrier: {
      publish(parcel, data) {
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
