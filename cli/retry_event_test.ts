import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { completed, history, ID, status } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer, ScriptedStream } from "./testing/server.ts";

const RETRY = `POST /v2/events/${ID}/retry`;
const { result: _, finished_at: __, ...open } = completed();
const queued = { ...open, state: "queued", revision: 6 } as const;

Deno.test("retry queues again, and refuses what is open", async () => {
  await using server = new ScriptedServer()
    .on(RETRY, () => queued)
    .on(
      "POST /v2/events/two/retry",
      () =>
        problem(
          409,
          "conflict",
          'Cannot run event "two" again as it has not ended',
        ),
    );
  const ran = await run(["retry", "two", ID], { url: server.url });
  deepStrictEqual([ran.code, ran.stdout], [
    4,
    `event/${ID} queued again (agent edge-7)\n`,
  ]);
  match(ran.stderr, /^error\[conflict\]: /);
});

Deno.test("retry --wait does not take the first end for the one it waits for", async () => {
  const stream = new ScriptedStream();
  const first = history({ state: "failed", phase: "failed" });
  const after = history().map((entry) => ({
    ...entry,
    revision: entry.revision + 5,
    attempt: 2,
  }));
  await using server = new ScriptedServer()
    .on(RETRY, () => queued)
    .on("GET /v2/stream", stream.answer)
    .on(`GET /v2/events/${ID}/history`, () => ({ items: first }))
    .on(`GET /v2/events/${ID}`, () => completed({ attempt: 2 }));
  const running = run(["retry", ID, "--wait", "-o", "json"], {
    url: server.url,
  });
  for (const entry of after) {
    await stream.send("status", status(entry), String(entry.revision));
  }
  const ran = await running;
  strictEqual(ran.code, 0, ran.stderr);
  strictEqual(JSON.parse(ran.stdout).attempt, 2);
});

Deno.test("retry --wait tells events of one agent apart by their ids", async () => {
  await using server = new ScriptedServer();
  for (const id of ["one", "two"]) {
    const named = { ...open.spec, id };
    const stream = new ScriptedStream();
    server.on(`POST /v2/events/${id}/retry`, () => ({ ...queued, spec: named }))
      .on("GET /v2/stream", stream.answer)
      .on(`GET /v2/events/${id}`, () => completed({ spec: named }))
      .on(`GET /v2/events/${id}/history`, () => ({
        items: history().map((entry) => ({
          ...entry,
          event_id: id,
          revision: entry.revision + 6,
        })),
      }));
  }
  const ran = await run(["retry", "one", "two", "--wait"], { url: server.url });
  strictEqual(ran.code, 0, ran.stderr);
  for (const id of ["one", "two"]) {
    match(ran.stderr, new RegExp(` {2}${id} {2}completed `));
  }
});

Deno.test("a command does not try again what no control plane answered", async () => {
  await using server = new ScriptedServer()
    .on(
      `GET /v2/events/${ID}/logs`,
      () => new Response("Not here", { status: 404 }),
    );
  const ran = await run(["logs", ID, "--follow"], { url: server.url });
  strictEqual(ran.code, 3);
  match(ran.stderr, /^error\[unavailable\]: [^\n]*not one of a control plane/);
  strictEqual(server.requests.length, 1);
});
