import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type HistoryEntry, PROGRESS_OBJECTS_MAX } from "@transporter/sdk";
import * as v from "valibot";
import { event, isProblem, openPlace, type Place } from "../testing/place.ts";
import type { ScriptedAgent } from "../testing/scripted_agent.ts";
import { SCHEMAS } from "./schemas.ts";

function object(name: string, status: string, message = "") {
  const id = { kind: "ConfigMap", name, namespace: "shop", api_version: "v1" };
  return { ...id, status, message, since: "2026-11-23T05:04:27.000Z" };
}

function progressOf(...objects: readonly ReturnType<typeof object>[]) {
  const counts = Object.groupBy(objects, ({ status }) => status);
  return {
    total: objects.length,
    counts: Object.fromEntries(
      Object.entries(counts).map(([status, all = []]) => [status, all.length]),
    ),
    objects,
  };
}

async function pageOf(place: Place, query = "") {
  const answer = await place.ask(`/v2/events/e1/objects${query}`);
  strictEqual(answer.status, 200, answer.text);
  return v.parse(SCHEMAS.ObjectPage, answer.json);
}

/** Has the agent report on the event, and waits until that is acknowledged. */
async function tell(
  agent: ScriptedAgent,
  sid: number,
  rest: Record<string, unknown>,
  phase = "verifying",
  state = "in_progress",
): Promise<void> {
  await agent.status("e1", state, phase, { sid, attempt: 1, ...rest });
  for (;;) {
    const frame = await agent.nextOf("status_ack");
    if (Number(frame["upto"]) >= sid) return;
  }
}

/** An agent that has the event e1 in hand. */
async function begun(place: Place): Promise<ScriptedAgent> {
  const agent = await place.connect();
  await place.ask("/events", { method: "POST", body: event("e1") });
  await agent.nextOf("event");
  const [welcome] = agent.of("welcome");
  await agent.send({ type: "ack", epoch: welcome?.["epoch"], upto: 1 });
  return agent;
}

Deno.test("GET /v2/events/{id}/objects shows where objects are, then what became of them", async () => {
  await using place = await openPlace();
  isProblem(await place.ask("/v2/events/e1/objects"), 404, "unknown_event");
  const agent = await begun(place);
  deepStrictEqual(await pageOf(place), { items: [], total: 0, counts: {} });
  const progress = progressOf(
    object("a", "ready"),
    object("b", "waiting", "0 of 1"),
  );
  await tell(agent, 1, { message: "Waiting for b", details: { progress } });
  const { objects, ...counts } = progress;
  deepStrictEqual(await pageOf(place), { items: objects, ...counts });
  const first = await pageOf(place, "?limit=1");
  deepStrictEqual(first.items, [objects[0]]);
  const second = await pageOf(place, `?limit=1&cursor=${first.next_cursor}`);
  deepStrictEqual(second.items, [objects[1]]);
  strictEqual(second.next_cursor, undefined);

  const { since: _, ...created } = object("b", "created", "is created");
  const result = { success: true, resource_status: [created] };
  await tell(agent, 2, { result }, "completed", "completed");
  deepStrictEqual(await pageOf(place), {
    items: [created],
    total: 1,
    counts: { created: 1 },
  });
});

Deno.test("the history has the number of objects, and one entry for a message that stays", async () => {
  await using place = await openPlace();
  const agent = await begun(place);
  const message = "Waiting for b";
  const waits = progressOf(object("a", "waiting"), object("b", "waiting"));
  const moved = progressOf(object("a", "ready"), object("b", "waiting"));
  await tell(agent, 1, { message, details: { progress: waits } });
  await tell(agent, 2, { message, details: { progress: moved } });
  await tell(agent, 3, { message, details: { progress: moved } });
  const items: HistoryEntry[] =
    (await place.ask("/v2/events/e1/history")).json.items;
  const said = items.filter((each) => each.message === message);
  const { objects, ...counts } = moved;
  deepStrictEqual(said.map(({ details }) => details), [{ progress: counts }]);
  deepStrictEqual((await pageOf(place)).items, objects);
});

Deno.test("what an agent says of its objects is bounded, and given its shape", async () => {
  await using place = await openPlace();
  const agent = await begun(place);
  const name = "€".repeat(255);
  const long = {
    ...object(name, "waiting", "€".repeat(500)),
    kind: name,
    namespace: name,
  };
  const objects = Array.from(
    { length: 3 * PROGRESS_OBJECTS_MAX },
    (_, i) => object(`m-${i}`, "waiting"),
  );
  const progress = { total: 600, counts: { waiting: 600 }, objects };
  await tell(agent, 1, { message: "1", details: { progress } });
  strictEqual((await pageOf(place, "?limit=500")).items.length, 200);
  const hostile = {
    total: -3,
    counts: { waiting: "many", ready: 2 },
    objects: [7, { kind: 1 }, ...Array(60).fill(long)],
  };
  await tell(agent, 2, { message: "2", details: { progress: hostile } });
  const page = await pageOf(place, "?limit=500");
  deepStrictEqual([page.total, page.counts], [0, { waiting: 0, ready: 2 }]);
  strictEqual(page.items[0]?.kind, "");
  ok(page.items.length > 10, `${page.items.length} objects`);
  const bytes = new TextEncoder().encode(JSON.stringify(page.items)).length;
  ok(bytes <= 64 * 1024, `${bytes} bytes`);
});
