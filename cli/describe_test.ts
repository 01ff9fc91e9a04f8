import { match, strictEqual } from "node:assert/strict";
import { agent, completed, history, ID } from "./testing/fixtures.ts";
import { golden } from "./testing/golden.ts";
import { run } from "./testing/host.ts";
import { problem, ScriptedServer } from "./testing/server.ts";

const EVENT = completed({
  spec: {
    ...completed().spec,
    payload: { manifests: ["secret", "secret"], note: "secret" },
    batch_id: "batch-1",
    metadata: { ticket: "T-1" },
    traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
  },
});

const FAILED = completed({
  state: "failed",
  phase: "failed",
  message: "First line\nsecond \u001b]0;line",
  error: {
    code: "not_ready",
    message: "Not ready",
    details: { object: "Deployment/web", reason: "no \u009bnodes" },
  },
  result: {
    success: false,
    completed_at: "2026-11-23T05:04:28.345Z",
    duration: 2e9,
    exit_code: 3,
    output: "one\ntwo\n",
    // What a hostile agent may send in place of a list.
    resource_status: "all of them" as unknown as [],
  },
});

function serverOf(event: unknown): ScriptedServer {
  return new ScriptedServer()
    .on(`GET /v2/events/${ID}`, () => event)
    .on(
      `GET /v2/events/${ID}/history`,
      // Newest first, in two pages: either order and any length will do.
      ({ query }) =>
        query.get("cursor") === "c"
          ? { items: history().toReversed().slice(2) }
          : { items: history().toReversed().slice(0, 2), next_cursor: "c" },
    )
    .on("GET /v2/agents/edge-7", () => agent())
    .on("GET /v2/events", () => ({ items: [completed()] }));
}

const CASES = [
  ["event", ["describe", "event", ID], EVENT],
  ["event_failed", ["describe", "event", ID], FAILED],
  ["agent", ["describe", "agent", "edge-7"], EVENT],
] as const;

for (const [name, args, event] of CASES) {
  for (const format of ["table", "json", "yaml"]) {
    Deno.test(`describe ${name} -o ${format}`, async () => {
      await using server = serverOf(event);
      const ran = await run([...args, "-o", format], { url: server.url });
      strictEqual(ran.stderr, "");
      strictEqual(ran.code, 0);
      await golden(`output/describe_${name}.${format}.txt`, ran.stdout);
    });
  }
}

Deno.test("describe does not print payloads, which may hold secrets, unless all is asked for", async () => {
  await using server = serverOf(EVENT);
  const text = await run(["describe", "event", ID], { url: server.url });
  strictEqual(text.stdout.includes("secret"), false);
  const all = await run(["describe", "event", ID, "-o", "yaml"], {
    url: server.url,
  });
  strictEqual(all.stdout.includes("secret"), true);
});

Deno.test("describe agent asks for this agent's newest events only", async () => {
  await using server = serverOf(EVENT);
  await run(["describe", "agent", "edge-7"], { url: server.url });
  const [asked] = server.asked("GET /v2/events");
  strictEqual(asked?.query.toString(), "agent=edge-7&limit=10");
});

Deno.test("describe cuts nothing on a terminal", async () => {
  await using server = serverOf(EVENT);
  const args = ["describe", "event", ID, "--no-color"];
  const narrow = await run(args, { url: server.url, columns: 40 });
  const piped = await run(args, { url: server.url });
  strictEqual(narrow.stdout, piped.stdout);
});

Deno.test("describe shows attempts and dates where they differ", async () => {
  const [first, ...rest] = history();
  const later = rest.map((entry) => ({
    ...entry,
    attempt: 2,
    timestamp: entry.timestamp.replace("-23T", "-24T"),
  }));
  await using server = serverOf(EVENT)
    .on(`GET /v2/events/${ID}/history`, () => ({ items: [first, ...later] }));
  const { stdout } = await run(["describe", "event", ID], { url: server.url });
  const [, timeLine = ""] = stdout.split("History:\n");
  await golden("output/describe_attempts.txt", timeLine);
});

