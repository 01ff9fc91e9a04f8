import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TransporterError } from "@transporter/sdk";
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
    const yes = verb === "delete" ? ["--yes"] : [];
    const ran = await run([verb, "agent", "edge-7", ...yes], { url });
    deepStrictEqual([ran.code, ran.stdout], [0, `agent/edge-7 ${done}\n`]);
    const named = await run([verb, "agent", "edge-7", "-o", "name", ...yes], {
      url,
    });
    strictEqual(named.stdout, "agent/edge-7\n");
  }
  const json = await run(["pause", "agent", "edge-7", "-o", "json"], { url });
  deepStrictEqual(JSON.parse(json.stdout), PAUSED);
});

Deno.test("pause agent takes several, goes on after one that is not there, and ends with 4", async () => {
  await using server = new ScriptedServer()
    .on("POST /v2/agents/edge-7/pause", () => PAUSED)
    .on(
      "POST /v2/agents/edge-8/pause",
      () => problem(404, "unknown_agent", 'Cannot find agent "edge-8"'),
    );
  const args = ["pause", "agent", "edge-8", "edge-7", "edge-7"];
  const ran = await run(args, { url: server.url });
  deepStrictEqual([ran.code, ran.stdout], [4, "agent/edge-7 paused\n"]);
  match(ran.stderr, /^error\[unknown_agent\]: /);
});

const BUSY = agent({ open_events: { queued: 2, in_progress: 1 } });
const DELETE = "DELETE /v2/agents/edge-7";

Deno.test("delete agent asks a person first, and says what would end", async () => {
  for (const [typed, deletes] of [["y\n", 1], ["YES", 1], ["\n", 0], ["", 0]]) {
    await using server = new ScriptedServer()
      .on("GET /v2/agents/edge-7", () => BUSY)
      .on(DELETE, () => new Response(null, { status: 204 }));
    const ran = await run(["delete", "agent", "edge-7"], {
      url: server.url,
      typed: String(typed),
    });
    match(
      ran.stderr,
      /^Delete agent "edge-7" \(connected, ends 2 queued, 1 in_progress\)\? \[y\/N\] /,
    );
    strictEqual(server.asked(DELETE).length, deletes, `"${typed}"`);
    deepStrictEqual(
      [ran.code, ran.stdout],
      deletes === 1 ? [0, "agent/edge-7 deleted\n"] : [4, ""],
    );
  }
});

Deno.test("delete agent refuses when there is nobody to ask", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents/edge-7", () => BUSY)
    .on(DELETE, () => new Response(null, { status: 204 }));
  const ran = await run(["delete", "agent", "edge-7"], {
    url: server.url,
    stdin: "y\n",
  });
  deepStrictEqual([ran.code, ran.stdout], [2, ""]);
  match(ran.stderr, /add --yes/);
  strictEqual(server.requests.length, 0);
});

Deno.test("delete agent ends on Ctrl-C while it asks", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents/edge-7", () => BUSY)
    .on(DELETE, () => new Response(null, { status: 204 }));
  const stop = new AbortController();
  const ran = await run(["delete", "agent", "edge-7"], {
    url: server.url,
    typed: "y\n",
    signal: stop.signal,
    onWrite: (text) => {
      if (!text.includes("[y/N]")) return;
      stop.abort(new TransporterError("cancelled", "Stopped as asked"));
    },
  });
  deepStrictEqual([ran.code, ran.stdout], [1, ""]);
  strictEqual(server.asked(DELETE).length, 0);
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
