import * as v from "valibot";
import { anything, optional, text, time } from "./event_schemas.ts";

/** A CloudEvent that asks for an event. */
export const cloudEvent: v.GenericSchema = v.pipe(
  v.looseObject({
    specversion: v.literal("1.0"),
    id: text("The event's id"),
    source: text("Who made it: created_by"),
    type: text("io.transporter.event. and the event's type"),
    subject: optional(text("The agent, unless there is targetagent")),
    time: optional(time("When: created_at")),
    datacontenttype: optional(text("A JSON type")),
    dataschema: optional(text("Kept as metadata")),
    data: v.optional(anything),
    data_base64: optional(text("The data in Base64")),
    targetagent: optional(text("The agent")),
    labels: optional(text("Such as team=a,stage=prod")),
  }),
  v.description(
    "A CloudEvent 1.0; other extensions are fields of the event, or kept as metadata",
  ),
);

/** Many of them. */
export const cloudEvents: v.GenericSchema = v.array(cloudEvent);
