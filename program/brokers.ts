import type { OpenConsumer, OpenPublisher } from "@transporter/sdk";

/** The schemes of NATS. */
const NATS = ["nats", "tls", "nats+ws", "nats+wss"] as const;

function bySchemes<T>(open: T): Readonly<Record<string, T>> {
  return Object.fromEntries(NATS.map((scheme) => [scheme, open]));
}

/** How a control plane reaches brokers, by URL scheme; what they need is loaded when one is. */
export const consumers: Readonly<Record<string, OpenConsumer>> = bySchemes<
  OpenConsumer
>(async (...args) => {
  const { openNatsConsumer } = await import("@transporter/sdk/nats-ingest");
  return await openNatsConsumer(...args);
});

/** How a producer reaches brokers, by URL scheme. */
export const publishers: Readonly<Record<string, OpenPublisher>> = bySchemes<
  OpenPublisher
>(async (...args) => {
  const { openNatsPublisher } = await import("@transporter/sdk/nats-ingest");
  return await openNatsPublisher(...args);
});
