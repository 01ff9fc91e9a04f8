import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Clock, isRecord } from "@transporter/sdk";
import { agent, completed, history, ID, status } from "./testing/fixtures.ts";
import { golden } from "./testing/golden.ts";
import { run, testClock } from "./testing/host.ts";
import { problem, ScriptedServer, ScriptedStream } from "./testing/server.ts";

const { result: _, finished_at: __, ...open } = completed();
const running = {
  ...open,
  spec: {
    ...open.spec,
    id: "two",
    target_agent: "edge-\u001b[31m8",
    labels: {},
  },
  state: "in_progress",
  phase: "applying",
  message: "Applying 日本",
  accepted_at: "2026-11-23T05:09:50.000Z",
} as const;
const EVENTS = { items: [running, completed()] };
const AGENTS = {
  items: [
    agent(),
    agent({
      id: "old",
      connected: false,
      link_version: 1,
      executors: [],
      capabilities: ["k8s_crud"],
      open_events: {},
      seen_at: "2026-11-20T05:00:00Z",
    }),
  ],
};

function serving(): ScriptedServer {
  return new ScriptedServer()
    .on("GET /v2/events", () => EVENTS)
    .on(`GET /v2/events/${ID}`, () => completed())
    .on("GET /v2/agents", () => AGENTS)
    .on("GET /v2/agents/edge-7", () => agent());
}

const SUBJECTS = [
  ["events", ["get", "events"]],
  ["event", ["get", "event", ID]],
  ["agents", ["get", "agents"]],
  ["agent", ["get", "agent", "edge-7"]],
] as const;

for (const [name, args] of SUBJECTS) {
  for (const format of ["table", "wide", "json", "yaml", "name"]) {
    Deno.test(`get ${name} -o ${format}`, async () => {
      await using server = serving();
      const ran = await run([...args, "-o", format], { url: server.url });
      strictEqual(ran.stderr, "");
      strictEqual(ran.code, 0);
      await golden(`output/get_${name}.${format}.txt`, ran.stdout);
    });
  }
}

Deno.test("get events fits a terminal, in colour, and cuts no id", async () => {
  await using server = serving();
  const { stdout } = await run(["get", "events"], {
    url: server.url,
    columns: 90,
  });
  await golden("output/get_events.terminal.txt", stdout);
});

Deno.test("get events asks for what its flags say", async () => {
  await using server = serving();
  const flags =
    "--agent a --state failed --type k8s_resource -l team=x --label env=prod --since 1h30m --limit 7";
  const { code } = await run(["get", "events", ...flags.split(" ")], {
    url: server.url,
  });
  strictEqual(code, 0);
  deepStrictEqual([...server.requests[0]?.query ?? []], [
    ["agent", "a"],
    ["state", "failed"],
    ["type", "k8s_resource"],
    ["label", "team=x"],
    ["label", "env=prod"],
    ["since", "2026-11-23T03:40:00.000Z"],
    ["limit", "7"],
  ]);
});

Deno.test("get events asks for page after page until it has enough", async () => {
  await using server = new ScriptedServer().on(
    "GET /v2/events",
    () => ({ items: Array(500).fill(running), next_cursor: "c1" }),
    () => ({ items: Array(100).fill(running), next_cursor: "c2" }),
  );
  const { stdout } = await run(
    ["get", "events", "--limit", "600", "-o", "json"],
    { url: server.url },
  );
  const page: unknown = JSON.parse(stdout);
  strictEqual(
    isRecord(page) && Array.isArray(page["items"]) && page["items"].length,
    600,
  );
  strictEqual(isRecord(page) && page["next_cursor"], "c2");
  deepStrictEqual(
    server.requests.map((
      { query },
    ) => [query.get("limit"), query.get("cursor")]),
    [["500", null], ["100", "c1"]],
  );
});

Deno.test("get events says when there are more than it shows", async () => {
  await using server = new ScriptedServer()
    .on(
      "GET /v2/events",
      () => ({ items: Array(100).fill(running), next_cursor: "c" }),
    );
  const { stderr } = await run(["get", "events"], { url: server.url });
  strictEqual(stderr, "These are the newest 100; --limit shows more\n");
});

