import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { EventView, HistoryEntry } from "@transporter/sdk";
import { GOALS } from "./goals.ts";
import {
  accepted,
  completed,
  history,
  ID,
  status,
} from "./testing/fixtures.ts";
import { golden } from "./testing/golden.ts";
import { run, type TestHostOptions } from "./testing/host.ts";
import { problem, ScriptedServer, ScriptedStream } from "./testing/server.ts";
import { isReached } from "./wait.ts";

const files = { "ns.yaml": "kind: Namespace\n" };
const SEND = ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7"];

/** A control plane with one event: its history so far, how it ends, and what the stream tells. */
function serverOf(
  entries: readonly HistoryEntry[],
  view: EventView,
  stream: ScriptedStream,
): ScriptedServer {
  return new ScriptedServer()
    .on("POST /v2/events", () => accepted())
    .on("GET /v2/stream", stream.answer)
    .on(`GET /v2/events/${ID}/history`, () => ({ items: entries }))
    .on(`GET /v2/events/${ID}`, () => view);
}

/** Sends the rest of a history while a command waits. */
async function tell(
  stream: ScriptedStream,
  entries: readonly HistoryEntry[],
): Promise<void> {
  for (const entry of entries) {
    await stream.send("status", status(entry), String(entry.revision));
  }
}

async function wait(
  server: ScriptedServer,
  more: readonly string[] = [],
  options: TestHostOptions = {},
) {
  return await run([...SEND, "--wait", ...more], {
    url: server.url,
    files,
    ...options,
  });
}

Deno.test("--wait shows each phase once, and what became of each object", async () => {
  const stream = new ScriptedStream();
  const all = history();
  await using server = serverOf(all.slice(0, 2), completed(), stream);
  // The stream begins with something that the history has told already.
  const [ran] = await Promise.all([wait(server), tell(stream, all.slice(1))]);
  strictEqual(ran.code, 0);
  await golden("output/wait_completed.stdout.txt", ran.stdout);
  await golden("output/wait_completed.stderr.txt", ran.stderr);
  deepStrictEqual(server.asked("GET /v2/stream")[0]?.query.getAll("event"), [
    ID,
  ]);
});

Deno.test("--wait needs no stream when the event is over already", async () => {
  const stream = new ScriptedStream();
  await using server = serverOf(history(), completed(), stream);
  const { code, stdout } = await wait(server, ["-o", "json"]);
  strictEqual(code, 0);
  deepStrictEqual(JSON.parse(stdout), completed());
});

Deno.test("--wait says when there were more objects than the control plane kept", async () => {
  const { result, ...view } = completed();
  const cut = { ...view, result: { ...result, truncated: true } } as EventView;
  await using server = serverOf(history(), cut, new ScriptedStream());
  const { stdout } = await wait(server, []);
  match(stdout, /configured, and more that is not kept\n$/);
});

Deno.test("--wait shows what the agent warns of, unless quiet is wanted, and why an object was skipped", async () => {
  const warned = (count: number) => {
    const { result, ...view } = completed();
    const warnings = Array.from({ length: count }, (_, at) => `no ${at}\u001b`);
    const objects = [{
      ...{ kind: "Namespace", name: "shop", namespace: "", api_version: "v1" },
      ...{ status: "skipped", message: "It is of another set" },
    }];
    return {
      ...view,
      result: { ...result, warnings, resource_status: objects },
    } as unknown as EventView;
  };
  async function waitFor(count: number, flags: readonly string[] = []) {
    const stream = new ScriptedStream();
    await using server = serverOf(history(), warned(count), stream);
    return await wait(server, flags);
  }
  const two = await waitFor(2);
  match(two.stderr, /\nwarning: no 0\\u001b\nwarning: no 1\\u001b\n$/);
  match(two.stdout, /\nNamespace .* skipped +It is of another set\n/);
  const many = await waitFor(22);
  match(
    many.stderr,
    RegExp(
      `\nwarning: no 19.*\nwarning: 2 more, which "transporter describe event ${ID}" shows\n$`,
    ),
  );
  strictEqual((await waitFor(2, ["-q"])).stderr, "");
});

