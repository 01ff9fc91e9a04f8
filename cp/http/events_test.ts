import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { formatTime } from "@transporter/sdk";
import * as v from "valibot";
import { event, isProblem, openPlace, type Place } from "../testing/place.ts";
import { SCHEMAS } from "./schemas.ts";

async function submit(
  place: Place,
  ...events: readonly Record<string, unknown>[]
): Promise<void> {
  for (const each of events) {
    strictEqual(
      (await place.ask("/events", { method: "POST", body: each })).status,
      202,
    );
  }
}

/** The ids of a list, which has to look as it is described. */
async function idsOf(place: Place, query: string): Promise<readonly string[]> {
  const answer = await place.ask(`/v2/events${query}`);
  strictEqual(answer.status, 200, answer.text);
  return v.parse(SCHEMAS.EventPage, answer.json).items.map(({ spec }) =>
    spec.id
  );
}

Deno.test("GET /v2/events lists the newest first, without payloads", async () => {
  await using place = await openPlace();
  deepStrictEqual(await idsOf(place, ""), []);
  await submit(place, event("e1"), event("e2"), event("e3"));
  deepStrictEqual(await idsOf(place, ""), ["e3", "e2", "e1"]);
  const { items } = (await place.ask("/v2/events")).json;
  strictEqual(items[0].spec.payload, undefined);
});

Deno.test("GET /v2/events filters", async () => {
  await using place = await openPlace();
  await submit(
    place,
    event("e1", { labels: { app: "web", "example.com/tier": "a=b" } }),
    event("e2", { target_agent: "edge-2", labels: { app: "web" } }),
    event("e3", { type: "script" }),
  );
  const old = (await place.store.getEvent("default", "e2"))?.acceptedAt ?? 0;
  const cases: Record<string, readonly string[]> = {
    "?agent=edge-1": ["e3", "e1"],
    "?agent=nobody": [],
    "?type=script": ["e3"],
    "?state=queued": ["e3", "e2", "e1"],
    "?state=completed": [],
    "?state=completed&state=queued": ["e3", "e2", "e1"],
    "?label=app=web": ["e2", "e1"],
    "?label=app%3Dweb&label=example.com/tier%3Da%3Db": ["e1"],
    "?label=app=": [],
    "?since=1h": ["e3", "e2", "e1"],
    [`?since=${formatTime(old + 3_600_000)}`]: [],
    "?agent=edge-1&type=k8s_resource&state=queued&label=app=web&since=1h&limit=1":
      ["e1"],
  };
  for (const [query, ids] of Object.entries(cases)) {
    deepStrictEqual(await idsOf(place, query), ids, query);
  }
});

Deno.test("GET /v2/events pages with a cursor, also while events come in", async () => {
  await using place = await openPlace();
  const ids = Array.from({ length: 7 }, (_, i) => `e${i}`);
  await submit(place, ...ids.map((id) => event(id)));
  const seen: string[] = [];
  let cursor: string | undefined = "";
  for (let page = 0; cursor !== undefined; page++) {
    const { json } = await place.ask(
      `/v2/events?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    seen.push(
      ...json.items.map((item: { spec: { id: string } }) => item.spec.id),
    );
    cursor = json.next_cursor;
    await submit(place, event(`late-${page}`));
  }
  deepStrictEqual(seen, ids.toReversed());
});

Deno.test("GET /v2/events has no cursor on a page that is exactly the last", async () => {
  await using place = await openPlace();
  await submit(place, event("e1"), event("e2"));
  strictEqual(
    (await place.ask("/v2/events?limit=2")).json.next_cursor,
    undefined,
  );
});

Deno.test("GET /v2/events refuses what it cannot read", async () => {
  await using place = await openPlace();
  for (
    const query of [
      "limit=0",
      "limit=501",
      "limit=-1",
      "limit=1e2",
      "limit=",
      "limit=1&limit=2",
      "state=banana",
      "state=",
      "label=app",
      "label==x",
      "label=a=1&label=a=2",
      "since=yesterday",
      "since=",
      "cursor=",
      "cursor=x",
      "cursor=1",
      "cursor=2MTIz",
      "cursor=1!!",
      `cursor=1${btoa("-1").replaceAll("=", "")}`,
      `cursor=1${btoa("1 OR 1").replaceAll("=", "")}`,
      "agent=a&agent=b",
    ]
  ) {
    isProblem(await place.ask(`/v2/events?${query}`), 422, "invalid");
  }
});

Deno.test("GET /v2/events/{id} shows the whole event", async () => {
  await using place = await openPlace();
  await submit(
    place,
    event("e1", { created_by: "me", labels: { a: "b" }, ttl: "1h" }),
  );
  const answer = await place.ask("/v2/events/e1");
  const shown = v.parse(SCHEMAS.Event, answer.json);
  deepStrictEqual(shown.spec.payload, { manifests: ["a: 1"] });
  deepStrictEqual(
    [shown.state, shown.revision, shown.attempt, shown.signed, shown.spec.ttl],
    ["queued", 1, 0, false, 3_600_000_000_000],
  );
  strictEqual(
    Date.parse(shown.deadline) - Date.parse(shown.accepted_at),
    3_600_000,
  );
});

Deno.test("GET /v2/events/{id} knows what it does not have", async () => {
  await using place = await openPlace();
  for (
    const id of [
      "nope",
      "..%2f..%2fetc%2fpasswd",
      "%00",
      "a%0ab",
      "x".repeat(4096),
      "%D0%B51",
    ]
  ) {
    isProblem(await place.ask(`/v2/events/${id}`), 404, "unknown_event");
    isProblem(
      await place.ask(`/v2/events/${id}/history`),
      404,
      "unknown_event",
    );
  }
});

Deno.test("GET /v2/events/{id}/history shows what happened, oldest first, in pages", async () => {
  await using place = await openPlace();
  await submit(place, event("e1"));
  for (const message of ["one", "two"]) {
    await place.store.changeEvent("default", "e1", () => ({
      status: {
        event_id: "e1",
        agent_id: "edge-1",
        state: "in_progress",
        phase: "applying",
        message,
        details: null,
        timestamp: "2026-11-23T05:04:27.10407393Z",
      },
    }));
  }
  const whole = v.parse(
    SCHEMAS.EntryPage,
    (await place.ask("/v2/events/e1/history")).json,
  );
  deepStrictEqual(
    whole.items.map(({ message, revision }) => [message, revision]),
    [
      ["Event queued", 1],
      ["one", 2],
      ["two", 3],
    ],
  );
  const first = (await place.ask("/v2/events/e1/history?limit=2")).json;
  strictEqual(first.items.length, 2);
  const rest = (await place.ask(
    `/v2/events/e1/history?limit=2&cursor=${first.next_cursor}`,
  )).json;
  deepStrictEqual(
    [rest.items.length, rest.items[0].message, rest.next_cursor],
    [1, "two", undefined],
  );
});
