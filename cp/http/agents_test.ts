import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import * as v from "valibot";
import { event, isProblem, openPlace } from "../testing/place.ts";
import { SCHEMAS } from "./schemas.ts";

Deno.test("GET /v2/agents lists agents by id, in pages", async () => {
  await using place = await openPlace();
  deepStrictEqual((await place.ask("/v2/agents")).json, { items: [] });
  await place.know("c", "a", "b");
  const page = v.parse(
    SCHEMAS.AgentPage,
    (await place.ask("/v2/agents?limit=2")).json,
  );
  deepStrictEqual(page.items.map(({ id }) => id), ["a", "b"]);
  const last =
    (await place.ask(`/v2/agents?limit=2&cursor=${page.next_cursor}`)).json;
  deepStrictEqual([last.items.length, last.items[0].id, last.next_cursor], [
    1,
    "c",
    undefined,
  ]);
});

Deno.test("GET /v2/agents has those with all of the labels, in pages", async () => {
  await using place = await openPlace();
  await place.know("a", "b");
  const ids = async (query: string) => {
    const { json } = await place.ask(`/v2/agents?${query}`);
    return [json.items.map(({ id }: { id: string }) => id), json.next_cursor];
  };
  deepStrictEqual(await ids("label=zone=z1"), [["a", "b"], undefined]);
  const [first, cursor] = await ids("label=zone=z1&limit=1");
  deepStrictEqual(first, ["a"]);
  const next = `label=zone=z1&limit=1&cursor=${cursor}`;
  deepStrictEqual(await ids(next), [["b"], undefined]);
  for (const none of ["zone=z2", "toString=", "zone=z1&label=tier=edge"]) {
    deepStrictEqual(await ids(`label=${none}`), [[], undefined]);
  }
  isProblem(await place.ask("/v2/agents?label=zone"), 422, "invalid");
});

Deno.test("GET /v2/agents/{id} shows an agent, and what is open for it", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  await place.ask("/v2/events", { method: "POST", body: event("e1") });
  const agent = v.parse(
    SCHEMAS.Agent,
    (await place.ask("/v2/agents/edge-1")).json,
  );
  deepStrictEqual(
    [
      agent.connected,
      agent.link_version,
      agent.generation,
      agent.open_events,
      agent.labels,
    ],
    [false, 1, 1, { queued: 1 }, { zone: "z1" }],
  );
  isProblem(await place.ask("/v2/agents/nobody"), 404, "unknown_agent");
});

Deno.test("GET /v2/agents/{id} knows who is connected", async () => {
  await using place = await openPlace();
  const socket = new WebSocket(`${place.url.replace("http", "ws")}/ws`);
  await once(socket, "open");
  socket.send(
    JSON.stringify({
      id: "edge-1",
      name: "n",
      cluster_name: "c",
      version: "1",
      capabilities: ["k8s_crud"],
    }),
  );
  await once(socket, "message");
  const { connected, carrier } = v.parse(
    SCHEMAS.Agent,
    (await place.ask("/v2/agents/edge-1")).json,
  );
  deepStrictEqual([connected, carrier], [true, "websocket"]);
  strictEqual((await place.ask("/health")).json.agent_count, 1);
  socket.close();
  await once(socket, "close");
  while ((await place.ask("/v2/agents/edge-1")).json.connected) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  strictEqual((await place.ask("/v2/agents/edge-1")).json.carrier, undefined);
});

Deno.test("GET /ws without an upgrade says that it is for agents", async () => {
  await using place = await openPlace();
  const answer = await place.ask("/ws");
  isProblem(answer, 426, "unsupported_version");
  strictEqual(answer.headers.get("upgrade"), "websocket");
});

Deno.test("POST /v2/agents/{id}/pause and resume stop what is released, and let it go on", async () => {
  await using place = await openPlace();
  const agent = await place.connect();
  for (let i = 0; i < 2; i++) {
    const answer = await place.ask("/v2/agents/edge-1/pause", {
      method: "POST",
    });
    strictEqual(answer.status, 200, answer.text);
    const { paused_at, connected } = v.parse(SCHEMAS.Agent, answer.json);
    deepStrictEqual([typeof paused_at, connected], ["string", true]);
  }
  await place.ask("/v2/events", { method: "POST", body: event("e1") });
  strictEqual((await place.ask("/v2/events/e1")).json.state, "queued");
  deepStrictEqual(agent.of("event"), []);
  const resumed = await place.ask("/v2/agents/edge-1/resume", {
    method: "POST",
  });
  strictEqual(resumed.json.paused_at, undefined);
  await agent.nextOf("event");
  await agent.cut();
});

Deno.test("DELETE /v2/agents/{id} forgets an agent, and ends what is open", async () => {
  await using place = await openPlace();
  const agent = await place.connect();
  await place.ask("/v2/events", { method: "POST", body: event("e1") });
  await agent.nextOf("event");
  const gone = await place.ask("/v2/agents/edge-1", { method: "DELETE" });
  deepStrictEqual([gone.status, gone.text], [204, ""]);
  strictEqual(await agent.end(), "denied");
  const { state, error } = (await place.ask("/v2/events/e1")).json;
  deepStrictEqual([state, error.code], ["failed", "interrupted"]);
  isProblem(await place.ask("/v2/agents/edge-1"), 404, "unknown_agent");
  for (
    const [method, path] of [
      ["DELETE", ""],
      ["POST", "/pause"],
      ["POST", "/resume"],
    ] as const
  ) {
    isProblem(
      await place.ask(`/v2/agents/edge-1${path}`, { method }),
      404,
      "unknown_agent",
    );
  }
});

Deno.test("GET /v2/agents/{id} shows what a connected agent says of itself", async () => {
  await using place = await openPlace();
  const agent = await place.connect();
  const metrics = { journal_bytes: 4096, clock_offset_ms: -3, taking: false };
  await agent.send({ type: "heartbeat", timestamp: "t", metrics });
  await agent.nextOf("heartbeat_ack");
  const shown = v.parse(
    SCHEMAS.Agent,
    (await place.ask("/v2/agents/edge-1")).json,
  );
  const { at, ...figures } = shown.figures ?? { at: "" };
  deepStrictEqual(figures, metrics);
  strictEqual(Number.isNaN(Date.parse(at)), false);
  const [listed] = (await place.ask("/v2/agents")).json.items;
  deepStrictEqual(listed.figures, shown.figures);
});