const FAILURES: readonly {
  readonly state: "failed" | "expired" | "cancelled";
  readonly view: Partial<EventView>;
  readonly stderr: string;
}[] = [
  {
    state: "failed",
    view: {
      message: "Deployment web is not ready",
      error: {
        code: "not_ready",
        message: 'Deployment "web" is not \u001b[2Jready after 5m',
      },
      result: {
        success: false,
        completed_at: "2026-11-23T05:04:28.345Z",
        duration: 1e9,
        resource_status: [
          {
            kind: "Namespace",
            name: "shop",
            namespace: "",
            api_version: "v1",
            status: "created",
            message: "",
          },
          {
            kind: "Deployment",
            name: "web",
            namespace: "shop",
            api_version: "apps/v1",
            status: "failed",
            message: "not ready",
          },
        ],
      },
    },
    stderr:
      `error[failed]: Event "${ID}" failed on agent "edge-7": Deployment "web" is not \\u001b[2Jready after 5m (not_ready)`,
  },
  {
    state: "expired",
    view: {
      message: "Not done in time",
      error: { code: "expired", message: "Not done in time" },
    },
    stderr:
      `error[expired]: Event "${ID}" expired on agent "edge-7": Not done in time`,
  },
  {
    state: "cancelled",
    view: { message: "By anna" },
    stderr:
      `error[cancelled]: Event "${ID}" was cancelled on agent "edge-7": By anna`,
  },
];

for (const { state, view, stderr } of FAILURES) {
  Deno.test(`--wait ends with 1 when the event ${state}`, async () => {
    const end = { state, phase: state };
    const { result: _, ...base } = completed();
    await using server = serverOf(
      history(end),
      { ...base, ...end, ...view },
      new ScriptedStream(),
    );
    const ran = await wait(server, ["-q"]);
    strictEqual(ran.code, 1);
    strictEqual(ran.stderr, `${stderr}\n`);
    await golden(`output/wait_${state}.stdout.txt`, ran.stdout);
  });
}

Deno.test("--wait=GOAL ends once the event has got there", async () => {
  const stream = new ScriptedStream();
  const all = history();
  const { result: _, finished_at: __, ...view } = completed();
  await using server = serverOf(all.slice(0, 2), {
    ...view,
    state: "in_progress",
    phase: "applying",
  }, stream);
  const [ran] = await Promise.all([
    run([...SEND, "--wait=applying"], { url: server.url, files }),
    tell(stream, all.slice(2, 3)),
  ]);
  strictEqual(ran.code, 0);
  strictEqual(
    ran.stdout,
    `event/${ID} accepted (agent edge-7)\nevent/${ID} applying (agent edge-7)\n`,
  );
});

Deno.test("--wait goes on where it was after the stream broke", async () => {
  const stream = new ScriptedStream();
  const all = history();
  await using server = serverOf(all.slice(0, 1), completed(), stream);
  async function breaking(): Promise<void> {
    await tell(stream, all.slice(1, 2));
    await stream.end();
    await tell(stream, all.slice(2));
  }
  const [ran] = await Promise.all([wait(server), breaking()]);
  strictEqual(ran.code, 0);
  const streams = server.asked("GET /v2/stream");
  deepStrictEqual(
    streams.map(({ headers }) => headers.get("last-event-id")),
    [null, "2"],
  );
  strictEqual(
    ran.stderr.includes("The control plane ended the stream; trying again\n"),
    true,
  );
  strictEqual(ran.stderr.match(/ {2}assigned /g)?.length, 1);
});

Deno.test("--wait asks for the present state when the stream cannot tell all", async () => {
  const stream = new ScriptedStream();
  const all = history();
  await using server = serverOf([], completed(), stream);
  server.on(
    `GET /v2/events/${ID}/history`,
    () => ({ items: all.slice(0, 1) }),
    () => problem(503, "store_unavailable", "Not now"),
    () => ({ items: all }),
  );
  async function resetting(): Promise<void> {
    await stream.send("reset", { last_event_id: 9 }, "");
    await tell(stream, all.slice(1, 2));
    await stream.send("ready", {}, "9");
  }
  const [ran] = await Promise.all([
    wait(server),
    resetting(),
  ]);
  strictEqual(ran.code, 0);
  strictEqual(
    ran.stderr.includes("Not now; trying again in 0s\n"),
    true,
    ran.stderr,
  );
});

