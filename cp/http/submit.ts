import {
  CLOUD_EVENT_TYPE,
  CLOUD_EVENTS_TYPE,
  type ErrorCode,
  isCloudMessage,
  readSubmission,
  TransporterError,
} from "@transporter/sdk";
import { EVENT_BYTES_MAX } from "../event_size.ts";
import type { AcceptOptions } from "../intake.ts";
import {
  BATCH_BYTES_MAX,
  type BatchItem,
  linesOf,
  submitBatch,
} from "./batch.ts";
import { cloudEventsOf } from "./cloud_events.ts";
import { PRINCIPAL } from "./principal.ts";
import { type Answer, json } from "./answer.ts";
import type { Route, RouteRequest } from "./route.ts";
import type { SchemaName } from "./schemas.ts";
import type { Services } from "./services.ts";
import { acceptedBody } from "./view.ts";

const JSON_TYPE = "application/json";
const NDJSON_TYPE = "application/x-ndjson";

/** Types of bodies that have more than one event, and how they are read. */
const BATCHES: Readonly<
  Record<string, (bytes: Uint8Array) => readonly BatchItem[]>
> = { [NDJSON_TYPE]: linesOf, [CLOUD_EVENTS_TYPE]: cloudEventsOf };

/** How a submission can fail. */
const SUBMIT_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "too_deep",
  "duplicate_key",
  "wrong_type",
  "missing_field",
  "unknown_field",
  "id_conflict",
  "too_large",
  "unsupported_media_type",
  "invalid",
  "invalid_id",
  "invalid_ttl",
  "invalid_yaml",
  "invalid_manifest",
  "unknown_kind",
  "unsupported",
  "queue_full",
  "overloaded",
  "slow_down",
  "slow_request",
  "disk_full",
  "store_unavailable",
];

/** What CloudEvents add to the bodies of both routes. */
const CLOUD_CONTENT: Readonly<Record<string, SchemaName>> = {
  [CLOUD_EVENT_TYPE]: "CloudEvent",
  [CLOUD_EVENTS_TYPE]: "CloudEvents",
};

const CLOUD_HEADERS = [{
  name: "ce-specversion",
  description:
    "Says that the body is the data of a CloudEvent, whose other attributes are in headers that begin with ce-",
}];

const PARTLY = {
  description: "Of a batch, some are not accepted; each says why",
};

/** The media type of a body as its header names it. */
function typeOf(request: RouteRequest): string {
  const [type = ""] = (request.header("content-type") ?? "").split(";");
  return type.trim().toLowerCase();
}

/** Submits one event. */
async function one(
  request: RouteRequest,
  { services, api, types }: {
    readonly services: Services;
    readonly api: "v1" | "v2";
    readonly types: readonly string[];
  },
): Promise<Answer> {
  const { intake, store, tenant, turns } = services;
  using body = await request.body({ types, bytesMax: EVENT_BYTES_MAX });
  using room = intake.admitRead(tenant, 1);
  const key = api === "v2" ? request.header("idempotency-key") : undefined;
  const options: AcceptOptions = {
    // No CloudEvent is a Go producer's: its fields are all meant.
    api: api === "v1" && isCloudMessage(request.headers) ? "ingest" : api,
    tenant,
    principal: PRINCIPAL,
    room,
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
  const acceptance = await turns.run(async () => {
    const value = readSubmission(request.headers, body.bytes);
    return await intake.accept(value, options);
  });
  return json(await acceptedBody(acceptance, store), 202);
}

/** Submits the events of a batch. */
async function many(
  request: RouteRequest,
  { services, api, type }: {
    readonly services: Services;
    readonly api: AcceptOptions["api"];
    readonly type: string;
  },
): Promise<Answer> {
  using body = await request.body({
    types: [type],
    bytesMax: BATCH_BYTES_MAX,
  });
  if (request.header("idempotency-key") !== undefined) {
    throw new TransporterError(
      "invalid",
      'Cannot use an "Idempotency-Key" for a batch: give each event an id',
      { details: { field: "Idempotency-Key" } },
    );
  }
  const items = BATCHES[type]?.(body.bytes) ?? [];
  const lines = await submitBatch(items, services, api);
  const accepted = lines.every((line) => line.status === "accepted");
  const status = accepted ? 202 : 207;
  if (type === CLOUD_EVENTS_TYPE) return json(lines, status);
  return {
    status,
    headers: { "content-type": NDJSON_TYPE },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  };
}

/** Submits in upstream's way. */
function submitV1(services: Services): Route {
  const { intake, tenant } = services;
  const types = [JSON_TYPE, CLOUD_EVENT_TYPE];
  return {
    method: "POST",
    path: "/events",
    id: "submitEventV1",
    tag: "events",
    summary:
      "Submits an event in upstream's way: unknown fields are tolerated, an unknown agent is accepted; or CloudEvents",
    headers: CLOUD_HEADERS,
    body: {
      types: [...types, CLOUD_EVENTS_TYPE],
      bytesMax: BATCH_BYTES_MAX,
      description: "The event; its id is needed",
      content: { [JSON_TYPE]: "EventInput", ...CLOUD_CONTENT },
    },
    answers: {
      202: {
        description: "The event is kept, as safely as durability says",
        content: { [JSON_TYPE]: "Accepted" },
      },
      207: { ...PARTLY, content: { [JSON_TYPE]: "BatchLines" } },
    },
    errors: SUBMIT_ERRORS,
    async handle(request) {
      intake.admit(tenant);
      const type = typeOf(request);
      return type === CLOUD_EVENTS_TYPE
        ? await many(request, { services, api: "ingest", type })
        : await one(request, { services, api: "v1", types });
    },
  };
}

/** Submits one event, or many. */
function submitV2(services: Services): Route {
  const { intake, tenant } = services;
  const types = [JSON_TYPE, CLOUD_EVENT_TYPE, ...Object.keys(BATCHES)];
  return {
    method: "POST",
    path: "/v2/events",
    id: "submitEvents",
    tag: "events",
    summary:
      "Submits an event, or with application/x-ndjson many, one a line; or CloudEvents",
    headers: [{
      name: "Idempotency-Key",
      description:
        "The id of an event that has none; repeating a request with it changes nothing",
    }, ...CLOUD_HEADERS],
    body: {
      types,
      bytesMax: BATCH_BYTES_MAX,
      description:
        "The event, at most 8 MiB; or events, one a line, at most 32 MiB and 10,000 lines",
      content: {
        [JSON_TYPE]: "EventInput",
        [NDJSON_TYPE]: "EventInput",
        ...CLOUD_CONTENT,
      },
    },
    answers: {
      202: {
        description:
          "The event is kept, as safely as durability says; of a batch, all are",
        content: { [JSON_TYPE]: "Accepted", [NDJSON_TYPE]: "BatchLine" },
      },
      207: {
        ...PARTLY,
        content: { [NDJSON_TYPE]: "BatchLine", [JSON_TYPE]: "BatchLines" },
      },
    },
    errors: [...SUBMIT_ERRORS, "unknown_agent"],
    async handle(request) {
      intake.admit(tenant);
      const type = typeOf(request);
      return Object.hasOwn(BATCHES, type)
        ? await many(request, { services, api: "v2", type })
        : await one(request, { services, api: "v2", types });
    },
  };
}

/** The routes that take events in. */
export function submitRoutes(services: Services): readonly Route[] {
  return [submitV1(services), submitV2(services)];
}
