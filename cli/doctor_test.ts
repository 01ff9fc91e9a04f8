import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { AgentFigures, AgentView } from "@transporter/sdk";
import { agent, completed, ID } from "./testing/fixtures.ts";
import { NOW, run, testClock } from "./testing/host.ts";
import { type Answer, problem, ScriptedServer } from "./testing/server.ts";

/** Time does not pass while doctor asks, so that its figures are the same each time. */
const clock = { ...testClock, monotonic: () => 0 };

function dated(offsetMs: number): Answer {
  return () =>
    Response.json(
      { status: "healthy", agent_count: 1, version: "0.1.0" },
      { headers: { date: new Date(NOW + offsetMs).toUTCString() } },
    );
}

function ready(durability?: string, free?: number): Answer {
  return () => ({
    status: "ready",
    ...(durability && { durability }),
    ...(free && { disk_free_bytes: free }),
  });
}

interface Case {
  readonly name: string;
  readonly health?: Answer;
  readonly readyz?: Answer;
  readonly agents?: Answer;
  readonly events?: Answer;
  readonly code: number;
  readonly lines: readonly string[];
}

const OK = {
  configuration:
    "ok       configuration  The control plane is at URL, by TP_URL",
  reachable: "ok       reachable      Version 0.1.0 answers in 1 ms",
  ready: "ok       ready          It takes events",
  durability: "ok       durability     Accepted events are on disk",
  clock: "ok       clock          Its clock and this one show the same time",
  agents: "ok       agents         1 connected",
  paused: "ok       paused         No agent is paused",
  journals: "ok       journals       Connected agents take events",
  clocks:
    "ok       agent clocks   Connected agents and the control plane show the same time",
  quarantine:
    "ok       quarantine     No event of the last day was kept away from its agent",
};

const FLEET = [OK.paused, OK.journals, OK.clocks, OK.quarantine];

/** Figures as a connected agent tells them. */
function says(figures: Partial<AgentFigures>): Partial<AgentView> {
  return { figures: { at: "2026-11-23T05:09:58.000Z", ...figures } };
}

/** The lines when only what is said of agents is not as it should be. */
function fleet(line: string): readonly string[] {
  const check = line.slice(9, 24);
  return Object.values(OK).map((ok) => ok.slice(9, 24) === check ? line : ok);
}

