import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { accepted, ID } from "./testing/fixtures.ts";
import { golden } from "./testing/golden.ts";
import { NOW, run, testClock } from "./testing/host.ts";
import { problem, ScriptedServer } from "./testing/server.ts";

const NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";
const DEPLOYMENT = "# as it is\r\nkind: Deployment\nmode: 0644\n";
const files = { "ns.yaml": NAMESPACE, "web.yml": DEPLOYMENT };

/** The id of the nth event of a test host. */
function nth(n: number): string {
  return `01M83CZ820000000000000000${n}`;
}

/** Answers each submission with the id it has. */
function accepting(): ScriptedServer {
  return new ScriptedServer().on("POST /v2/events", ({ body }) => {
    const { id } = body as { readonly id: string };
    return Response.json(accepted({ event_id: id }), { status: 202 });
  });
}

Deno.test("send k8s sends what a file has, unchanged, and says who gets it", async () => {
  await using server = accepting();
  const { code, stdout, stderr } = await run(
    ["send", "k8s", "-f", "web.yml", "--agent", "edge-7"],
    { url: server.url, files },
  );
  strictEqual(code, 0);
  strictEqual(stderr, "");
  strictEqual(stdout, `event/${nth(0)} accepted (agent edge-7)\n`);
  deepStrictEqual(server.asked("POST /v2/events").map(({ body }) => body), [{
    type: "k8s_resource",
    payload: { manifests: [DEPLOYMENT] },
    id: nth(0),
    target_agent: "edge-7",
  }]);
});

Deno.test("send k8s passes on every flag", async () => {
  await using server = accepting();
  const flags =
    "--agent edge-7 --ttl 90m --priority 9 --created-by anna --label team=a=b --label x= --id one";
  const { code } = await run(
    ["send", "k8s", "--manifest", "ns.yaml", ...flags.split(" ")],
    { url: server.url, files },
  );
  strictEqual(code, 0);
  deepStrictEqual(server.requests[0]?.body, {
    type: "k8s_resource",
    payload: { manifests: [NAMESPACE] },
    ttl: 5400e9,
    priority: 9,
    created_by: "anna",
    labels: { team: "a=b", x: "" },
    id: "one",
    target_agent: "edge-7",
  });
});

Deno.test("send k8s passes on when, how often and beside what it runs", async () => {
  await using server = accepting();
  const flags =
    "--agent edge-7 --id one --not-before 90m --concurrency-key k " +
    "--max-attempts 5 --retry-delay 10m --retry-on not_ready --retry-on failed " +
    "--attempt-timeout 30s --supersedes zero";
  const ran = await run(
    ["send", "k8s", "-f", "ns.yaml", ...flags.split(" ")],
    { url: server.url, files },
  );
  strictEqual(ran.code, 0, ran.stderr);
  deepStrictEqual(server.requests[0]?.body, {
    type: "k8s_resource",
    payload: { manifests: [NAMESPACE] },
    id: "one",
    target_agent: "edge-7",
    not_before: "2026-11-23T06:40:00.000Z",
    concurrency_key: "k",
    retry: {
      max_attempts: 5,
      initial_delay: 600e9,
      max_delay: 600e9,
      multiplier: 2,
      on: ["not_ready", "failed"],
    },
    timeout: 30e9,
    supersedes: "zero",
  });
});

Deno.test("send event keeps the policy of the file, but for what flags say", async () => {
  await using server = accepting();
  const event = {
    type: "k8s_resource",
    target_agent: "edge-7",
    payload: { manifests: [NAMESPACE] },
    retry: { max_attempts: 2, max_delay: "1h", on: ["failed"] },
  };
  const ran = await run(
    ["send", "event", "-f", "e.json", "--max-attempts", "4"],
    { url: server.url, files: { "e.json": JSON.stringify(event) } },
  );
  strictEqual(ran.code, 0, ran.stderr);
  const { retry } = server.requests[0]?.body as { readonly retry: unknown };
  deepStrictEqual(retry, {
    max_attempts: 4,
    initial_delay: 1e9,
    max_delay: "1h",
    multiplier: 2,
    on: ["failed"],
  });
});

