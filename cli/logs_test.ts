import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { LogEntry } from "@transporter/sdk";
import { completed, ID } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer, type Seen } from "./testing/server.ts";

const { result: _, finished_at: __, ...open } = completed();
const running = { ...open, state: "in_progress" } as const;

function entry(data: string, more: Partial<LogEntry> = {}): LogEntry {
  return {
    attempt: 1,
    stream: "stdout",
    off: 0,
    data,
    truncated: false,
    ...more,
  };
}

/** Pages as the control plane has them: the cursor says how many were seen. */
function serving(...entries: readonly LogEntry[]): ScriptedServer {
  return new ScriptedServer()
    .on(`GET /v2/events/${ID}`, () => completed())
    .on(`GET /v2/events/${ID}/logs`, ({ query }: Seen) => {
      const at = Number(query.get("cursor") ?? 0);
      const items = entries.slice(at, at + 2);
      return { items, next_cursor: String(at + items.length) };
    });
}

Deno.test("logs shows all of it, and makes it safe for a terminal", async () => {
  await using server = serving(
    entry("one\ntw"),
    entry("o\u001b[31m\n"),
    entry("three\n", { truncated: true, stream: "stderr" }),
  );
  const ran = await run(["logs", ID], { url: server.url });
  strictEqual(ran.code, 0);
  strictEqual(ran.stdout, "one\ntwo\\u001b[31m\nthree\n");
  strictEqual(ran.stderr, "Output of attempt 1 on stderr is missing here\n");
});

Deno.test("logs -o json is a list, and with -f one value a line", async () => {
  const entries = [entry("a\n"), entry("b\n"), entry("c\n")];
  await using server = serving(...entries);
  const { url } = server;
  const list = await run(["logs", ID, "-o", "json"], { url });
  deepStrictEqual(JSON.parse(list.stdout), { items: entries });
  const lines = await run(["logs", ID, "-f", "-o", "json"], { url });
  deepStrictEqual(
    lines.stdout.trim().split("\n").map((line) => JSON.parse(line)),
    entries,
  );
});

Deno.test("logs -f goes on until the event has ended, and has what came last", async () => {
  const entries = [entry("a\n")];
  await using server = new ScriptedServer()
    .on(`GET /v2/events/${ID}`, () => running, () => {
      entries.push(entry("last\n"));
      return completed();
    })
    .on(`GET /v2/events/${ID}/logs`, ({ query }: Seen) => {
      const items = entries.slice(Number(query.get("cursor") ?? 0));
      return { items, next_cursor: String(entries.length) };
    });
  const ran = await run(["logs", ID, "-f"], { url: server.url });
  deepStrictEqual([ran.code, ran.stdout], [0, "a\nlast\n"]);
});

Deno.test("logs -f ends without a failure when the person has seen enough", async () => {
  const stop = new AbortController();
  await using server = serving(entry("a\n"))
    .on(`GET /v2/events/${ID}`, () => running);
  const ran = await run(["logs", ID, "-f"], {
    url: server.url,
    signal: stop.signal,
    onWrite: () => stop.abort(),
  });
  deepStrictEqual([ran.code, ran.stdout], [0, "a\n"]);
});

Deno.test("logs says when there is no such event", async () => {
  await using server = new ScriptedServer()
    .on(
      `GET /v2/events/${ID}/logs`,
      () => problem(404, "unknown_event", 'Cannot find event "x"'),
    );
  const ran = await run(["logs", ID], { url: server.url });
  strictEqual(ran.code, 4);
  match(ran.stderr, /^error\[unknown_event\]: /);
});