const CASES: readonly Case[] = [
  { name: "all is well", code: 0, lines: Object.values(OK) },
  {
    name: "something else listens there",
    health: () => new Response("<html>", { status: 200 }),
    code: 3,
    lines: [
      OK.configuration,
      "failed   reachable      Something else answers there, with status 200: name the control plane with --cp-url or TP_URL",
    ],
  },
  {
    name: "the disk is full",
    health: () =>
      Response.json({ status: "unhealthy", version: "0.1.0" }, {
        status: 503,
        headers: { date: new Date(NOW).toUTCString() },
      }),
    readyz: () => problem(503, "store_unavailable", "Cannot commit"),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      "failed   ready          Cannot commit: look at its log, and at its store: the disk of its data folder, or its Redis",
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "the store forgets",
    readyz: ready("memory"),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      'warning  durability     Nothing says that accepted events are on disk: they may be lost when it or its store stops: start the control plane without --store memory:, or set "appendonly yes" and "appendfsync always" in its Redis and let its user read them (config|get)',
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "the store writes each second",
    readyz: ready("everysec"),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      'warning  durability     Accepted events are on disk within a second: set "appendfsync always" in its Redis',
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "events come from brokers",
    readyz: () => ({
      status: "ready",
      durability: "fsync",
      ingest: [
        { source: "nats://a:4222", pending: 3 },
        { source: "nats://b:4222", pending: 5000 },
      ],
      results: [
        { sink: "https://a/hook", lag_ms: 0 },
        { sink: "https://b/hook", lag_ms: 90_000 },
        { sink: "https://c/hook", lag_ms: 7000, fault: "It answers with 500" },
      ],
    }),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      "ok       ingest         Events come from nats://a:4222; 3 wait there",
      "warning  ingest         Events come from nats://b:4222; 5000 wait there: look for agents whose queues are full: messages for them come again and again",
      "ok       results        Results go to https://a/hook",
      "warning  results        Results are 1m30s late at https://b/hook: look how long the receiver takes for each",
      "warning  results        Results wait for https://c/hook since 7s: It answers with 500: look at the receiver; nothing is lost while ends are kept",
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "a broker is away",
    readyz: () => problem(503, "unavailable", 'Cannot use "nats://a:4222"'),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      'failed   ready          Cannot use "nats://a:4222": look at its log, and at what this names',
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "nothing is said about durability",
    readyz: ready(),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      "warning  durability     It does not say how safe accepted events are: run a control plane and a command of the same version",
      OK.clock,
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "the clocks differ a little",
    health: dated(-60_000),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      "warning  clock          Its clock is 59s behind of this one: set both by NTP; deadlines follow the control plane's",
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "the clocks differ a lot",
    health: dated(600_000),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      "failed   clock          Its clock is 10m ahead of this one: set both by NTP; deadlines follow the control plane's",
      OK.agents,
      ...FLEET,
    ],
  },
  {
    name: "no agent ever came",
    agents: () => ({ items: [] }),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      OK.clock,
      'failed   agents         No agent is known: start one with "transporter agent"',
      ...FLEET,
    ],
  },
  {
    name: "all agents are gone",
    agents: () => ({ items: [agent({ connected: false })] }),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      OK.clock,
      'failed   agents         None of 1 agents is connected: start one with "transporter agent"',
      ...FLEET,
    ],
  },
  {
    name: "some agents are gone",
    agents: () => ({
      items: [
        agent(),
        ...["a", "b\u001b", "c", "d"].map((id) =>
          agent({ id, connected: false })
        ),
      ],
    }),
    code: 0,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      OK.clock,
      'warning  agents         1 connected, 4 not: "a", "b\\u001b", "c" and others: "transporter describe agent" shows since when',
      ...FLEET,
    ],
  },
  {
    name: "the disk has room",
    readyz: ready("fsync", 5 * 1024 ** 3),
    code: 0,
    lines: [
      ...Object.values(OK).slice(0, 4),
      "ok       disk           5 GiB are free on the disk of its store",
      ...Object.values(OK).slice(4),
    ],
  },
  {
    name: "several share a store",
    readyz: () => ({
      status: "ready",
      durability: "fsync",
      replica: "a",
      replicas: ["a", "b"],
    }),
    code: 0,
    lines: [
      ...Object.values(OK).slice(0, 4),
      'ok       replicas       2 share its store: "a", "b"',
      ...Object.values(OK).slice(4),
    ],
  },
  {
    name: "the disk is almost full",
    readyz: ready("fsync", 300 * 1024 ** 2),
    code: 0,
    lines: [
      ...Object.values(OK).slice(0, 4),
      "warning  disk           300 MiB are free on the disk of its store: make room: with less than 8 MiB it takes no more events; --retention and --events-max bound what it keeps",
      ...Object.values(OK).slice(4),
    ],
  },
  {
    name: "agents are paused",
    agents: () => ({
      items: [agent({ paused_at: "2026-11-23T05:09:00.000Z" })],
    }),
    code: 0,
    lines: fleet(
      'warning  paused         Nothing is released to "edge-7": "transporter resume agent" lets them go on',
    ),
  },
  {
    name: "less is promised to agents of version 1",
    agents: () => ({
      items: [
        agent({ link_version: 1 }),
        agent({ id: "gone", link_version: 1, connected: false }),
      ],
    }),
    code: 0,
    lines: [
      ...Object.values(OK).slice(0, 5),
      'warning  agents         1 connected, 1 not: "gone": "transporter describe agent" shows since when',
      'warning  link           Version 1 of the link is all that "edge-7" can: ' +
      "what is under way may run twice when it breaks, and cannot be cancelled: run an agent of this version there",
      ...FLEET,
    ],
  },
  {
    name: "agents take nothing",
    agents: () => ({ items: [agent(says({ taking: false }))] }),
    code: 3,
    lines: fleet(
      'failed   journals       No new events are taken by "edge-7", whose journal or disk is full: ' +
        "make room on the disk of their data folder, or raise --journal-max",
    ),
  },
  {
    name: "an agent does not see its cluster",
    agents: () => ({
      items: [agent(says({ types_not_taken: ["k8s_resource"] }))],
    }),
    code: 3,
    lines: fleet(
      'failed   journals       No new events of type "k8s_resource" are taken by "edge-7", as their cluster is not to be seen: ' +
        "see that it can be reached from there",
    ),
  },
  {
    name: "an agent's clock is a little off",
    agents: () => ({
      items: [
        agent(says({ clock_offset_ms: 2000, taking: true })),
        agent({ ...says({ clock_offset_ms: -2001 }), id: "edge-8" }),
      ],
    }),
    code: 0,
    lines: [
      ...Object.values(OK).slice(0, 5),
      "ok       agents         2 connected",
      OK.paused,
      OK.journals,
      'warning  agent clocks   The clock of "edge-8" is 2.001s ahead of the control plane\'s: set them by NTP',
      OK.quarantine,
    ],
  },
  {
    name: "an agent's clock is so far off that it starts nothing",
    agents: () => ({
      items: [
        agent(says({ clock_offset_ms: 3000 })),
        agent({ ...says({ clock_offset_ms: 600_000 }), id: "edge-8" }),
        agent({ ...says({ clock_offset_ms: 700_000 }), id: "edge-9" }),
      ],
    }),
    code: 3,
    lines: [
      ...Object.values(OK).slice(0, 5),
      "ok       agents         3 connected",
      OK.paused,
      OK.journals,
      'failed   agent clocks   The clock of "edge-8" is 10m behind the control plane\'s, and 1 more are off: ' +
      "set them by NTP; such an agent starts nothing",
      OK.quarantine,
    ],
  },
  {
    name: "events were quarantined",
    events: ({ query }) => ({
      items: query.get("state") === "failed" && query.get("since") === "24h"
        ? [
          completed({
            state: "failed",
            error: { code: "quarantined", message: "Agent died" },
          }),
          completed({
            state: "failed",
            error: { code: "failed", message: "No" },
          }),
        ]
        : [],
    }),
    code: 0,
    lines: fleet(
      `warning  quarantine     Agents died under events of the last day: "${ID}": ` +
        '"transporter describe event" and the log of the agent show why',
    ),
  },
  {
    name: "lists are refused",
    agents: () => problem(500, "internal", "Internal error"),
    code: 3,
    lines: [
      OK.configuration,
      OK.reachable,
      OK.ready,
      OK.durability,
      OK.clock,
      "failed   answers        Internal error: look at the log of the control plane",
    ],
  },
];

