import { isRecord, parseJson, TransporterError } from "@transporter/sdk";
import type { ErrorCode } from "@transporter/sdk";
import { EVENT_PATH } from "./events.ts";
import { PRINCIPAL } from "./principal.ts";
import { json } from "./answer.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";
import { eventView } from "./view.ts";

const JSON_TYPE = "application/json";

/** Characters of a reason to cancel. */
const REASON_CHARS_MAX = 1000;

const BODY = { types: [JSON_TYPE], bytesMax: 64 * 1024 };

/** How reading a small body can fail. */
const BODY_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "too_deep",
  "duplicate_key",
  "wrong_type",
  "unknown_field",
  "invalid",
  "too_large",
  "unsupported_media_type",
  "slow_down",
  "slow_request",
];

function refuse(code: ErrorCode, problem: string, field?: string): never {
  throw new TransporterError(
    code,
    `Cannot cancel the event as ${problem}`,
    field === undefined ? {} : { details: { field } },
  );
}

/** Reads why an event is to be cancelled; the body may be left out. */
async function reasonOf(request: RouteRequest): Promise<string> {
  if (!request.hasBody) return "";
  using body = await request.body(BODY);
  const value = parseJson(body.bytes);
  if (!isRecord(value)) {
    refuse("wrong_type", 'the body must be an object such as {"reason": "…"}');
  }
  const other = Object.keys(value).find((name) => name !== "reason");
  if (other !== undefined) {
    const name = other.slice(0, 60);
    refuse(
      "unknown_field",
      `"${name}" is not known: known here is "reason"`,
      name,
    );
  }
  const { reason = "" } = value;
  if (typeof reason !== "string") {
    refuse("wrong_type", '"reason" must be a text', "reason");
  }
  if (reason.length > REASON_CHARS_MAX || !reason.isWellFormed()) {
    refuse(
      "invalid",
      `"reason" must be at most ${REASON_CHARS_MAX} characters of Unicode`,
      "reason",
    );
  }
  return reason;
}

function cancel({ operator, tenant }: Services): Route {
  return {
    method: "POST",
    path: "/v2/events/{id}/cancel",
    id: "cancelEvent",
    tag: "events",
    summary:
      "Cancels an event: at once while it waits, else as soon as its agent says so; may be repeated",
    parts: EVENT_PATH,
    body: {
      ...BODY,
      required: false,
      description: "Why; may be left out",
      content: { [JSON_TYPE]: "CancelInput" },
    },
    answers: {
      202: {
        description:
          "It is noted for good; cancel_requested_at is there while the agent has yet to say so",
        content: { [JSON_TYPE]: "Event" },
      },
    },
    errors: [
      "unknown_event",
      "too_late",
      ...BODY_ERRORS,
      "store_unavailable",
      "disk_full",
    ],
    async handle(request) {
      const reason = await reasonOf(request);
      const { id = "" } = request.path;
      const asking = { principal: PRINCIPAL, reason };
      return json(eventView(await operator.cancel(tenant, id, asking)), 202);
    },
  };
}

function retry({ operator, tenant }: Services): Route {
  return {
    method: "POST",
    path: "/v2/events/{id}/retry",
    id: "retryEvent",
    tag: "events",
    summary:
      "Runs an event that has ended once more: a new attempt, with its whole time",
    parts: EVENT_PATH,
    answers: {
      202: {
        description: "It is queued again",
        content: { [JSON_TYPE]: "Event" },
      },
    },
    errors: [
      "unknown_event",
      "conflict",
      "queue_full",
      "unknown_field",
      "store_unavailable",
      "disk_full",
    ],
    async handle({ path: { id = "" } }) {
      const asking = { principal: PRINCIPAL };
      return json(eventView(await operator.retry(tenant, id, asking)), 202);
    },
  };
}

/** The routes that change what becomes of events. */
export function controlRoutes(services: Services): readonly Route[] {
  return [cancel(services), retry(services)];
}
