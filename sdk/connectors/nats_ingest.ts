/**
 * Events through NATS JetStream: both ends, with a confirmation of each step.
 *
 * Producers publish to `tp.TENANT.events.in`. What can never be accepted is
 * found in `tp.TENANT.events.quarantine`, as it came, with the reason in the
 * headers `Transporter-Code` and `Transporter-Message`.
 *
 * @module
 */
import {
  type ConsumerMessages,
  jetstream,
  type JetStreamClient,
  jetstreamManager,
  type JsMsg,
  type StreamInfo,
} from "@nats-io/jetstream";
import {
  headers,
  type MsgHdrs,
  type NatsConnection,
} from "@nats-io/transport-node";
import {
  type BrokerOptions,
  type Consumer,
  type ErrorBody,
  type IngestHandler,
  type IngestMessage,
  type IngestVerdict,
  isEventId,
  type Publisher,
  shownUrl,
  TransporterError,
} from "../mod.ts";
import {
  DURABLE,
  ensureConsumer,
  ensureEvents,
  ensureQuarantine,
  placesOf,
} from "./nats_ingest_streams.ts";
import { connectNats, natsError, watchNats } from "./nats_connection.ts";

/** Messages that one pull delivers at most; those of two may be without a verdict. */
const PULL_MESSAGES_MAX = 128;

/** Bytes that one pull may deliver; servers take messages of 1 MiB unless told otherwise. */
const PULL_BYTES_MAX = 64 * 1024 * 1024;

/** How long a pull waits for messages, in milliseconds; the server has to be heard twice meanwhile. */
const PULL_MS = 2000;

/** Reads headers; names in small letters, since programs in Go write `Ce-Id`. */
function readHeaders(given: MsgHdrs | undefined): Record<string, string> {
  const read: Record<string, string> = {};
  for (const [name, values] of given ?? []) {
    read[name.toLowerCase()] = values.join(", ");
  }
  return read;
}

class NatsConsumer implements Consumer {
  readonly #url: URL;
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #tenant: string;
  readonly #stream: string;
  /** A stream that is made anew counts from 1 again. */
  readonly #prefix: string;
  readonly #lost: Promise<never>;

  constructor(
    url: URL,
    connection: NatsConnection,
    tenant: string,
    { config: { name }, created }: Pick<StreamInfo, "config" | "created">,
  ) {
    this.#url = url;
    this.#connection = connection;
    this.#client = jetstream(connection);
    this.#tenant = tenant;
    this.#stream = name;
    const born = Date.parse(created).toString(36);
    this.#prefix = `nats.${
      name.replaceAll(/[^\w.:-]/g, "_").slice(0, 80)
    }.${born}`;
    const { promise, reject } = Promise.withResolvers<never>();
    connection.closed().then((error) =>
      reject(error ?? new Error("the connection was closed"))
    );
    // A pull or a verdict that the server refuses is answered by nothing else.
    watchNats(connection, reject);
    this.#lost = promise;
    this.#lost.catch(() => {}); // who consumes hears of it
  }

  async consume(
    handle: IngestHandler,
    { signal, idle = () => {} }: {
      readonly signal: AbortSignal;
      readonly idle?: () => void;
    },
  ): Promise<void> {
    // While one pull is judged, the next one comes.
    let before: Promise<unknown> = Promise.resolve();
    try {
      const consumer = await this.#bounded(
        this.#client.consumers.get(this.#stream, DURABLE),
      );
      const longest = this.#connection.info?.max_payload ?? 1024 * 1024;
      const count = Math.max(1, Math.floor(PULL_BYTES_MAX / longest));
      while (!signal.aborted) {
        const messages = await this.#bounded(consumer.fetch({
          max_messages: Math.min(PULL_MESSAGES_MAX, count),
          expires: PULL_MS,
        }));
        const underWay = await this.#read(messages, handle, signal);
        await before;
        before = Promise.all(underWay);
        if (underWay.length === 0) idle();
      }
      await before;
      await this.#bounded(this.#connection.flush()); // the last verdicts
    } catch (cause) {
      await before;
      throw natsError(cause, this.#url);
    }
  }

  /** Whatever waits for an answer stops to wait when the connection is lost. */
  #bounded<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#lost]);
  }

  /** Begins to judge what a pull brings; returns what is under way once it has brought all. */
  async #read(
    messages: ConsumerMessages,
    handle: IngestHandler,
    signal: AbortSignal,
  ): Promise<readonly Promise<void>[]> {
    const stop = () => messages.stop();
    signal.addEventListener("abort", stop, { once: true });
    const underWay: Promise<void>[] = [];
    try {
      const reading = (async () => {
        for await (const message of messages) {
          // Whoever stops has another one take it at once.
          if (signal.aborted) message.nak();
          else underWay.push(this.#judge(message, handle));
        }
      })();
      await this.#bounded(reading);
      return underWay;
    } catch (cause) {
      await Promise.all(underWay);
      throw cause;
    } finally {
      signal.removeEventListener("abort", stop);
      messages.stop();
    }
  }

  async #judge(message: JsMsg, handle: IngestHandler): Promise<void> {
    const delivery = {
      headers: readHeaders(message.headers),
      data: message.data,
      key: this.#keyOf(message),
      at: message.time.getTime(),
      deliveries: message.info.deliveryCount,
      pending: message.info.pending,
    };
    let verdict: IngestVerdict;
    try {
      verdict = await handle(delivery);
      if (verdict.outcome === "refused") {
        await this.#quarantine(delivery, verdict.error);
      }
    } catch {
      verdict = { outcome: "later", delayMs: 1000 };
    }
    if (this.#connection.isClosed()) return; // it is delivered again
    if (verdict.outcome === "taken") message.ack();
    else if (verdict.outcome === "later") message.nak(verdict.delayMs);
    else message.term(verdict.error.code);
  }

  #keyOf(message: JsMsg): string {
    const id = message.headers?.get("Nats-Msg-Id") ?? "";
    return isEventId(id) ? id : `${this.#prefix}.${message.seq}`;
  }

