/**
 * Results to NATS JetStream: published to `tp.TENANT.events.out`, with a
 * confirmation.
 *
 * @module
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import {
  abortable,
  type BrokerOptions,
  CLOUD_EVENT_TYPE,
  type ResultSink,
  writeCloudEvent,
} from "../mod.ts";
import { connectNats, natsError } from "./nats_connection.ts";
import { ensureStream, placesOf } from "./nats_ingest_streams.ts";

/** How long results are kept for whoever reads them, in milliseconds. */
const KEPT_MS = 30 * 24 * 3600_000;

/** Opens a sink that publishes; makes the stream if there is none. For the URL see `connectNats`. */
export async function openNatsSink(
  url: URL,
  { signal, tenant }: BrokerOptions,
): Promise<ResultSink> {
  const name = `transporter cp results (${tenant})`;
  const connection = await connectNats(url, { signal, name });
  try {
    const { results: subject, resultsStream } = placesOf(tenant);
    await ensureStream(await jetstreamManager(connection), {
      name: resultsStream,
      subject,
      config: { max_age: KEPT_MS * 1e6 },
    });
    const client = jetstream(connection);
    return {
      async deliver(event, { signal }) {
        const more = headers();
        more.set("content-type", CLOUD_EVENT_TYPE);
        const data = new TextEncoder().encode(writeCloudEvent(event));
        const published = client.publish(subject, data, {
          headers: more,
          msgID: event.id,
        });
        try {
          await abortable(published, signal);
        } catch (cause) {
          published.catch(() => {}); // nobody waits for it any more
          throw natsError(cause, url);
        }
      },
      [Symbol.asyncDispose]: () => connection.close(),
    };
  } catch (cause) {
    await connection.close();
    throw natsError(cause, url);
  }
}
