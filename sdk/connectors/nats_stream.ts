import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { TransporterError } from "../mod.ts";
import { natsError } from "./nats_connection.ts";
import { type AgentSubjects, downStream } from "./nats_subjects.ts";

/** Frames to one agent that the server hands over and does not know as received. */
const ACK_PENDING_MAX = 1024;

/** How long the server keeps the consumer of an agent that stays away, in milliseconds. */
const CONSUMER_MS = 24 * 3_600_000;

/**
 * The bounds of the stream: a buffer, so in memory; what is in it for longer
 * than a session may be silent is of no session any more. No work queue: taking
 * out what was acknowledged costs the server twice as much with 500 agents, and
 * more with each.
 */
const STREAM = {
  storage: StorageType.Memory,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  max_bytes: 256 * 1024 * 1024,
  max_age: nanos(60_000),
  duplicate_window: nanos(10_000),
};

/** What the server says of what is not there. @see {@link https://github.com/nats-io/nats-server/blob/main/server/errors.json} */
const CONSUMER_NOT_FOUND = 10014;
const STREAM_NOT_FOUND = 10059;

function isNotFound(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/**
 * Finds JetStream.
 *
 * @throws {TransporterError} `unavailable` when the account has none, `denied` when the user may not ask.
 */
export async function openManager(
  connection: NatsConnection,
  url: URL,
): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection);
  } catch (cause) {
    const error = natsError(cause, url);
    if (error.code === "denied") throw error;
    throw new TransporterError(
      "unavailable",
      `Cannot serve agents over NATS at "${url.host}" as its JetStream cannot be used: enable it for the account`,
      { cause },
    );
  }
}

/** Makes the stream of frames to agents where there is none; one that is there stays as its operator made it. */
export async function openStream(
  { streams }: JetStreamManager,
  tenant: string,
): Promise<void> {
  const { name, subjects } = downStream(tenant);
  try {
    await streams.info(name);
  } catch (error) {
    if (!isNotFound(error, STREAM_NOT_FOUND)) throw error;
    await streams.add({ name, subjects, ...STREAM });
  }
}

/**
 * Gives an agent a consumer without a past: whoever pulls from the old one is
 * told that it is gone, and frames of sessions before are nobody's.
 */
export async function renewConsumer(
  { consumers, streams }: JetStreamManager,
  { stream, consumer, down }: AgentSubjects,
): Promise<void> {
  try {
    await consumers.delete(stream, consumer);
  } catch (error) {
    if (!isNotFound(error, CONSUMER_NOT_FOUND)) throw error;
  }
  await streams.purge(stream, { filter: down });
  await consumers.add(stream, {
    durable_name: consumer,
    filter_subject: down,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: ACK_PENDING_MAX,
    inactive_threshold: nanos(CONSUMER_MS),
    mem_storage: true,
  });
}
