import { TransporterError } from "@transporter/sdk";

/** Characters of an id that an error quotes; no id that can be is longer. */
const ID_CHARS_MAX = 128;

/** The error of an event that is not there. */
export function unknownEvent(id: string): TransporterError {
  return new TransporterError(
    "unknown_event",
    `Cannot find event "${id.slice(0, ID_CHARS_MAX)}"`,
  );
}

/** The error of an agent that is not there; of an event for one see `unknownTarget`. */
export function unknownAgent(id: string): TransporterError {
  return new TransporterError(
    "unknown_agent",
    `Cannot find agent "${id.slice(0, ID_CHARS_MAX)}"`,
  );
}
