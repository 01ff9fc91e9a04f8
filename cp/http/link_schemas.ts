import * as v from "valibot";
import { count, optional, text } from "./event_schemas.ts";

const frames = v.pipe(
  v.array(v.string()),
  v.description("Frames of the link, each a JSON text, in order"),
);

const linkClose = optional(v.pipe(
  v.strictObject({
    code: count("The close code, as with a WebSocket; 1000 without a reason"),
    reason: text("For people"),
  }),
  v.description("The wire is over after these frames"),
));

const linkFrames = v.strictObject({ frames, close: linkClose });

const linkSession = v.strictObject({
  session: text("Names the wire; a secret"),
  frames,
  close: linkClose,
});

const linkPush = v.strictObject({
  session: text("The session"),
  after: count("The number of the last frame before these, from 0"),
  received: optional(
    count("The number of the last frame that came, for a stream"),
  ),
  frames,
  close: linkClose,
});

/** The shapes of what agents send and get that use no WebSocket, by name. */
export const LINK_SCHEMAS = {
  LinkFrames: linkFrames,
  LinkOpening: v.strictObject({ frames: optional(frames) }),
  LinkPush: linkPush,
  LinkSession: linkSession,
  LinkTaken: v.strictObject({ upto: count("The number of the last one") }),
} as const;