Deno.test("get says when there is nothing, on standard error", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({ items: [] }))
    .on("GET /v2/agents", () => ({ items: [] }));
  const events = await run(["get", "events"], { url: server.url });
  deepStrictEqual(events, {
    code: 0,
    stdout: "",
    stderr: "There are no events\n",
  });
  const agents = await run(["get", "agents", "-o", "json"], {
    url: server.url,
  });
  deepStrictEqual(agents, {
    code: 0,
    stdout: '{\n  "items": []\n}\n',
    stderr: "",
  });
});

Deno.test("shared options stand before or after a command's name", async () => {
  await using server = serving();
  const wanted =
    (await run(["get", "agents", "-o", "name"], { url: server.url })).stdout;
  strictEqual(wanted, "agent/edge-7\nagent/old\n");
  for (
    const args of [["-o", "name", "get", "agents"], [
      "get",
      "-o",
      "name",
      "agents",
    ], ["-o", "json", "get", "agents", "-oname"]]
  ) {
    const { stdout } = await run(args, { url: server.url });
    strictEqual(stdout, wanted);
  }
});

/** Does not wait between two looks at agents. */
const clock: Clock = {
  ...testClock,
  sleep: (ms, options) => testClock.sleep(ms === 2000 ? 0 : ms, options),
};

/** Runs a command that never ends until it has written what was waited for. */
async function watching(
  args: readonly string[],
  server: ScriptedServer,
  options: { readonly until: string; readonly clock?: Clock },
) {
  const person = new AbortController();
  let seen = "";
  return await run(args, {
    url: server.url,
    clock: options.clock ?? testClock,
    signal: person.signal,
    onWrite(text) {
      seen += text;
      if (seen.includes(options.until)) person.abort();
    },
  });
}

Deno.test("get events --state may be there several times, --agent once", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({ items: [] }));
  const { url } = server;
  const states = ["--state", "queued", "--state", "assigned"];
  strictEqual((await run(["get", "events", ...states], { url })).code, 0);
  const [asked] = server.asked("GET /v2/events");
  deepStrictEqual(asked?.query.getAll("state"), ["queued", "assigned"]);
  for (
    const args of [["--agent", "a", "--agent", "b"], ["--state", "waiting"]]
  ) {
    const ran = await run(["get", "events", ...args], { url });
    deepStrictEqual([ran.code, ran.stdout], [2, ""], args.join(" "));
  }
  strictEqual(server.requests.length, 1);
});

Deno.test("get events shows what is to be cancelled, and when the next attempt may begin", async () => {
  const { finished_at: _, ...open } = completed();
  await using server = new ScriptedServer().on("GET /v2/events", () => ({
    items: [
      {
        ...open,
        state: "queued",
        attempt: 2,
        ready_at: "2026-11-23T05:10:07Z",
      },
      {
        ...open,
        state: "in_progress",
        phase: "applying",
        cancel_requested_at: "2026-11-23T05:09:59Z",
      },
      { ...completed(), cancel_requested_at: "2026-11-23T05:09:59Z" },
    ],
  }));
  const { stdout } = await run(["get", "events"], { url: server.url });
  const rows = stdout.split("\n").slice(1, 4).map((row) =>
    row.split(/ {3,}/).slice(3, -2)
  );
  deepStrictEqual(rows, [
    ["queued", "2 (next in 7s)"],
    ["in_progress", "cancelling", "1"],
    ["completed", "1"],
  ]);
});

Deno.test("get events --watch shows what there is, then every change once, until Ctrl-C", async () => {
  const stream = new ScriptedStream();
  const [queued, assigned, applying, done] = history();
  const fresh = { ...completed(), spec: { ...completed().spec, id: "new" } };
  const start = {
    ...open,
    state: "queued",
    revision: 1,
    message: "Event accepted",
  };
  const { phase: ___, ...first } = start;
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({ items: [first] }))
    .on("GET /v2/events/new", () => fresh)
    .on("GET /v2/events/gone", () => problem(404, "unknown_event", "Gone"))
    .on("GET /v2/stream", stream.answer);
  async function tell(): Promise<void> {
    // The first is known already; one is of an event that is gone, one of a new one.
    const entries = [
      queued!,
      assigned!,
      { ...applying!, event_id: "gone" },
      applying!,
      { ...assigned!, event_id: "new" },
      done!,
    ];
    for (const [i, entry] of entries.entries()) {
      await stream.send("status", status(entry), String(i));
    }
  }
  const [ran] = await Promise.all([
    watching(["get", "events", "--watch"], server, {
      until: "Event completed",
    }),
    tell(),
  ]);
  strictEqual(ran.code, 0);
  await golden("output/watch_events.txt", ran.stdout);
  strictEqual(server.asked("GET /v2/events/new").length, 1);
});

