import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";

/** Messages without a verdict, delayed ones too, at which the server delivers no more. */
const UNDER_WAY_MAX = 1000;

/** How long the server waits for a verdict before it delivers again, in milliseconds. */
const VERDICT_MS_MAX = 5000;

/** How long what was refused is kept, in milliseconds, and how much of it. */
const QUARANTINE_MS = 30 * 24 * 3600_000;
const QUARANTINE_MESSAGES_MAX = 100_000;

/** The name of the durable consumer: what one replica did not judge, another one does. */
export const DURABLE = "transporter";

/** Subjects and streams of a tenant. */
export interface NatsPlaces {
  /** Where producers publish. */
  readonly subject: string;
  /** The stream that has it, unless another one does. */
  readonly stream: string;
  /** Where what is refused is published. */
  readonly quarantine: string;
  /** The stream that has that. */
  readonly quarantineStream: string;
  /** Where it is told how events ended. */
  readonly results: string;
  /** The stream that has that. */
  readonly resultsStream: string;
}

/** What the control plane uses of a tenant's at a NATS server. */
export function placesOf(tenant: string): NatsPlaces {
  return {
    subject: `tp.${tenant}.events.in`,
    stream: `TP_${tenant}_EVENTS`,
    quarantine: `tp.${tenant}.events.quarantine`,
    quarantineStream: `TP_${tenant}_QUARANTINE`,
    results: `tp.${tenant}.events.out`,
    resultsStream: `TP_${tenant}_RESULTS`,
  };
}

/** Finds the stream that has a subject, or makes one. */
export async function ensureStream(
  manager: JetStreamManager,
  { name, subject, config }: {
    readonly name: string;
    readonly subject: string;
    readonly config: Partial<StreamConfig>;
  },
): Promise<StreamInfo> {
  const [found] = await manager.streams.list(subject).next();
  if (found !== undefined) return found;
  return await manager.streams.add({ name, subjects: [subject], ...config });
}

/** Finds the stream of events, or makes one that keeps each until there is a verdict. */
export function ensureEvents(
  manager: JetStreamManager,
  { stream: name, subject }: NatsPlaces,
): Promise<StreamInfo> {
  // A full one refuses producers: what it has taken is not thrown away.
  const config = {
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
  };
  return ensureStream(manager, { name, subject, config });
}

/** Finds the stream of what was refused, or makes one. */
export function ensureQuarantine(
  manager: JetStreamManager,
  { quarantineStream: name, quarantine: subject }: NatsPlaces,
): Promise<StreamInfo> {
  const config = {
    max_age: QUARANTINE_MS * 1e6,
    max_msgs: QUARANTINE_MESSAGES_MAX,
    discard: DiscardPolicy.Old,
  };
  return ensureStream(manager, { name, subject, config });
}

/** Finds the durable consumer, or makes it. */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  subject: string,
): Promise<void> {
  // The same again changes nothing; another one under this name is refused.
  await manager.consumers.add(stream, {
    durable_name: DURABLE,
    description: "Control planes of Transporter",
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: VERDICT_MS_MAX * 1e6,
    max_ack_pending: UNDER_WAY_MAX,
    max_deliver: -1,
  });
}