Deno.test("--wait does not stumble over what it does not know", async () => {
  const stream = new ScriptedStream();
  const all = history();
  await using server = serverOf(all.slice(0, 1), completed(), stream);
  async function odd(): Promise<void> {
    await stream.send("weather", { sunny: true }, "a");
    await stream.send("status", { event_id: 1 }, "b");
    await stream.send("status", [], "c");
    await tell(stream, [{ ...all[3]!, event_id: "another" }, ...all.slice(1)]);
  }
  const [ran] = await Promise.all([wait(server), odd()]);
  strictEqual(ran.code, 0);
});

Deno.test("--timeout ends with 5, and says that the event goes on", async () => {
  await using server = serverOf(
    history().slice(0, 1),
    completed(),
    new ScriptedStream(),
  );
  const { code, stderr } = await wait(server, ["--timeout", "20ms", "-q"]);
  strictEqual(code, 5);
  strictEqual(
    stderr,
    `error[timeout]: Event "${ID}" is not over after 20ms: ` +
      `it goes on, and "transporter describe event ${ID}" shows it\n`,
  );
});

Deno.test("Ctrl-C while waiting says that the event goes on", async () => {
  const stream = new ScriptedStream();
  await using server = serverOf(history().slice(0, 1), completed(), stream);
  const person = new AbortController();
  const { code, stderr } = await wait(server, [], {
    signal: person.signal,
    onWrite: (text) => {
      if (text.includes("  queued ")) person.abort();
    },
  });
  strictEqual(code, 5);
  strictEqual(
    stderr.split("\n").at(-2),
    `Stopped waiting for event "${ID}": it goes on, and "transporter describe event ${ID}" shows it`,
  );
});

Deno.test("--wait for several events weighs a failure more than a timeout", async () => {
  const view = { ...completed(), state: "failed", phase: "failed" } as const;
  await using server = new ScriptedServer()
    .on(
      "GET /v2/stream",
      () =>
        new Response("event: ready\ndata: {}\n\n", {
          headers: { "content-type": "text/event-stream" },
        }),
    )
    .on(
      "POST /v2/events",
      () => accepted({ event_id: "one" }),
      () => accepted({ event_id: "two" }),
    )
    .on(
      "GET /v2/events/one/history",
      () => ({ items: [{ ...history()[0], event_id: "one" }] }),
    )
    .on(
      "GET /v2/events/two/history",
      () => ({
        items: [{ ...history({ state: "failed" })[3], event_id: "two" }],
      }),
    )
    .on(
      "GET /v2/events/two",
      () => ({ ...view, spec: { ...view.spec, id: "two" } }),
    );
  const { code, stderr, stdout } = await wait(
    server,
    ["--agent", "edge-8", "--timeout", "50ms", "-q"],
  );
  strictEqual(code, 1);
  strictEqual(stderr.includes('error[timeout]: Event "one"'), true);
  strictEqual(
    stderr.includes('error[failed]: Event "two" failed on agent "edge-8"'),
    true,
  );
  strictEqual(
    stdout.startsWith(
      "event/one accepted (agent edge-7)\nevent/two accepted (agent edge-8)\n",
    ),
    true,
  );
});

Deno.test("--wait shows one line that changes on a terminal, and takes it away at the end", async () => {
  await using server = serverOf(history(), completed(), new ScriptedStream());
  const { stderr } = await wait(server, ["--no-color"], { columns: 60 });
  await golden(
    "output/wait_terminal.txt",
    stderr.replaceAll("\r\u001b[2K", "<clear>\n"),
  );
});