Deno.test("get events --watch keeps to its filters", async () => {
  const stream = new ScriptedStream();
  const [, , applying, done] = history();
  const other = {
    ...completed(),
    spec: { ...completed().spec, id: "other", labels: {} },
  };
  const last = { ...completed(), spec: { ...completed().spec, id: "last" } };
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({ items: [] }))
    .on("GET /v2/events/other", () => other)
    .on("GET /v2/events/last", () => last)
    .on(`GET /v2/events/${ID}`, () => completed())
    .on("GET /v2/stream", stream.answer);
  async function tell(): Promise<void> {
    const entries = [applying!, { ...done!, event_id: "other" }, done!, {
      ...done!,
      event_id: "last",
    }];
    for (const [i, entry] of entries.entries()) {
      await stream.send("status", status(entry), String(i));
    }
  }
  const flags = "--agent edge-7 -l team=platform --state completed -o name";
  const [ran] = await Promise.all([
    watching(["get", "events", "--watch", ...flags.split(" ")], server, {
      until: "event/last",
    }),
    tell(),
  ]);
  strictEqual(ran.stdout, `event/${ID}\nevent/last\n`);
  strictEqual(server.asked("GET /v2/stream")[0]?.query.get("agent"), "edge-7");
});

Deno.test("get events --watch -o json writes one value a line", async () => {
  const stream = new ScriptedStream();
  await using server = new ScriptedServer()
    .on("GET /v2/events", () => ({ items: [completed({ revision: 1 })] }))
    .on("GET /v2/stream", stream.answer);
  const [ran] = await Promise.all([
    watching(
      ["get", "events", "--watch", "-o", "json"],
      server,
      { until: '"revision":3' },
    ),
    stream.send("status", status(history()[2]!), "1"),
  ]);
  const lines = ran.stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  deepStrictEqual(lines.map(({ state, phase }) => [state, phase]), [
    ["completed", "completed"],
    ["in_progress", "applying"],
  ]);
  strictEqual("result" in lines[1], false);
});

Deno.test("get event --watch shows one event, then every change of it once, until Ctrl-C", async () => {
  const stream = new ScriptedStream();
  const [, assigned, applying, done] = history();
  const first = { ...open, state: "assigned", revision: 2 };
  await using server = new ScriptedServer()
    .on(`GET /v2/events/${ID}`, () => first)
    .on("GET /v2/events/gone", () => problem(404, "unknown_event", "No such"))
    .on("GET /v2/stream", stream.answer);
  async function tell(): Promise<void> {
    for (const [i, entry] of [assigned!, applying!, done!].entries()) {
      await stream.send("status", status(entry), String(i));
    }
  }
  const args = ["get", "event", ID, "--watch", "-o", "json"];
  const [ran] = await Promise.all([
    watching(args, server, { until: '"state":"completed"' }),
    tell(),
  ]);
  strictEqual(ran.code, 0);
  const lines = ran.stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  deepStrictEqual(lines.map(({ state }) => state), [
    "assigned",
    "in_progress",
    "completed",
  ]);
  deepStrictEqual(lines.map(({ spec }) => spec.payload), [
    undefined,
    undefined,
    undefined,
  ]);
  strictEqual(server.asked("GET /v2/stream")[0]?.query.get("event"), ID);
  const gone = ["get", "event", "gone", "--watch"];
  strictEqual((await run(gone, { url: server.url })).code, 4);
});

Deno.test("get agent --watch shows one agent as it changes", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents/edge-7", () => agent())
    .on(
      "GET /v2/agents",
      () => ({ items: [agent(), agent({ id: "other" })] }),
      () => ({ items: [agent({ connected: false }), agent({ id: "new" })] }),
    );
  const args = ["get", "agent", "edge-7", "--watch", "-o", "json"];
  const ran = await watching(args, server, { until: "false", clock });
  deepStrictEqual(
    ran.stdout.trimEnd().split("\n").map((line) => {
      const { id, connected } = JSON.parse(line);
      return [id, connected];
    }),
    [["edge-7", true], ["edge-7", false]],
  );
});

