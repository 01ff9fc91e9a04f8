import { match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { golden } from "./testing/golden.ts";
import { run } from "./testing/host.ts";
import { ScriptedServer } from "./testing/server.ts";

const COMMANDS = [
  "",
  "cp",
  "agent",
  "demo",
  "migrate",
  "send",
  "send k8s",
  "send script",
  "send policy",
  "send event",
  "get",
  "get events",
  "get agents",
  "get event",
  "get agent",
  "describe",
  "describe event",
  "describe agent",
  "logs",
  "cancel",
  "retry",
  "pause",
  "pause agent",
  "resume",
  "resume agent",
  "delete",
  "delete agent",
  "plugin",
  "plugin new",
  "plugin run",
  "plugin check",
  "plugin list",
  "rbac",
  "rbac generate",
  "doctor",
  "completion",
  "version",
  "help",
];

for (const command of COMMANDS) {
  const name = `help/${
    command === "" ? "transporter" : command.replace(" ", "_")
  }.txt`;
  Deno.test(`transporter ${command} --help is ${name}`, async () => {
    const words = command.split(" ").filter(Boolean);
    const { code, stdout, stderr } = await run([...words, "--help"]);
    strictEqual(code, 0);
    strictEqual(stderr, "");
    match(stdout, /\nExamples:\n {2}# /);
    await golden(name, stdout);
  });
}

Deno.test("docs.help: every example in the help of a command is understood", async () => {
  await using server = new ScriptedServer();
  const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
  const files = {
    "namespace.yaml": namespace,
    "manifests/namespace.yaml": namespace,
    "web.yaml": namespace,
    "policy.yaml": namespace,
    "policies/policy.yaml": namespace,
    "check.sh": "date\n",
    "greet.yaml": "greeting: Hello\n",
    "agent.yaml": "plugin: [greet/mod.ts]\n",
    "bad.yaml": "payload: {}\n",
    "greet/event.yaml": "payload: {name: Ada}\n",
    "event.yaml":
      "type: script\ntarget_agent: edge-7\npayload: {script: date}\n",
  };
  for (const command of COMMANDS) {
    const words = command.split(" ").filter(Boolean);
    const { stdout } = await run([...words, "--help"], { columns: 200 });
    const [, examples = ""] = stdout.split("\nExamples:\n");
    for (
      const [, line = ""] of examples.matchAll(/^ {2}transporter ([^|>\n]+)/gm)
    ) {
      const args = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
        .map(([, single, double, plain]) => single ?? double ?? plain ?? "");
      // What these take is the program's, and not there in tests of the commands.
      if (["cp", "agent", "demo", "migrate"].includes(args[0] ?? "")) continue;
      // It knows nothing: what is understood gets as far as that.
      const ran = await run(args, {
        url: server.url,
        columns: 100,
        typed: "no\n",
        env: { TOKEN: "from here" },
        files,
        start: () => Promise.resolve(0),
      });
      notStrictEqual(ran.code, 2, `transporter ${line}: ${ran.stderr}`);
    }
  }
});

Deno.test("help shows what --help shows", async () => {
  const { stdout } = await run(["help", "send", "k8s"]);
  strictEqual(stdout, (await run(["send", "k8s", "--help"])).stdout);
});

Deno.test("help knows other names of commands", async () => {
  const { stdout } = await run(["help", "control-plane"]);
  strictEqual(stdout, (await run(["cp", "--help"])).stdout);
});

Deno.test("without anything typed there is help, and no failure", async () => {
  const { code, stdout } = await run([]);
  strictEqual(code, 0);
  strictEqual(stdout, (await run(["--help"])).stdout);
});

Deno.test("help is as wide as the terminal", async () => {
  for (const columns of [80, 56]) {
    const { stdout } = await run(["send", "k8s", "--help"], { columns });
    const [options = ""] = stdout.split("Examples:");
    for (const line of options.split("\n")) {
      const fits = line.length <= columns;
      // A word alone is not broken.
      ok(fits || !line.trim().includes(" "), line);
    }
  }
});
