import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { CloudEvent, HTTP } from "cloudevents";
import { isProblem, openPlace, type Place } from "../testing/place.ts";

const ONE = { "content-type": "application/cloudevents+json" };
const MANY = { "content-type": "application/cloudevents-batch+json" };
const ROUTES = ["/events", "/v2/events"];

function cloudEvent(id: string, more: Record<string, unknown> = {}) {
  return {
    specversion: "1.0",
    id,
    source: "/ci/42",
    type: "io.transporter.event.k8s_resource",
    subject: "edge-1",
    data: { manifests: ["a: 1"] },
    ...more,
  };
}

async function specOf(place: Place, id: string) {
  return (await place.ask(`/v2/events/${id}`)).json.spec;
}

Deno.test("POST /events and /v2/events take what the CloudEvents SDK sends, in both modes", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  for (const [i, path] of ROUTES.entries()) {
    for (const mode of ["structured", "binary"] as const) {
      const id = `e${i}-${mode}`;
      const message = HTTP[mode](
        new CloudEvent({
          ...cloudEvent(id),
          source: "/ci/42",
          time: "2026-11-23T05:04:27.104Z",
          ttl: "10m",
          priority: 3,
        }),
      );
      const answer = await place.ask(path, {
        method: "POST",
        headers: message.headers as Record<string, string>,
        body: String(message.body),
      });
      strictEqual(answer.status, 202, answer.text);
      strictEqual(answer.json.event_id, id);
      const { payload, created_by, ttl, priority, created_at } = await specOf(
        place,
        id,
      );
      deepStrictEqual([payload, created_by, ttl, priority, created_at], [
        { manifests: ["a: 1"] },
        "/ci/42",
        600e9,
        3,
        "2026-11-23T05:04:27.104Z",
      ]);
    }
  }
});

Deno.test("a CloudEvent that comes again is answered as the first time, another one with its id by 409", async () => {
  await using place = await openPlace();
  const send = (more: Record<string, unknown>) =>
    place.ask("/events", {
      method: "POST",
      headers: ONE,
      body: JSON.stringify(cloudEvent("e1", more)),
    });
  strictEqual((await send({})).json.duplicate, false);
  strictEqual((await send({})).json.duplicate, true);
  isProblem(await send({ source: "/ci/43" }), 409, "id_conflict");
});

Deno.test("POST /events honours every field of a CloudEvent, and takes unknown agents; /v2/events refuses these", async () => {
  await using place = await openPlace();
  const body = JSON.stringify(cloudEvent("e1", { concurrencykey: "db" }));
  const refused = await place.ask("/v2/events", {
    method: "POST",
    headers: ONE,
    body,
  });
  isProblem(refused, 404, "unknown_agent");
  const taken = await place.ask("/events", {
    method: "POST",
    headers: ONE,
    body,
  });
  strictEqual(taken.json.agent_known, false, taken.text);
  strictEqual((await specOf(place, "e1")).concurrency_key, "db");
});

Deno.test("a batch of CloudEvents is accepted in its order, each with its answer", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  for (const [i, path] of ROUTES.entries()) {
    const ids = Array.from({ length: 200 }, (_, n) => `b${i}-${n}`);
    const answer = await place.ask(path, {
      method: "POST",
      headers: MANY,
      body: JSON.stringify(ids.map((id) => cloudEvent(id))),
    });
    strictEqual(answer.status, 202, answer.text);
    deepStrictEqual(
      answer.json.map((line: { event_id: string }) => line.event_id),
      ids,
    );
    const records = await place.store.listEvents("default", { limit: 200 });
    deepStrictEqual(records.map(({ spec }) => spec.id).toReversed(), ids);
  }
  const mixed = await place.ask("/v2/events", {
    method: "POST",
    headers: MANY,
    body: JSON.stringify([
      cloudEvent("m1"),
      7,
      cloudEvent("m3", { type: "X" }),
    ]),
  });
  strictEqual(mixed.status, 207);
  deepStrictEqual(
    mixed.json.map((line: Record<string, unknown>) => [
      line["line"],
      line["code"] ?? line["status"],
    ]),
    [[1, "accepted"], [2, "wrong_type"], [3, "invalid"]],
  );
  strictEqual(
    (await place.ask("/events", {
      method: "POST",
      headers: MANY,
      body: "[]",
    })).text,
    "[]",
  );
});

/** What is refused, whichever the route. */
const BAD: Readonly<
  Record<
    string,
    readonly [
      headers: Record<string, string>,
      body: string,
      status: number,
      code: string,
    ]
  >
> = {
  "no JSON": [ONE, "x", 400, "invalid_json"],
  "a key twice": [ONE, '{"id":"a","id":"b"}', 400, "duplicate_key"],
  "a list where one is expected": [ONE, "[]", 400, "wrong_type"],
  "an event of ours under their type": [
    ONE,
    '{"id":"e1","type":"t","target_agent":"a","payload":{}}',
    400,
    "unknown_field",
  ],
  "one where a list is expected": [MANY, "{}", 400, "wrong_type"],
  "too many": [MANY, `[${"1,".repeat(10_000)}1]`, 413, "too_large"],
  "an id with a blank": [
    ONE,
    JSON.stringify(cloudEvent("e 1")),
    422,
    "invalid_id",
  ],
  "a ttl of nothing": [
    ONE,
    JSON.stringify(cloudEvent("e1", { ttl: "0s" })),
    422,
    "invalid_ttl",
  ],
  "a payload that is an array": [
    ONE,
    JSON.stringify(cloudEvent("e1", { data: [] })),
    400,
    "wrong_type",
  ],
  "headers without a version": [
    { "content-type": "application/json", "ce-id": "e1" },
    "{}",
    400,
    "missing_field",
  ],
  "a batch with a key": [
    { ...MANY, "idempotency-key": "k" },
    "[]",
    422,
    "invalid",
  ],
};

Deno.test("what is no CloudEvent is refused by both routes, with its code", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  for (const [name, [headers, body, status, code]] of Object.entries(BAD)) {
    for (const path of ROUTES) {
      const answer = await place.ask(path, { method: "POST", headers, body });
      const { message } = isProblem(answer, status, code);
      match(message, /^Cannot /, name);
    }
  }
  strictEqual(
    (await place.store.listEvents("default", { limit: 1 })).length,
    0,
  );
});

Deno.test("POST /v2/events says which types it takes", async () => {
  await using place = await openPlace();
  const answer = await place.ask("/v2/events", {
    method: "POST",
    headers: { "content-type": "application/cloudevents+protobuf" },
    body: "x",
  });
  match(
    isProblem(answer, 415, "unsupported_media_type").message,
    /"application\/cloudevents\+json".*application\/cloudevents-batch\+json/,
  );
});
