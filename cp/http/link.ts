import {
  type ErrorCode,
  isRecord,
  parseJson,
  TransporterError,
} from "@transporter/sdk";
import type { HttpBatch, HttpClose, HttpPush } from "@transporter/sdk/http";
import { guardAgents } from "./guard.ts";
import type { Parameter } from "./query.ts";
import { type Answer, json } from "./answer.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";

const JSON_TYPE = "application/json";

/** Characters of a registration: nobody knows yet who sends it. */
export const REGISTRATION_CHARS_MAX = 128 * 1024;

/** The body that opens a wire; JSON may write a character as two. */
const OPEN_RULE = { types: [JSON_TYPE], bytesMax: 3 * REGISTRATION_CHARS_MAX };

/** Bytes of a body with frames: one of 512 KiB, as JSON in JSON, with room. */
const PUSH_RULE = { types: [JSON_TYPE], bytesMax: 4 * 1024 * 1024 };

/** How long an answer waits for a frame at most, in seconds. */
const WAIT_SECONDS_MAX = 60;

/** How long the answer to a registration waits for the welcome, in milliseconds. */
const WELCOME_MS = 10_000;

/** How reading a body with frames can fail. */
const BODY_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "too_deep",
  "duplicate_key",
  "wrong_type",
  "unknown_field",
  "too_large",
  "unsupported_media_type",
  "slow_down",
  "slow_request",
];

function refuse(field: string, wanted: string): never {
  throw new TransporterError(
    "wrong_type",
    `Cannot take the frames as "${field}" must be ${wanted}`,
    { details: { field } },
  );
}

/** Reads an object that has no other fields. */
function fieldsOf(
  value: unknown,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return refuse("body", "an object");
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other === undefined) return value;
  const field = other.slice(0, 60);
  const known = names.map((name) => `"${name}"`).join(", ");
  throw new TransporterError(
    "unknown_field",
    `Cannot take the frames as "${field}" is not known: known here are ${known}`,
    { details: { field } },
  );
}

function framesOf(value: unknown): readonly string[] {
  const isFrames = Array.isArray(value) &&
    value.every((frame) => typeof frame === "string");
  return isFrames ? value : refuse("frames", "a list of texts");
}

function closeOf(value: unknown): { readonly close?: HttpClose } {
  if (value === undefined) return {};
  const { code, reason } = fieldsOf(value, ["code", "reason"]);
  if (!Number.isSafeInteger(code)) refuse("close.code", "an integer");
  if (typeof reason !== "string") refuse("close.reason", "a text");
  return { close: { code: Number(code), reason } };
}

