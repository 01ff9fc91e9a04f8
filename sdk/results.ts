import type { CloudEvent } from "./cloud_event.ts";
import type { BrokerOptions } from "./ingest.ts";

/** Somebody who wants to hear how events end. */
export interface ResultSink extends AsyncDisposable {
  /**
   * Delivers one result. The same one may come again, under the same id.
   *
   * @param event The result.
   * @param options `signal`: gives up.
   * @returns When the receiver has it.
   * @throws {TransporterError} When nobody knows that; `details.retry_after_ms` says when to try again.
   */
  deliver(
    event: CloudEvent,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
}

/**
 * Opens a way to a receiver.
 *
 * @throws {TransporterError} `unavailable`, `unauthenticated`, `denied`, `usage`.
 */
export type OpenSink = (
  url: URL,
  options: BrokerOptions,
) => Promise<ResultSink>;

/** What the type of a CloudEvent begins with that tells how an event ended; the state follows. */
export const CLOUD_EVENT_TELLS = "io.transporter.status.";
