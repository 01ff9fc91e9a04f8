import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { isRecord, parseJson, TransporterError } from "../mod.ts";
import { unavailable } from "./nats_wire.ts";

/**
 * What the server answers to frames that it is to keep in its stream. Nobody
 * waits for that: the library's own way makes two errors, a promise and a timer
 * for each message, for the case that it fails. What was not kept ends its wire.
 *
 * @see {@link https://docs.nats.io/nats-concepts/jetstream/js_walkthrough#publish-some-messages-into-the-stream}
 */
export class Stored {
  readonly #inbox = createInbox();
  readonly #failed = new Map<string, (error: TransporterError) => void>();

  /** Listens on a connection, as long as there is one. */
  constructor(connection: NatsConnection) {
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, { subject, headers, data }) => {
        const failed = this.#failed.get(subject.slice(this.#inbox.length + 1));
        if (failed === undefined) return;
        if (error !== null) return failed(TransporterError.from(error));
        const why = headers?.code === 503
          ? "no stream takes it"
          : faultOf(data);
        if (why === undefined) return;
        failed(unavailable(`NATS does not keep a frame: ${why}`));
      },
    });
  }

  /** Where the server is to answer for the frames of a session; `failed` hears what it did not keep. */
  begin(session: string, failed: (error: TransporterError) => void): string {
    this.#failed.set(session, failed);
    return `${this.#inbox}.${session}`;
  }

  /** A session is over. */
  end(session: string): void {
    this.#failed.delete(session);
  }
}

/** What is wrong, by the server's answer; it is one of a few bytes, about each frame. */
function faultOf(data: Uint8Array): string | undefined {
  const answer = parseJson(data);
  const { error } = isRecord(answer) ? answer : {};
  if (error === undefined) return undefined;
  return isRecord(error) ? String(error["description"]) : String(error);
}