Deno.test("get agents -l shows those that have all of the labels, also with --watch", async () => {
  const labels = { team: "a", tier: "edge" };
  const items = [
    agent({ id: "both", labels }),
    agent({ id: "one", labels: { team: "a" } }),
    agent({ id: "none", labels: {} }),
  ];
  const more = [...items, agent({ id: "new", labels }), agent({ id: "other" })];
  await using server = new ScriptedServer()
    .on(
      "GET /v2/agents",
      () => ({ items: items.slice(0, 1) }),
      () => ({ items }),
      () => ({ items: more }),
    );
  const args = ["get", "agents", "-l", "team=a", "-l", "tier=edge", "-oname"];
  const { code, stdout } = await run(args, { url: server.url });
  deepStrictEqual([code, stdout], [0, "agent/both\n"]);
  deepStrictEqual(server.asked("GET /v2/agents")[0]?.query.getAll("label"), [
    "team=a",
    "tier=edge",
  ]);
  const watch = [...args, "--watch"];
  const ran = await watching(watch, server, { until: "agent/new", clock });
  strictEqual(ran.stdout, "agent/both\nagent/new\n");
  const wrong = await run(["get", "agents", "-l", "team"], { url: server.url });
  strictEqual(wrong.code, 2);
});

Deno.test("get agents --limit asks for so many, a page at a time, and says that there are more", async () => {
  const some = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, i) => agent({ id: `a${from + i}` }),
    );
  await using server = new ScriptedServer().on(
    "GET /v2/agents",
    () => ({ items: some(0, 500), next_cursor: "c" }),
    () => ({ items: some(500, 502), next_cursor: "d" }),
  );
  const args = ["get", "agents", "--limit", "502", "-o", "json"];
  const { code, stdout } = await run(args, { url: server.url });
  const page = JSON.parse(stdout);
  deepStrictEqual([code, page.items.length, page.next_cursor], [0, 502, "d"]);
  deepStrictEqual(
    server.asked("GET /v2/agents").map(({ query }) => [
      query.get("limit"),
      query.get("cursor"),
    ]),
    [["500", null], ["2", "c"]],
  );
});

Deno.test("get agents --watch --limit shows so many at first, and then each that changes", async () => {
  await using server = new ScriptedServer().on(
    "GET /v2/agents",
    () => ({ items: [agent({ id: "a" }), agent({ id: "b" })] }),
    () => ({
      items: [agent({ id: "a" }), agent({ id: "b", connected: false })],
    }),
  );
  const args = ["get", "agents", "--watch", "--limit", "1", "-o", "json"];
  const ran = await watching(args, server, { until: "false", clock });
  deepStrictEqual(
    ran.stdout.trimEnd().split("\n").map((line) => {
      const { id, connected } = JSON.parse(line);
      return [id, connected];
    }),
    [["a", true], ["b", false]],
  );
});

Deno.test("get agents --watch shows agents as they change, and not each heartbeat", async () => {
  await using server = new ScriptedServer().on(
    "GET /v2/agents",
    () => ({ items: [agent()] }),
    () => ({ items: [agent({ seen_at: "2026-11-23T05:09:59Z" })] }),
    () => problem(503, "unavailable", "Starting"),
    () => ({ items: [agent({ connected: false }), agent({ id: "new" })] }),
  );
  const ran = await watching(["get", "agents", "--watch"], server, {
    until: "new ",
    clock,
  });
  strictEqual(ran.code, 0);
  strictEqual(ran.stderr, "Starting; trying again in 0s\n");
  await golden("output/watch_agents.txt", ran.stdout);
});

Deno.test("get events --watch ends with what the control plane refuses with", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/stream", () => problem(403, "foreign_host", "Not from here"));
  const { code, stderr } = await run(["get", "events", "--watch"], {
    url: server.url,
  });
  strictEqual(code, 4);
  strictEqual(stderr, "error[foreign_host]: Not from here\n");
});

Deno.test("get events --watch gives up when it never gets a stream", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/stream", () => problem(503, "unavailable", "Stopping"));
  const { code, stderr } = await run(["get", "events", "--watch"], {
    url: server.url,
  });
  strictEqual(code, 3);
  strictEqual(stderr, "Stopping; trying again\nerror[unavailable]: Stopping\n");
  strictEqual(server.requests.length, 4);
});