const WAITS:
  readonly (readonly [name: string, agent: unknown, said: RegExp])[] = [
    ["is not known", null, /^Waits for: +its agent, which is not known$/m],
    [
      "is not connected",
      agent({ connected: false }),
      /^Waits for: +its agent, which is not connected: last seen \S+ \(2s ago\)$/m,
    ],
    [
      "is paused",
      agent({ paused_at: "2026-11-23T05:09:00.000Z" }),
      /^Waits for: +its agent, which is paused since \S+ \(60s ago\)$/m,
    ],
  ];

for (const [name, found, said] of WAITS) {
  Deno.test(`describe says that an event waits for its agent, which ${name}`, async () => {
    await using server = serverOf(completed({ state: "queued" }))
      .on(
        "GET /v2/agents/edge-7",
        () => found ?? problem(404, "unknown_agent", "Cannot find it"),
      );
    const ran = await run(["describe", "event", ID], { url: server.url });
    match(ran.stdout, said);
  });
}

Deno.test("describe agent shows what it says of itself", async () => {
  const figures = {
    at: "2026-11-23T05:09:58.000Z",
    running: 1,
    journal_bytes: 81_920,
    clock_offset_ms: -4,
    taking: false,
  };
  await using server = serverOf(EVENT)
    .on("GET /v2/agents/edge-7", () => agent({ figures }));
  const { stdout } = await run(["describe", "agent", "edge-7"], {
    url: server.url,
  });
  match(
    stdout,
    /Running: +1\nJournal: +80 KiB\nClock offset: +-4 ms\nNew events: +not taken/,
  );
});

Deno.test("describe agent names the types that it does not take now", async () => {
  const figures = {
    at: "2026-11-23T05:09:58.000Z",
    types_not_taken: ["k8s_resource"],
  };
  await using server = serverOf(EVENT)
    .on("GET /v2/agents/edge-7", () => agent({ figures }));
  const { stdout } = await run(["describe", "agent", "edge-7"], {
    url: server.url,
  });
  match(
    stdout,
    /New events: +k8s_resource not taken: it does not see its cluster/,
  );
});

Deno.test("describe says who asked for what the control plane did", async () => {
  const details = { principal: "anna", reason: "freeze" };
  const [queued] = history();
  await using server = serverOf(EVENT)
    .on(
      `GET /v2/events/${ID}/history`,
      () => ({ items: [{ ...queued, details }] }),
    );
  const { stdout } = await run(["describe", "event", ID], { url: server.url });
  match(stdout, /queued +anna +Event accepted/);
});

Deno.test("describe ends with 4 when there is no such thing", async () => {
  await using server = serverOf(EVENT)
    .on(
      `GET /v2/events/${ID}`,
      () => problem(404, "unknown_event", `Cannot find event "${ID}"`),
    );
  const { code, stdout } = await run(["describe", "event", ID], {
    url: server.url,
  });
  strictEqual(code, 4);
  strictEqual(stdout, "");
});

Deno.test("describe shows how long each object took, and until it was ready", async () => {
  const object = {
    kind: "Deployment",
    name: "web",
    namespace: "shop",
    api_version: "apps/v1",
    status: "created",
    message: "",
    duration: 41_000_000,
    ready_after: 62_500_000_000,
  };
  const [{ ready_after: _, ...settings }, event] = [
    { ...object, kind: "ConfigMap", name: "settings" },
    completed(),
  ];
  const result = { ...event.result, resource_status: [settings, object] };
  await using server = serverOf({ ...event, result });
  const { stdout } = await run(["describe", "event", ID], { url: server.url });
  match(stdout, /STATUS +TOOK +READY AFTER\n/);
  match(stdout, /ConfigMap .* created +41ms\n/);
  match(stdout, /Deployment .* created +41ms +1m2\.5s\n/);
});
