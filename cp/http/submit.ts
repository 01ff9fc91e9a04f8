import { type ErrorCode, parseJson, TransporterError } from "@transporter/sdk";
import { EVENT_BYTES_MAX } from "../intake.ts";
import { BATCH_BYTES_MAX, submitBatch } from "./batch.ts";
import { PRINCIPAL } from "./principal.ts";
import { json, type Route, type RouteRequest } from "./route.ts";
import type { Services } from "./services.ts";
import { acceptedBody } from "./view.ts";

const JSON_TYPE = "application/json";
const NDJSON_TYPE = "application/x-ndjson";

/** How a submission can fail. */
const SUBMIT_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "too_deep",
  "duplicate_key",
  "wrong_type",
  "missing_field",
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

/** Submits in upstream's way. */
function submitV1({ intake, store, tenant }: Services): Route {
  const rule = { types: [JSON_TYPE], bytesMax: EVENT_BYTES_MAX };
  return {
    method: "POST",
    path: "/events",
    id: "submitEventV1",
    tag: "events",
    summary:
      "Submits an event in upstream's way: unknown fields are tolerated, an unknown agent is accepted",
    body: {
      ...rule,
      description: "The event; its id is needed",
      content: { [JSON_TYPE]: "EventInput" },
    },
    answers: {
      202: {
        description: "The event is kept, as safely as durability says",
        content: { [JSON_TYPE]: "Accepted" },
      },
    },
    errors: SUBMIT_ERRORS,
    async handle(request) {
      intake.admit(tenant);
      using body = await request.body(rule);
      const acceptance = await intake.accept(parseJson(body.bytes), {
        api: "v1",
        tenant,
        principal: PRINCIPAL,
      });
      return json(await acceptedBody(acceptance, store), 202);
    },
  };
}

/** Submits one event, or many. */
function submitV2(services: Services): Route {
  const { intake, store, tenant } = services;
  const rule = { types: [JSON_TYPE, NDJSON_TYPE], bytesMax: BATCH_BYTES_MAX };

  async function one(
    request: RouteRequest,
    bytes: Uint8Array,
  ): Promise<Response> {
    const idempotencyKey = request.header("idempotency-key");
    const acceptance = await intake.accept(parseJson(bytes), {
      api: "v2",
      tenant,
      principal: PRINCIPAL,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    return json(await acceptedBody(acceptance, store), 202);
  }

  async function many(
    request: RouteRequest,
    bytes: Uint8Array,
  ): Promise<Response> {
    if (request.header("idempotency-key") !== undefined) {
      throw new TransporterError(
        "invalid",
        'Cannot use an "Idempotency-Key" for a batch: give each event an id',
        { details: { field: "Idempotency-Key" } },
      );
    }
    const lines = await submitBatch(bytes, services);
    const accepted = lines.every((line) => line.status === "accepted");
    return new Response(
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
      {
        status: accepted ? 202 : 207,
        headers: { "content-type": NDJSON_TYPE },
      },
    );
  }

  return {
    method: "POST",
    path: "/v2/events",
    id: "submitEvents",
    tag: "events",
    summary: "Submits an event, or with application/x-ndjson many, one a line",
    headers: [{
      name: "Idempotency-Key",
      description:
        "The id of an event that has none; repeating a request with it changes nothing",
    }],
    body: {
      ...rule,
      description:
        "The event, at most 8 MiB; or events, one a line, at most 32 MiB and 10,000 lines",
      content: { [JSON_TYPE]: "EventInput", [NDJSON_TYPE]: "EventInput" },
    },
    answers: {
      202: {
        description:
          "The event is kept, as safely as durability says; of a batch, all are",
        content: { [JSON_TYPE]: "Accepted", [NDJSON_TYPE]: "BatchLine" },
      },
      207: {
        description: "Of a batch, some lines are not accepted; each says why",
        content: { [NDJSON_TYPE]: "BatchLine" },
      },
    },
    errors: [...SUBMIT_ERRORS, "unknown_field", "unknown_agent"],
    async handle(request) {
      intake.admit(tenant);
      const single = !/^\s*application\/x-ndjson\s*(;|$)/i.test(
        request.header("content-type") ?? "",
      );
      using body = await request.body(
        single ? { types: rule.types, bytesMax: EVENT_BYTES_MAX } : rule,
      );
      return await (single ? one : many)(request, body.bytes);
    },
  };
}

/** The routes that take events in. */
export function submitRoutes(services: Services): readonly Route[] {
  return [submitV1(services), submitV2(services)];
}
