import type { TransporterError } from "./error.ts";
import type {
  AckFrame,
  EventFrame,
  Frame,
  NackFrame,
  PartFrame,
  StatusAckFrame,
  StatusUpdateFrame,
} from "./frame.ts";

/** What goes over a link: a frame, except those that are the link's own business. */
export type Message = Exclude<
  Frame,
  AckFrame | NackFrame | StatusAckFrame | PartFrame
>;

/**
 * A message that the sender still owns until it is acknowledged. Pass it on as
 * it is: a copy of its fields has no methods.
 *
 * @typeParam T What was delivered.
 */
export interface Delivery<T> {
  /** What was delivered. */
  readonly value: T;
  /** How long its JSON text was, in characters: about what it takes in memory. */
  readonly chars: number;
  /** Takes responsibility; the sender may forget it. Idempotent; does nothing for messages that need none. */
  ack(): void;
  /**
   * Refuses an event, with the code that says why, and for a retryable one with
   * `details.retry_after_ms` (a second unless it says), and `details.type_only` when
   * events of other types need not wait. Idempotent; loses to `ack`.
   */
  nack(reason: TransporterError): void;
}

/** What `Link.receive` yields of a status. */
export type StatusDelivery = Delivery<StatusUpdateFrame>;

/** The refusal of an event; `undefined` for one that has no number, as none has of version 1. */
export function nackOf(
  { seq, event }: EventFrame,
  reason: TransporterError,
): NackFrame | undefined {
  if (seq === undefined) return undefined;
  return {
    type: "nack",
    seq,
    event_id: event.id,
    code: reason.code,
    detail: reason.message,
    retry_after_ms: retryAfterMs(reason),
    ...(reason.details?.["type_only"] === true ? { type_only: true } : {}),
  };
}

/** After how many milliseconds an event that was refused with this error may be sent again; `null`: never. */
export function retryAfterMs(
  { retryable, details }: TransporterError,
): number | null {
  const wanted = details?.["retry_after_ms"];
  if (!retryable) return null;
  return typeof wanted === "number" ? wanted : 1000;
}
