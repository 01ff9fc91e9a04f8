import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { accepted, completed, history, ID } from "./testing/fixtures.ts";
import { golden } from "./testing/golden.ts";
import { run, type TestHostOptions } from "./testing/host.ts";
import { ScriptedServer, ScriptedStream } from "./testing/server.ts";

const LONG = Array.from({ length: 12 }, (_, line) => `line ${line}`);

/** What an agent may answer; also what it should not. */
const CHANGES: readonly unknown[] = [
  { path: ".spec.replicas", before: 2, after: 3 },
  { path: '.metadata.labels["example.com/a"]', before: "gone\u001b[2J" },
  { path: ".data", after: { key: "value" } },
  {
    path: '.data["nginx.conf"]',
    before: `${LONG.join("\n")}\n`,
    after: `${LONG.with(6, "line six").join("\n")}\n`,
  },
  { path: ".data.new", after: "one\ntwo\n" },
  "nonsense",
];

/** Runs `send k8s` against a control plane whose agent found this. */
async function send(
  flags: readonly string[],
  options: TestHostOptions = {},
  found: object = { changes: CHANGES },
) {
  const operation = flags[0]?.replace(/^--/, "");
  const { spec } = completed();
  const view = completed({
    spec: { ...spec, payload: { ...spec.payload, operation } },
    result: {
      success: true,
      completed_at: "2026-11-23T05:04:28.345Z",
      duration: 1e9,
      resource_status: [{
        kind: "ConfigMap",
        name: "web",
        namespace: "shop",
        api_version: "v1",
        status: "configured",
        message: 'ConfigMap "web" in namespace "shop" would be configured',
        ...found,
      }] as never,
    },
  });
  const stream = new ScriptedStream();
  await using server = new ScriptedServer()
    .on("POST /v2/events", () => accepted())
    .on("GET /v2/stream", stream.answer)
    .on(`GET /v2/events/${ID}/history`, () => ({ items: history() }))
    .on(`GET /v2/events/${ID}`, () => view);
  const ran = await run(
    ["send", "k8s", "-f", "ns.yaml", "--agent", "edge-7", ...flags],
    { url: server.url, files: { "ns.yaml": "kind: Namespace\n" }, ...options },
  );
  const sent = server.requests[0]?.body as
    | { readonly payload: Readonly<Record<string, unknown>> }
    | undefined;
  return { ...ran, operation: sent?.payload["operation"] };
}

Deno.test("send k8s --diff waits by itself, and shows field by field what differs", async () => {
  const { code, stdout, operation } = await send(["--diff"]);
  deepStrictEqual([code, operation], [0, "diff"]);
  await golden("output/diff.txt", stdout);
  ok(!stdout.includes("\u001b"), "no colour where there is no terminal");
});

Deno.test("send k8s --diff shows a new object as a file would, and an object that would go", async () => {
  const changes = [
    { path: ".metadata.name", after: "web" },
    { path: ".metadata.labels", after: { app: "web" } },
    { path: ".kind", after: "ConfigMap" },
    { path: ".apiVersion", after: "v1" },
    { path: ".data", after: { mode: "0644", text: "one\ntwo\n" } },
  ];
  const { stdout } = await send(["--diff"], {}, {
    status: "created",
    message: 'ConfigMap "web" would be created',
    changes,
  });
  strictEqual(
    stdout.split("\n\n")[1],
    [
      'ConfigMap "web" would be created',
      "  + apiVersion: v1",
      "  + kind: ConfigMap",
      "  + metadata:",
      "  +   name: web",
      "  +   labels:",
      "  +     app: web",
      "  + data:",
      '  +   mode: "0644"',
      "  +   text: |",
      "  +     one",
      "  +     two",
      `event/${ID} completed in 1s (agent edge-7), nothing written: 1 would be created`,
      "",
    ].join("\n"),
  );
  const message = 'ConfigMap "web" would be deleted';
  const gone = await send(["--diff"], { columns: 80 }, {
    status: "deleted",
    message,
  });
  ok(gone.stdout.includes(`\n\u001b[31m${message}\u001b[39m\n`), gone.stdout);
});

Deno.test("send k8s --diff tells a text from a number, and nothing from an empty text", async () => {
  const values = ["1", 1, "true", true, "", null, "null", "0644", "1 GiB", "a"];
  const { stdout } = await send(["--diff"], {}, {
    changes: values.map((after) => ({ path: ".a", after })),
  });
  deepStrictEqual(
    stdout.matchAll(/^ {2}\+ \.a: (.*)$/gm).map(([, text]) => text).toArray(),
    [
      '"1"',
      "1",
      '"true"',
      "true",
      '""',
      "null",
      '"null"',
      '"0644"',
      '"1 GiB"',
      "a",
    ],
  );
});

Deno.test("--exit-code ends with 6 when a comparison found a difference", async () => {
  const found = (status: string) => ({ status, changes: [] });
  const cases = [
    [["--diff"], "configured", 0],
    [["--diff", "--exit-code"], "configured", 6],
    [["--diff", "--exit-code"], "created", 6],
    [["--diff", "--exit-code"], "deleted", 6],
    [["--diff", "--exit-code"], "unverifiable", 6],
    [["--diff", "--exit-code"], "unchanged", 0],
    [["--check", "--exit-code", "-o", "json"], "drifted", 6],
    [["--check", "--exit-code"], "missing", 6],
    [["--check", "--exit-code"], "unchanged", 0],
  ] as const;
  for (const [flags, status, code] of cases) {
    const ran = await send(flags, {}, found(status));
    strictEqual(ran.code, code, `${flags.join(" ")}: ${status}`);
  }
  const { code, stderr, operation } = await send(["--exit-code"]);
  deepStrictEqual([code, operation], [2, undefined]);
  match(stderr, /Cannot use --exit-code without --diff or --check/);
});

Deno.test("send k8s --check is an operation of its own", async () => {
  strictEqual((await send(["--check"])).operation, "check");
});

Deno.test("send k8s --diff is coloured on a terminal", async () => {
  const { stdout } = await send(["--diff"], { columns: 80 });
  ok(stdout.includes("\u001b[31m  - .spec.replicas: 2\u001b[39m"), stdout);
  ok(stdout.includes("\u001b[32m  + .spec.replicas: 3\u001b[39m"), stdout);
});

Deno.test("send k8s does one thing at a time", async () => {
  const { code, stderr, operation } = await send(["--diff", "--delete"]);
  deepStrictEqual([code, operation], [2, undefined]);
  strictEqual(
    stderr,
    'error[usage]: Cannot use both "--delete" and "--diff": each says what is done\n',
  );
});

Deno.test("send k8s --get waits by itself, and shows what stands at each path", async () => {
  const { stdout, operation } = await send(
    ["--get", "{.status.readyReplicas}", "--get", "{.spec}"],
    {},
    { fields: { "{.status.readyReplicas}": null, "{.spec}": { a: "\u001b" } } },
  );
  strictEqual(operation, "get");
  match(
    stdout,
    /\n {4}\{\.status\.readyReplicas\}: null\n {4}\{\.spec\}: \{"a":"\\u001b"\}\n/,
  );
});
