import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { TransporterError } from "../mod.ts";
import type { AgentSubjects } from "./nats_subjects.ts";
import { unavailable } from "./nats_wire.ts";

/** Messages that are asked for at a time. */
const BATCH = 256;

/** How long one asks, in milliseconds; then again. */
const EXPIRES_MS = 30_000;

/** Options of {@linkcode pull}. */
export interface PullOptions {
  /** Whose messages. */
  readonly subjects: AgentSubjects;
  /** Where they are sent to, and nothing else. */
  readonly inbox: string;
  /** Takes one. */
  readonly take: (message: Msg) => void;
  /** Nothing comes any more. */
  readonly ended: (reason: TransporterError) => void;
}

/**
 * Pulls an agent's messages from its durable consumer, and acknowledges each as
 * it comes: the server keeps them no longer. The library's own pull asks for
 * more rights, and goes on where this has to end.
 *
 * @see {@link https://docs.nats.io/reference/reference-protocols/nats_api_reference}
 */
export function pull(connection: NatsConnection, options: PullOptions): void {
  const { subjects: { stream, consumer }, inbox, take, ended } = options;
  let expected = 0;

  function ask(): void {
    if (expected > BATCH / 2) return;
    const batch = BATCH - expected;
    expected += batch;
    connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      JSON.stringify({ batch, expires: nanos(EXPIRES_MS) }),
      { reply: inbox },
    );
  }

  function status({ headers }: Msg): void {
    const { code = 0, description = "" } = headers ?? {};
    const left = Number(headers?.get("Nats-Pending-Messages") || 0);
    expected = Math.max(0, expected - left);
    if (code === 503) {
      ended(unavailable("NATS has no place for this agent's frames any more"));
    } else if (/consumer deleted/i.test(description)) {
      ended(
        new TransporterError(
          "superseded",
          "Cannot go on as a newer session of this agent began",
        ),
      );
    } else if (/leadership change/i.test(description)) {
      expected = 0;
      ask();
    } else if (
      code === 408 || code === 404 || /batch completed/i.test(description)
    ) {
      ask();
    } else if (code !== 100) {
      ended(unavailable(`NATS says "${description}"`));
    }
  }

  connection.subscribe(inbox, {
    callback(error, message) {
      if (error !== null) return; // a right that is missing; the connection says so, too
      if (message.subject === inbox) return status(message);
      expected = Math.max(0, expected - 1);
      if (message.reply !== undefined) connection.publish(message.reply);
      take(message);
      ask();
    },
  });
  ask();
}