  async #quarantine(
    { headers: given, data, key }: IngestMessage & { readonly key: string },
    { code, message }: ErrorBody,
  ): Promise<void> {
    const more = headers();
    for (const [name, value] of Object.entries(given)) {
      if (!name.startsWith("nats-")) more.set(name, value);
    }
    more.set("Transporter-Code", code);
    more.set("Transporter-Message", message.replaceAll(/\s+/g, " "));
    more.set("Transporter-Key", key);
    await this.#bounded(this.#client.publish(
      placesOf(this.#tenant).quarantine,
      data,
      { headers: more, msgID: `quarantine.${key}` },
    ));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/**
 * Opens a consumer that reads a tenant's stream; makes the stream, if there is
 * none, and the quarantine. For the URL see `connectNats`.
 */
export async function openNatsConsumer(
  url: URL,
  { signal, tenant }: BrokerOptions,
): Promise<Consumer> {
  const name = `transporter cp (${tenant})`;
  const connection = await connectNats(url, { signal, name });
  try {
    const places = placesOf(tenant);
    const manager = await jetstreamManager(connection);
    const stream = await ensureEvents(manager, places);
    await ensureQuarantine(manager, places);
    await ensureConsumer(manager, stream.config.name, places.subject);
    return new NatsConsumer(url, connection, tenant, stream);
  } catch (cause) {
    await connection.close();
    throw natsError(cause, url);
  }
}

class NatsPublisher implements Publisher {
  readonly #url: URL;
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #subject: string;

  constructor(url: URL, connection: NatsConnection, tenant: string) {
    this.#url = url;
    this.#connection = connection;
    this.#client = jetstream(connection);
    this.#subject = placesOf(tenant).subject;
  }

  async publish(
    { id, headers: given, data }: Parameters<Publisher["publish"]>[0],
  ): Promise<void> {
    const max = this.#connection.info?.max_payload ?? Infinity;
    if (data.length > max) {
      throw new TransporterError(
        "too_large",
        `Cannot publish event "${id}" as it has ${data.length} bytes: "${
          shownUrl(this.#url)
        }" takes ${max}; over HTTP it may have 8 MiB`,
      );
    }
    const more = headers();
    for (const [name, value] of Object.entries(given)) more.set(name, value);
    try {
      await this.#client.publish(this.#subject, data, {
        headers: more,
        msgID: id,
      });
    } catch (cause) {
      // This is how the client says that nobody has answered.
      const none = cause instanceof Error &&
        cause.name === "JetStreamNotEnabled";
      if (!none) throw natsError(cause, this.#url);
      throw new TransporterError(
        "unavailable",
        `Cannot publish event "${id}" as no stream of "${
          shownUrl(this.#url)
        }" has "${this.#subject}": a control plane with --ingest makes it`,
        { cause },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** Opens a publisher that puts events into a tenant's stream. For the URL see `connectNats`. */
export async function openNatsPublisher(
  url: URL,
  { signal, tenant }: BrokerOptions,
): Promise<Publisher> {
  const name = `transporter producer (${tenant})`;
  const connection = await connectNats(url, { signal, name });
  return new NatsPublisher(url, connection, tenant);
}