Deno.test("send refuses flags about attempts that make no sense, and sends nothing", async () => {
  const cases: readonly (readonly [flags: string, why: string])[] = [
    ["--retry-on notready", 'the nearest is "not_ready"'],
    ["--retry-on x", "a code of an error"],
    ["--retry-delay 0s", "--retry-delay"],
    ["--max-attempts 0", "from 1 to 20"],
    ["--attempt-timeout soon", "--attempt-timeout"],
    ["--not-before yesterday", "--not-before"],
    ["--supersedes a/b", "the event id"],
    ["--ttl 1h --ttl 2h", "--ttl twice"],
  ];
  await using server = accepting();
  for (const [flags, why] of cases) {
    const ran = await run(
      ["send", "k8s", "-f", "ns.yaml", "--agent", "a", ...flags.split(" ")],
      { url: server.url, files },
    );
    deepStrictEqual([ran.code, ran.stdout], [2, ""], flags);
    strictEqual(ran.stderr.includes(why), true, ran.stderr);
  }
  strictEqual(server.requests.length, 0);
});

Deno.test("send k8s reads files, folders, standard input and addresses, in the order they are named", async () => {
  await using server = accepting()
    .on("GET /remote.yaml", () => new Response("kind: Remote\n"));
  const tree = {
    "one.yaml": "kind: One\n",
    "all/b.yaml": "kind: B\n",
    "all/a.json": '{"kind": "A", "kind:": 1}',
    "all/c.txt": "no manifest",
    "all/deep/d.yaml": "kind: D\n",
  };
  const sources = ["one.yaml", "all/", "-", `${server.url}/remote.yaml`];
  const args = [
    "send",
    "k8s",
    "--agent",
    "a",
    ...sources.flatMap((each) => ["-f", each]),
  ];
  async function manifests(more: readonly string[]): Promise<unknown> {
    const { code, stderr } = await run([...args, ...more], {
      url: server.url,
      files: tree,
      stdin: "kind: Stdin\n",
    });
    strictEqual(stderr, "");
    strictEqual(code, 0);
    const body = server.asked("POST /v2/events").at(-1)?.body;
    return (body as { payload: { manifests: unknown } }).payload.manifests;
  }
  const flat = ["kind: One\n", tree["all/a.json"], "kind: B\n"];
  const rest = ["kind: Stdin\n", "kind: Remote\n"];
  deepStrictEqual(await manifests([]), [...flat, ...rest]);
  deepStrictEqual(await manifests(["-R"]), [...flat, "kind: D\n", ...rest]);
});

Deno.test("send k8s makes one event for each agent, with a common batch id", async () => {
  await using server = accepting();
  const { code, stdout } = await run(
    [
      "send",
      "k8s",
      "-f",
      "ns.yaml",
      "--agent",
      "a",
      "--agent",
      "b",
      "-o",
      "name",
    ],
    { url: server.url, files },
  );
  strictEqual(code, 0);
  strictEqual(stdout, `event/${nth(1)}\nevent/${nth(2)}\n`);
  deepStrictEqual(
    server.requests.map(({ body }) => {
      const { id, target_agent, batch_id } = body as Record<string, unknown>;
      return { id, target_agent, batch_id };
    }),
    [
      { id: nth(1), target_agent: "a", batch_id: nth(0) },
      { id: nth(2), target_agent: "b", batch_id: nth(0) },
    ],
  );
});

Deno.test("send k8s names file, document and line of what is no manifest, and sends nothing", async () => {
  await using server = accepting();
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "-f", "bad.yaml", "--agent", "a", "-v"],
    { url: server.url, files: { ...files, "bad.yaml": "a: 1\n" } },
  );
  strictEqual(code, 4);
  await golden("output/bad_manifest.txt", stderr);
  strictEqual(server.requests.length, 0);
});

