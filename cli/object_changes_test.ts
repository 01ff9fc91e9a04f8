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
  const view = completed({
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