function pushOf(
  bytes: Uint8Array,
): { readonly session: string; readonly push: HttpPush } {
  const { session, after, received = 0, frames, close } = fieldsOf(
    parseJson(bytes),
    [
      "session",
      "after",
      "received",
      "frames",
      "close",
    ],
  );
  if (typeof session !== "string") refuse("session", "a text");
  if (!isCount(after)) refuse("after", "an integer from 0");
  if (!isCount(received)) refuse("received", "an integer from 0");
  const push = { after, received, frames: framesOf(frames), ...closeOf(close) };
  return { session, push };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Agents only: no browser has business here. */
export function guardLink(request: RouteRequest): void {
  guardAgents({
    headers: { origin: request.header("origin") },
    rawHeaders: [],
    url: "",
  });
}

function answerOf(batch: HttpBatch): Answer {
  return batch.frames.length === 0 && batch.close === undefined
    ? { status: 204, headers: {} }
    : json(batch);
}

/** Opens a wire, and answers the registration when it is sent along. */
function openRoute({ acceptor, sessions, tenant, stopping }: Services): Route {
  return {
    method: "POST",
    path: "/v2/link/sessions",
    id: "openLink",
    tag: "link",
    summary:
      "Opens an agent's wire over HTTP; frames that are sent along are answered with the first ones of the control plane",
    body: {
      ...OPEN_RULE,
      description: "The first frames, if any: the registration",
      content: { [JSON_TYPE]: "LinkOpening" },
    },
    answers: {
      201: {
        description: "The wire is open",
        content: { [JSON_TYPE]: "LinkSession" },
      },
    },
    errors: [...BODY_ERRORS, "unavailable"],
    async handle(request) {
      guardLink(request);
      using body = await request.body(OPEN_RULE);
      const given = fieldsOf(parseJson(body.bytes), ["frames"]);
      const frames = framesOf(given["frames"] ?? []);
      if (stopping.aborted) {
        throw new TransporterError(
          "unavailable",
          "Cannot take more agents as the control plane stops",
        );
      }
      const { session, wire } = acceptor.open();
      sessions.serve(wire, {
        tenant,
        remote: request.remote(),
        carrier: "http",
      });
      if (frames.length === 0) return json({ session, frames: [] }, 201);
      await acceptor.push(session, { after: 0, frames });
      const first = await acceptor.poll(session, 0, {
        waitMs: WELCOME_MS,
        signal: request.gone(),
      });
      return json({ session, ...first }, 201);
    },
  };
}

/** What says where a far end is. */
export const POSITION_PARAMETERS: readonly Parameter[] = [
  {
    name: "session",
    description: "The session",
    schema: { type: "string" },
    required: true,
  },
  {
    name: "after",
    description: "The number of the last frame that came, from 0",
    schema: { type: "integer", minimum: 0 },
  },
];

/** Reads that. */
export function positionOf(
  { query, header }: RouteRequest,
): { readonly session: string; readonly after: number } {
  const session = query.text("session");
  if (session === undefined) refuse("session", "there");
  const after = query.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const last = header("last-event-id");
  if (last === undefined) return { session, after };
  if (!/^\d{1,15}$/.test(last)) refuse("Last-Event-ID", "an integer from 0");
  return { session, after: Number(last) };
}

/** The long poll. */
function pollRoute({ acceptor }: Services): Route {
  return {
    method: "GET",
    path: "/v2/link/frames",
    id: "pollLink",
    tag: "link",
    summary:
      "Waits for frames to an agent; asking again with the same number repeats them, a higher one confirms",
    query: [
      ...POSITION_PARAMETERS,
      {
        name: "wait",
        description: "How many seconds to wait for a frame",
        schema: {
          type: "integer",
          minimum: 0,
          maximum: WAIT_SECONDS_MAX,
          default: 30,
        },
      },
    ],
    answers: {
      200: {
        description: "The frames",
        content: { [JSON_TYPE]: "LinkFrames" },
      },
      204: { description: "There were none" },
    },
    errors: ["unknown_field", "invalid", "not_found", "conflict", "bad_frame"],
    async handle(request) {
      guardLink(request);
      const { query } = request;
      const { session, after } = positionOf(request);
      const wait = query.integer("wait", 0, WAIT_SECONDS_MAX) ?? 30;
      return answerOf(
        await acceptor.poll(session, after, {
          waitMs: wait * 1000,
          signal: request.gone(),
        }),
      );
    },
  };
}

/** What agents send. */
function pushRoute({ acceptor }: Services): Route {
  return {
    method: "POST",
    path: "/v2/link/frames",
    id: "pushLink",
    tag: "link",
    summary:
      "Takes frames of an agent, or the end of its wire; may be repeated",
    body: {
      ...PUSH_RULE,
      description: "The frames, and the number of the last one before them",
      content: { [JSON_TYPE]: "LinkPush" },
    },
    answers: {
      200: {
        description: "They were taken, now or before",
        content: { [JSON_TYPE]: "LinkTaken" },
      },
    },
    errors: [...BODY_ERRORS, "not_found", "bad_frame"],
    async handle(request) {
      guardLink(request);
      using body = await request.body(PUSH_RULE);
      const { session, push } = pushOf(body.bytes);
      await acceptor.push(session, push);
      return json({ upto: push.after + push.frames.length });
    },
  };
}

/** The routes of agents that use no WebSocket. */
export function linkRoutes(services: Services): readonly Route[] {
  return [openRoute(services), pollRoute(services), pushRoute(services)];
}