for (const format of ["json", "yaml"] as const) {
  Deno.test(`send k8s -o ${format} writes the whole answer; of several, a list`, async () => {
    await using server = accepting();
    const args = ["send", "k8s", "-f", "ns.yaml", "-o", format, "--agent", "a"];
    const one = await run(args, { url: server.url, files });
    await golden(`output/send_one.${format}`, one.stdout);
    const two = await run([...args, "--agent", "b"], {
      url: server.url,
      files,
    });
    await golden(`output/send_two.${format}`, two.stdout);
  });
}

Deno.test("send k8s says that the same was sent before", async () => {
  await using server = new ScriptedServer()
    .on("POST /v2/events", () => accepted({ duplicate: true }));
  const { code, stdout } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", "--id", ID],
    { url: server.url, files },
  );
  strictEqual(code, 0);
  strictEqual(stdout, `event/${ID} was accepted before (agent edge-7)\n`);
});

Deno.test("send k8s warns of a control plane that forgets, unless quiet", async () => {
  await using server = new ScriptedServer()
    .on("POST /v2/events", () => accepted({ durability: "memory" }));
  const args = ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7"];
  const loud = await run(args, { url: server.url, files });
  strictEqual(
    loud.stderr,
    "Nothing says that the control plane has events on disk: they may be lost when it or its store stops\n",
  );
  const quiet = await run([...args, "-q"], { url: server.url, files });
  strictEqual(quiet.stderr, "");
});

Deno.test("send k8s goes on after a refusal, and ends with its code", async () => {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => problem(404, "unknown_agent", 'Cannot find agent "a"'),
    () => accepted(),
  );
  const { code, stdout, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "a", "--agent", "b"],
    { url: server.url, files },
  );
  strictEqual(code, 4);
  strictEqual(stdout, `event/${ID} accepted (agent b)\n`);
  strictEqual(
    stderr,
    'error[unknown_agent]: Cannot find agent "a"; "transporter get agents" lists the known ones\n',
  );
});

Deno.test("producer.timeout.retry: send k8s tries again with the same id while the control plane asks to wait", async () => {
  const slept: number[] = [];
  const clock = {
    ...testClock,
    sleep(ms: number, options?: { readonly signal?: AbortSignal }) {
      if (ms !== 7000) return testClock.sleep(ms, options);
      slept.push(ms);
      return Promise.resolve();
    },
  };
  const headers = { "retry-after": "7" };
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => problem(503, "store_unavailable", "Cannot store it", { headers }),
    () =>
      problem(429, "queue_full", "Too many wait", {
        headers: { "retry-after": new Date(NOW + 7000).toUTCString() },
      }),
    () => accepted(),
  );
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7"],
    { url: server.url, files, clock },
  );
  strictEqual(code, 0);
  deepStrictEqual(slept, [7000, 7000]);
  strictEqual(
    stderr,
    "Cannot store it; trying again in 7s\nToo many wait; trying again in 7s\n",
  );
  const ids = server.requests.map(({ body }) => (body as { id: string }).id);
  deepStrictEqual(ids, [nth(0), nth(0), nth(0)]);
});

Deno.test("send k8s gives up after four tries", async () => {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => problem(503, "store_unavailable", "Cannot store it"),
  );
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", "-q"],
    { url: server.url, files },
  );
  strictEqual(code, 3);
  strictEqual(stderr, "error[store_unavailable]: Cannot store it\n");
  strictEqual(server.requests.length, 4);
});

Deno.test("send k8s does not wait for as long as a control plane may ask", async () => {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () =>
      problem(429, "queue_full", "Too many wait", {
        headers: { "retry-after": "3600" },
      }),
  );
  const { code } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7"],
    { url: server.url, files },
  );
  strictEqual(code, 4);
  strictEqual(server.requests.length, 1);
});

Deno.test("send k8s says that it does not know when every answer is lost", async () => {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => new Response("<html>", { status: 504 }),
  );
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", "-q"],
    { url: server.url, files },
  );
  strictEqual(code, 5);
  strictEqual(
    stderr,
    `error[timeout]: Cannot say whether event "${nth(0)}" was accepted: ` +
      `"transporter get event ${
        nth(0)
      }" tells, and sending it again with --id ${nth(0)} is safe\n`,
  );
  const ids = server.requests.map(({ body }) => (body as { id: string }).id);
  deepStrictEqual(ids, [nth(0), nth(0), nth(0), nth(0)]);
});