Deno.test("--wait tells of each object that moves, without a terminal and on a dumb one", async () => {
  const [first, , applying, last] = history();
  const object = { kind: "Deployment", namespace: "shop", api_version: "a/v1" };
  const page = (...objects: Record<string, string>[]) => ({
    items: objects.map((each) => ({ ...object, since: "", ...each })),
    total: objects.length,
    counts: {},
  });
  const moved = (revision: number, message: string) => ({
    ...applying!,
    revision,
    message,
    details: { progress: { total: 2, counts: {} } },
  });
  const asked = [
    page(
      { name: "a", status: "applying", message: "" },
      { name: "b", status: "pending", message: "" },
    ),
    page(
      { name: "a", status: "waiting", message: "0 of 1 \u001b[2J" },
      { name: "b", status: "created", message: "" },
    ),
    page(
      { name: "a", status: "ready", message: "" },
      { name: "b", status: "created", message: "It was created" },
    ),
  ];
  for (const env of [{}, { TERM: "dumb" }]) {
    const stream = new ScriptedStream();
    await using server = serverOf([first!], completed(), stream)
      .on(
        `GET /v2/events/${ID}/objects`,
        ...asked.map((answer) => () => answer),
        () => problem(404, "not_found", "An older one does not know it"),
      );
    const columns = "TERM" in env ? { columns: 80 } : {};
    const [ran] = await Promise.all([
      wait(server, ["--no-color"], { env, ...columns }),
      tell(stream, [
        moved(3, "Applied 0 of 2 objects"),
        moved(4, "Waiting for a"),
        moved(5, "Waiting for a"),
        moved(6, "Waiting for nobody knows"),
        { ...last!, revision: 7 },
      ]),
    ]);
    strictEqual(
      ran.stderr.replaceAll(/\+\d+\.\d+s/g, "+Ts"),
      [
        "  +Ts   queued       Event accepted",
        "  +Ts   applying     Applied 0 of 2 objects",
        "  +Ts   waiting      Deployment shop/a: 0 of 1 \\u001b[2J",
        "  +Ts   created      Deployment shop/b",
        "  +Ts   ready        Deployment shop/a",
        "  +Ts   applying     Waiting for nobody knows",
        "  +Ts   completed    Event completed",
        "",
      ].join("\n"),
    );
  }
});

const ENTRY = history()[0]!;

Deno.test("isReached() knows the order of goals", () => {
  const assigned: HistoryEntry = { ...ENTRY, state: "assigned" };
  for (const goal of GOALS) strictEqual(isReached(ENTRY, goal), false);
  strictEqual(isReached(assigned, "assigned"), true);
  strictEqual(isReached(assigned, "received"), false);
  const verifying: HistoryEntry = {
    ...ENTRY,
    state: "in_progress",
    phase: "verifying",
  };
  strictEqual(isReached(verifying, "applying"), true);
  strictEqual(isReached(verifying, "completed"), false);
  const interrupted: HistoryEntry = {
    ...ENTRY,
    state: "in_progress",
    phase: "interrupted",
  };
  strictEqual(isReached(interrupted, "assigned"), false);
  for (
    const state of ["completed", "failed", "expired", "cancelled"] as const
  ) {
    strictEqual(isReached({ ...ENTRY, state }, "completed"), true);
  }
});

Deno.test("--wait for several events says whose step it is, and how many are over", async () => {
  function server(): ScriptedServer {
    const all = new ScriptedServer().on(
      "POST /v2/events",
      () => accepted({ event_id: "one" }),
      () => accepted({ event_id: "two" }),
    )
      .on(
        "GET /v2/stream",
        () =>
          new Response("event: ready\ndata: {}\n\n", {
            headers: { "content-type": "text/event-stream" },
          }),
      );
    for (const id of ["one", "two"]) {
      all.on(
        `GET /v2/events/${id}/history`,
        () => ({
          items: history().map((entry) => ({ ...entry, event_id: id })),
        }),
      )
        .on(
          `GET /v2/events/${id}`,
          () => completed({ spec: { ...completed().spec, id } }),
        );
    }
    return all;
  }
  await using plain = server();
  const lines = await wait(plain, ["--agent", "edge-8"]);
  strictEqual(lines.code, 0);
  await golden("output/wait_two.stdout.txt", lines.stdout);
  for (const id of ["edge-7", "edge-8"]) {
    match(lines.stderr, RegExp(`  ${id}  applying +Applying\n`));
  }
  await using fancy = server();
  const live = await wait(fancy, ["--agent", "edge-8"], { columns: 50 });
  strictEqual(live.stderr.includes(" of 2 over  edge-8  "), true, live.stderr);
  strictEqual(
    live.stderr.includes("\u001b[32mcompleted\u001b[39m"),
    true,
    live.stderr,
  );
});
