import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import * as v from "valibot";
import { event, isProblem, openPlace, type Place } from "../testing/place.ts";
import { SCHEMAS } from "./schemas.ts";
import { until } from "../testing/until.ts";

async function submit(place: Place, id: string): Promise<void> {
  const body = event(id);
  const answer = await place.ask("/events", { method: "POST", body });
  strictEqual(answer.status, 202, answer.text);
}

async function post(place: Place, path: string, body?: unknown) {
  return await place.ask(path, {
    method: "POST",
    ...(body === undefined ? {} : { body }),
  });
}

/** Asks until an event is in a state: what an agent says arrives when it does. */
async function untilState(place: Place, id: string, state: string) {
  let shown = (await place.ask(`/v2/events/${id}`)).json;
  await until(async () => {
    shown = (await place.ask(`/v2/events/${id}`)).json;
    return shown.state === state;
  });
  return shown;
}

Deno.test("POST /v2/events/{id}/cancel cancels what waits, and its history says why", async () => {
  await using place = await openPlace();
  await submit(place, "e1");
  const answer = await post(place, "/v2/events/e1/cancel", {
    reason: "wrong cluster",
  });
  strictEqual(answer.status, 202, answer.text);
  const shown = v.parse(SCHEMAS.Event, answer.json);
  deepStrictEqual([shown.state, shown.error?.code], ["cancelled", "cancelled"]);
  const { items } = (await place.ask("/v2/events/e1/history")).json;
  deepStrictEqual(items.at(-1).details, {
    principal: "anonymous",
    reason: "wrong cluster",
  });
  const again = isProblem(
    await post(place, "/v2/events/e1/cancel"),
    409,
    "too_late",
  );
  deepStrictEqual(again.details, { state: "cancelled" });
});

Deno.test("POST /v2/events/{id}/cancel tells the agent that has the event, and says that it is pending", async () => {
  await using place = await openPlace();
  const agent = await place.connect();
  await submit(place, "e1");
  await agent.nextOf("event");
  for (let i = 0; i < 2; i++) {
    const { json, status } = await post(place, "/v2/events/e1/cancel");
    deepStrictEqual([status, json.state], [202, "assigned"]);
    match(json.cancel_requested_at, /^\d{4}-/);
  }
  await agent.nextOf("cancel");
  await agent.status("e1", "cancelled", "cancelled", { attempt: 1, sid: 1 });
  await untilState(place, "e1", "cancelled");
  await agent.cut();
});

Deno.test("POST /v2/events/{id}/retry runs what has ended once more", async () => {
  await using place = await openPlace();
  const agent = await place.connect();
  await submit(place, "e1");
  await agent.nextOf("event");
  const early = isProblem(
    await post(place, "/v2/events/e1/retry"),
    409,
    "conflict",
  );
  deepStrictEqual(early.details, { state: "assigned" });
  const error = { code: "invalid", message: "No such field" };
  await agent.status("e1", "failed", "failed", { attempt: 1, sid: 1, error });
  await untilState(place, "e1", "failed");
  const { status, json } = await post(place, "/v2/events/e1/retry");
  deepStrictEqual([status, json.state], [202, "queued"]);
  strictEqual((await agent.nextOf("event"))["attempt"], 2);
  await agent.status("e1", "completed", "completed", { attempt: 2, sid: 2 });
  strictEqual((await untilState(place, "e1", "completed")).attempt, 2);
  await agent.cut();
});

Deno.test("POST /v2/events/{id}/cancel and retry refuse what is wrong, and change nothing", async () => {
  await using place = await openPlace();
  await submit(place, "e1");
  const cancel = "/v2/events/e1/cancel";
  const json = { "content-type": "application/json" };
  const cases: readonly [
    path: string,
    body: unknown,
    status: number,
    code: string,
  ][] = [
    ["/v2/events/nobody/cancel", undefined, 404, "unknown_event"],
    ["/v2/events/nobody/retry", undefined, 404, "unknown_event"],
    [cancel, { why: "x" }, 400, "unknown_field"],
    [cancel, { reason: 1 }, 400, "wrong_type"],
    [cancel, [], 400, "wrong_type"],
    [cancel, { reason: "x".repeat(1001) }, 422, "invalid"],
    [cancel, '{"reason":"\\ud800"}', 422, "invalid"],
    [cancel, "{", 400, "invalid_json"],
    [cancel, '{"reason":"a","reason":"b"}', 400, "duplicate_key"],
    ["/v2/events/e1/retry", { reason: "x" }, 400, "bad_request"],
    [`${cancel}?now=1`, undefined, 400, "unknown_field"],
  ];
  for (const [path, body, status, code] of cases) {
    const headers = typeof body === "string" ? json : {};
    const answer = await place.ask(path, {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body }),
    });
    isProblem(answer, status, code);
  }
  isProblem(await place.ask(cancel), 405, "method_not_allowed");
  strictEqual((await place.ask("/v2/events/e1")).json.state, "queued");
});