Deno.test("producer.timeout.retry: send k8s tries again with the same id when connections end without an answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const served = (async () => {
    for await (const conn of listener) {
      using _conn = conn;
      const buffer = new Uint8Array(65_536);
      let text = "";
      while (!text.includes('"target_agent"')) {
        const size = await conn.read(buffer) ?? 0;
        if (size === 0) break;
        text += new TextDecoder().decode(buffer.subarray(0, size));
      }
      requests.push(/"id":"([^"]+)"/.exec(text)?.[1] ?? text);
    }
  })();
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", "-q"],
    { url: `http://127.0.0.1:${listener.addr.port}`, files },
  );
  listener.close();
  await served;
  strictEqual(code, 5);
  match(stderr, /^error\[timeout\]: Cannot say whether event /);
  deepStrictEqual(requests, [nth(0), nth(0), nth(0), nth(0)]);
});

const SAMPLE = `type: k8s_resource
target_agent: kind-agent-1
created_by: sample
ttl: "24h"
priority: 5
payload:
  manifests:
    - |
      apiVersion: v1
      kind: Namespace
      metadata:
        name: sample
`;

Deno.test("producer.sample.file: send event takes the upstream sample file, and fills in what it leaves out", async () => {
  await using server = accepting();
  const { code, stdout } = await run(
    ["send", "event", "-f", "sample.yaml"],
    { url: server.url, files: { "sample.yaml": SAMPLE } },
  );
  strictEqual(code, 0);
  strictEqual(stdout, `event/${nth(0)} accepted (agent kind-agent-1)\n`);
  deepStrictEqual(server.requests[0]?.body, {
    id: nth(0),
    type: "k8s_resource",
    target_agent: "kind-agent-1",
    created_by: "sample",
    ttl: "24h",
    priority: 5,
    payload: {
      manifests: [
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: sample\n",
      ],
    },
  });
});

Deno.test("producer.defaults: send event lets flags win over the file", async () => {
  await using server = accepting();
  const event = {
    id: "in-file",
    type: "custom",
    target_agent: "in-file",
    payload: { any: [1, "thing"] },
    labels: { a: "1", b: "2" },
    ttl: "1h",
  };
  const flags =
    "--agent edge-8 --ttl 5m --label b=3 --id one --created-by me --priority 0";
  const { code } = await run(
    ["send", "event", "-f", "-", ...flags.split(" ")],
    { url: server.url, stdin: JSON.stringify(event) },
  );
  strictEqual(code, 0);
  deepStrictEqual(server.requests[0]?.body, {
    id: "one",
    type: "custom",
    target_agent: "edge-8",
    payload: { any: [1, "thing"] },
    labels: { a: "1", b: "3" },
    ttl: 300e9,
    created_by: "me",
    priority: 0,
  });
});

Deno.test("send event checks the payload of a type that ships", async () => {
  await using server = accepting();
  const { code, stderr } = await run(
    ["send", "event", "-f", "sample.yaml"],
    {
      url: server.url,
      files: { "sample.yaml": SAMPLE.replaceAll("kind:", "kid:") },
    },
  );
  strictEqual(code, 4);
  strictEqual(
    stderr,
    'error[invalid_manifest]: Cannot accept manifest 1, document 1, line 2: it has no "kind"\n',
  );
  strictEqual(server.requests.length, 0);
});

Deno.test("Ctrl-C while sending says that nobody knows, and how to find out", async () => {
  const person = new AbortController();
  await using server = new ScriptedServer().on("POST /v2/events", () => {
    person.abort();
    return accepted();
  });
  const { code, stderr } = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "a", "--agent", "b"],
    { url: server.url, files, signal: person.signal },
  );
  strictEqual(code, 5);
  strictEqual(
    stderr.startsWith(
      `error[timeout]: Cannot say whether event "${nth(1)}" was accepted: `,
    ),
    true,
    stderr,
  );
  strictEqual(server.requests.length, 1);
});