for (const { name, code, lines, ...answers } of CASES) {
  Deno.test(`doctor sees that ${name}`, async () => {
    const {
      health = dated(0),
      readyz = ready("fsync"),
      agents = () => ({ items: [agent()] }),
      events = () => ({ items: [] }),
    } = answers;
    await using server = new ScriptedServer()
      .on("GET /health", health)
      .on("GET /readyz", readyz)
      .on("GET /v2/agents", agents)
      .on("GET /v2/events", events);
    const ran = await run(["doctor"], { url: server.url, clock });
    deepStrictEqual(
      ran.stdout.replace(server.url, "URL").trimEnd().split("\n"),
      lines,
    );
    strictEqual(ran.stderr, "");
    strictEqual(ran.code, code);
    const json = await run(["doctor", "-o", "json"], {
      url: server.url,
      clock,
    });
    strictEqual(json.code, code);
    const { checks } = JSON.parse(json.stdout);
    deepStrictEqual(
      checks.map(({ result }: { result: string }) => result),
      lines.map((line) => line.split(" ")[0]),
    );
  });
}

Deno.test("doctor says when nothing listens", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const { code, stdout } = await run(["doctor"], { url });
  strictEqual(code, 3);
  strictEqual(
    stdout.split("\n")[1],
    `failed   reachable      Cannot reach the control plane at "${url}" as nothing listens there: ` +
      'start one with "transporter cp --dev", or name another with --cp-url',
  );
});

Deno.test("doctor says what is wrong with the configuration", async () => {
  const { code, stdout } = await run(["doctor"], {
    env: { HOME: "/home/anna" },
    files: { "/home/anna/.config/transporter/config.yaml": "current: prod\n" },
  });
  strictEqual(code, 3);
  strictEqual(
    stdout,
    'failed   configuration  Cannot read "/home/anna/.config/transporter/config.yaml": ' +
      'the key "current" is not known: correct what it names\n',
  );
});
