import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { agent, completed, ID } from "./testing/fixtures.ts";
import { run, type TestHostOptions } from "./testing/host.ts";
import { problem, ScriptedServer } from "./testing/server.ts";

for (const shell of ["bash", "zsh", "fish", "powershell"]) {
  Deno.test(`completion ${shell} writes a script that asks this program`, async () => {
    const { code, stdout, stderr } = await run(["completion", shell]);
    strictEqual(code, 0);
    strictEqual(stderr, "");
    match(stdout, /transporter complete (--|.--.)/);
  });
}

Deno.test("completion bash writes a script that bash can read", async () => {
  const { stdout } = await run(["completion", "bash"]);
  const bash = new Deno.Command("bash", { args: ["-n"], stdin: "piped" })
    .spawn();
  const writer = bash.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdout));
  await writer.close();
  strictEqual((await bash.status).code, 0);
});

/** What is offered, without descriptions; the last line says what the shell does with it. */
async function offered(line: readonly string[], options: TestHostOptions = {}) {
  const { code, stdout, stderr } = await run(
    ["complete", "--", ...line],
    options,
  );
  strictEqual(code, 0);
  strictEqual(stderr, "");
  return stdout.trimEnd().split("\n").map((each) => each.split("\t")[0]).join(
    " ",
  );
}

const CASES: readonly (readonly [line: readonly string[], wanted: string])[] = [
  [["ge"], "get :4"],
  [["get", ""], "events agents event agent :4"],
  [["completion", ""], "zsh bash fish powershell :4"],
  [["get", "events", "--st"], "--state :4"],
  [["get", "events", "--state", "c"], "created completed cancelled :4"],
  [["cp", "--log-level", ""], "debug info :4"],
  [["get", "agents", "-o", ""], "table wide json yaml name :4"],
  [["nothing", "like", "this", ""], ":4"],
];

for (const [line, wanted] of CASES) {
  Deno.test(`complete ${JSON.stringify(line)}`, async () => {
    strictEqual(await offered(line), wanted);
  });
}

const IDS: readonly (readonly [line: readonly string[], wanted: string])[] = [
  [["get", "agent", ""], "edge-7 edge-8 :4"],
  [["describe", "agent", "edge-8"], "edge-8 :4"],
  [["describe", "event", ""], `${ID} :4`],
  [["send", "k8s", "--agent", ""], "edge-7 edge-8 :4"],
  [["get", "events", "--agent", "edge-7"], "edge-7 :4"],
  [["send", "script", "--agent", "edge-7"], "edge-7 :4"],
  [["send", "policy", "--agent", "edge-7"], "edge-7 :4"],
];

for (const [line, wanted] of IDS) {
  Deno.test(`complete ${JSON.stringify(line)} asks for ids, and lets through nothing else`, async () => {
    await using server = new ScriptedServer()
      .on("GET /v2/agents", () => ({
        items: [agent(), agent({ id: "edge-8" }), agent({ id: "$(reboot)" })],
      }))
      .on("GET /v2/events", () => ({
        items: [
          completed(),
          completed({ spec: { ...completed().spec, id: "a\tb" } }),
        ],
      }));
    strictEqual(await offered(line, { url: server.url }), wanted);
  });
}

const STATES_ASKED: readonly (readonly [
  line: readonly string[],
  states: readonly string[],
  wanted: string,
])[] = [
  [
    ["cancel", ""],
    ["created", "queued", "assigned", "in_progress"],
    `${ID} :4`,
  ],
  [["cancel", ID, ""], ["created", "queued", "assigned", "in_progress"], ":4"],
  [["retry", ""], ["completed", "failed", "expired", "cancelled"], `${ID} :4`],
  [["logs", ""], [], `${ID} :4`],
  [
    ["send", "k8s", "--supersedes", ""],
    ["created", "queued", "assigned", "in_progress"],
    `${ID} :4`,
  ],
  [
    ["send", "script", "--supersedes", ""],
    ["created", "queued", "assigned", "in_progress"],
    `${ID} :4`,
  ],
  [
    ["send", "policy", "--supersedes", ""],
    ["created", "queued", "assigned", "in_progress"],
    `${ID} :4`,
  ],
];

for (const [line, states, wanted] of STATES_ASKED) {
  Deno.test(`complete ${JSON.stringify(line)} offers events with which that can be done, each once`, async () => {
    await using server = new ScriptedServer()
      .on("GET /v2/events", () => ({ items: [completed()] }));
    strictEqual(await offered(line, { url: server.url }), wanted);
    const [asked] = server.asked("GET /v2/events");
    deepStrictEqual(asked?.query.getAll("state"), states);
  });
}

Deno.test("complete pause agent offers agents that are not typed yet", async () => {
  await using server = new ScriptedServer()
    .on(
      "GET /v2/agents",
      () => ({ items: [agent(), agent({ id: "edge-8" })] }),
    );
  strictEqual(
    await offered(["pause", "agent", "edge-7", ""], { url: server.url }),
    "edge-8 :4",
  );
});

Deno.test("complete takes the control plane that the line names", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents", () => ({ items: [agent()] }));
  const line = ["get", "agent", "--cp-url", server.url, ""];
  strictEqual(await offered(line), ":4");
  const after = ["send", "k8s", "--cp-url", server.url, "--agent", ""];
  strictEqual(await offered(after), "edge-7 :4");
});

Deno.test("complete offers nothing when the control plane does not answer as it should", async () => {
  await using server = new ScriptedServer()
    .on("GET /v2/agents", () => problem(500, "internal", "Internal error"));
  strictEqual(await offered(["get", "agent", ""], { url: server.url }), ":4");
});

for (
  const line of [
    ["send", "k8s", "-f", "n"],
    ["cp", "--config", ""],
    ["cp", "--config=n"],
    ["send", "k8s", "--manifest", "~/n"],
  ]
) {
  Deno.test(`complete ${JSON.stringify(line)} leaves a path to the shell`, async () => {
    strictEqual(await offered(line), ":0");
  });
}
