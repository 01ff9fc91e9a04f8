import { type EventSpec, TransporterError, utf8Length } from "@transporter/sdk";

/** Bytes of one event as JSON. */
export const EVENT_BYTES_MAX = 8 * 1024 * 1024;

/**
 * How long an event is as JSON, in bytes.
 *
 * @throws {TransporterError} `too_large`.
 */
export function sizeOf(spec: EventSpec): number {
  const text = JSON.stringify(spec);
  const bytes = text.length > EVENT_BYTES_MAX ? text.length : utf8Length(text);
  if (bytes > EVENT_BYTES_MAX) {
    throw new TransporterError(
      "too_large",
      `Cannot accept event "${spec.id}" as it has more than ${EVENT_BYTES_MAX} bytes`,
    );
  }
  return bytes;
}
