import {
  CLOUD_EVENTS_TYPE,
  eventOfCloudEvent,
  JSON_LIMITS,
  type JsonLimits,
  parseJson,
  readCloudEvent,
  TransporterError,
} from "@transporter/sdk";
import { type BatchItem, LINES_MAX } from "./batch.ts";

/** A batch is one JSON text: what one event may be, and four times as many keys and values. */
const BATCH_LIMITS: JsonLimits = {
  depthMax: JSON_LIMITS.depthMax + 2,
  keysMax: 4 * JSON_LIMITS.keysMax,
  valuesMax: 4 * JSON_LIMITS.valuesMax,
};

/**
 * Reads a batch of CloudEvents.
 *
 * @throws {TransporterError} `wrong_type`, `too_large`, `invalid_json`.
 * @see {@link https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format}
 */
export function cloudEventsOf(bytes: Uint8Array): readonly BatchItem[] {
  const list = parseJson(bytes, BATCH_LIMITS);
  if (!Array.isArray(list)) {
    throw new TransporterError(
      "wrong_type",
      `Cannot read the batch as ${CLOUD_EVENTS_TYPE} is a JSON list of CloudEvents`,
    );
  }
  if (list.length > LINES_MAX) {
    throw new TransporterError(
      "too_large",
      `Cannot take a batch of more than ${LINES_MAX} events: send them in several`,
    );
  }
  return list.map((value, i) => ({
    line: i + 1,
    read: () => eventOfCloudEvent(readCloudEvent(value)),
  }));
}
