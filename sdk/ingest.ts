import type { ErrorBody } from "./error.ts";

/** A message with an event, on its way to a control plane. */
export interface IngestMessage {
  /** What goes with it, by names in small letters: `content-type`, attributes of a CloudEvent. */
  readonly headers: Readonly<Record<string, string>>;
  /** The event: JSON of ours, or a CloudEvent. */
  readonly data: Uint8Array;
}

/** A message that a broker delivers. */
export interface IngestDelivery extends IngestMessage {
  /** Names this one message, at each delivery of it, and no other one ever; fit to be the id of an event. */
  readonly key: string;
  /** When the broker took it, in milliseconds since 1970. */
  readonly at: number;
  /** How often it was delivered, this time too. */
  readonly deliveries: number;
  /** How many wait behind it. */
  readonly pending: number;
}

/** What is to become of a message. */
export type IngestVerdict =
  /** It is kept durably: the broker may forget it. */
  | { readonly outcome: "taken" }
  /** It is to be delivered again, after a while. */
  | { readonly outcome: "later"; readonly delayMs: number }
  /** It will never be taken: it goes to the quarantine, and is not delivered again. */
  | { readonly outcome: "refused"; readonly error: ErrorBody };

/** Judges a message. What it throws counts as "later". */
export type IngestHandler = (
  delivery: IngestDelivery,
) => Promise<IngestVerdict>;

/**
 * The end of a broker at which events come out. Each message is delivered at
 * least once, until there is a verdict on it; what has none when the consumer
 * ends is delivered again, to this one or to another of the same name.
 */
export interface Consumer extends AsyncDisposable {
  /**
   * Delivers messages, several at a time, in their order as far as nothing goes
   * wrong. A refused one is in the quarantine before the broker forgets it.
   *
   * @param handle Judges messages.
   * @param options `signal`: no more are delivered; those under way come to their end. `idle` is
   * called when there is nothing more to deliver: a sign of life.
   * @returns When the signal has aborted.
   * @throws {TransporterError} `unavailable` when it cannot go on: open another one.
   */
  consume(
    handle: IngestHandler,
    options: { readonly signal: AbortSignal; readonly idle?: () => void },
  ): Promise<void>;
}

/** A message that is about to be published. */
export interface NewMessage extends IngestMessage {
  /** The event's id, by which a broker knows it again within some minutes. */
  readonly id: string;
}

/** The end of a broker into which producers put events. */
export interface Publisher extends AsyncDisposable {
  /**
   * Publishes a message.
   *
   * @returns When the broker keeps it.
   * @throws {TransporterError} `unavailable`: nobody knows whether it is kept, and the same id may be
   * published again. `too_large`.
   */
  publish(message: NewMessage): Promise<void>;
}

/** How to reach a broker. */
export interface BrokerOptions {
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Whose events they are. */
  readonly tenant: string;
}

/**
 * Opens a consumer; makes what it needs at the broker.
 *
 * @throws {TransporterError} `unavailable`, `unauthenticated`, `denied`, `usage`.
 */
export type OpenConsumer = (
  url: URL,
  options: BrokerOptions,
) => Promise<Consumer>;

/**
 * Opens a publisher.
 *
 * @throws {TransporterError} As {@linkcode OpenConsumer}.
 */
export type OpenPublisher = (
  url: URL,
  options: BrokerOptions,
) => Promise<Publisher>;

/** How often a message may be delivered that nobody says anything about, before it counts as refused. */
export const DELIVERIES_MAX = 5;
