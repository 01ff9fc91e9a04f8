import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { agent } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer } from "./testing/server.ts";

const PAUSED = agent({ paused_at: "2026-11-23T05:09:50.000Z" });

Deno.test("pause, resume and delete agent do it, and say so", async () => {
  await using server = new ScriptedServer()
    .on("POST /v2/agents/edge-7/pause", () => PAUSED)
    .on("POST /v2/agents/edge-7/resume", () => agent())
    .on("DELETE /v2/agents/edge-7", () => new Response(null, { status: 204 }));
  const { url } = server;
  for (
    const [verb, done] of [
      ["pause", "paused"],
      ["resume", "resumed"],
      ["delete", "deleted"],
    ] as const
  ) {
    const ran = await run([verb, "agent", "edge-7"], { url });
    deepStrictEqual([ran.code, ran.stdout], [0, `agent/edge-7 ${done}\n`]);
    const named = await run([verb, "agent", "edge-7", "-o", "name"], { url });
    strictEqual(named.stdout, "agent/edge-7\n");
  }
  const json = await run(["pause", "agent", "edge-7", "-o", "json"], { url });
  deepStrictEqual(JSON.parse(json.stdout), PAUSED);
});

Deno.test("pause agent says when there is no such agent", async () => {
  await using server = new ScriptedServer()
    .on(
      "POST /v2/agents/edge-8/pause",
      () => problem(404, "unknown_agent", 'Cannot find agent "edge-8"'),
    );
  const ran = await run(["pause", "agent", "edge-8"], { url: server.url });
  strictEqual(ran.code, 4);
  match(ran.stderr, /^error\[unknown_agent\]: /);
});

Deno.test("get agents and describe agent show who is paused", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents", () => ({ items: [PAUSED] }))
    .on("GET /v2/events", () => ({ items: [] }))
    .on("GET /v2/agents/edge-7", () => PAUSED);
  const { url } = server;
  match((await run(["get", "agents"], { url })).stdout, /connected, paused/);
  const { stdout } = await run(["describe", "agent", "edge-7"], { url });
  match(stdout, /Paused since: +\S/);
});
