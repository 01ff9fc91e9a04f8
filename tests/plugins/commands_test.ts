/** `transporter plugin …`, as a person uses it in a folder of their own. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { folderOf, HELLO, TEXT } from "./tools.ts";

async function run(cwd: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", KUBERNETES_SERVICE_HOST: "" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

function transporter(cwd: string, line: string) {
  return run(cwd, ["run", "-A", `${ROOT}main.ts`, ...line.split(" ")]);
}

Deno.test("plugin new makes a plugin whose test passes, which runs, checks and is listed", async () => {
  await using dir = await folderOf({});
  const { path } = dir;
  const made = await transporter(path, "plugin new say-hello");
  strictEqual(made.code, 0, made.stderr);
  const files = made.stdout.trimEnd().split("\n");
  deepStrictEqual(files.map((file) => file.replace("say-hello/", "")), [
    "deno.json",
    "mod.ts",
    "mod_test.ts",
    "event.yaml",
  ]);
  const again = await transporter(path, "plugin new say-hello");
  strictEqual(again.code, 2);
  match(
    again.stderr,
    /Cannot make the folder "say-hello": it is there already/,
  );

  const folder = `${path}/say-hello`;
  const format = await run(folder, ["fmt", "--check"]);
  strictEqual(format.code, 0, format.stderr);
  const tested = await run(folder, ["test", "--quiet"]);
  strictEqual(tested.code, 0, tested.stdout + tested.stderr);
  match(tested.stdout, /14 passed/);

  for (const flag of ["", " --in-process"]) {
    const ran = await transporter(
      folder,
      `plugin run mod.ts -f event.yaml${flag}`,
    );
    strictEqual(ran.code, 0, ran.stderr);
    match(ran.stdout, /^completed in .*\ngreeting: Hello, Ada\n$/);
    match(ran.stderr, / {2}applying {5}Greeting Ada\n/);
  }
  const checked = await transporter(
    folder,
    "plugin check mod.ts -f event.yaml",
  );
  strictEqual(checked.code, 0, checked.stdout + checked.stderr);
  match(checked.stdout, /\n13 of 13 are well: say_hello 0\.1\.0 sha256-\S+\n$/);

  const listed = await transporter(folder, "plugin list mod.ts -o json");
  const [view] = JSON.parse(listed.stdout);
  const { type, version, integrity } = view;
  deepStrictEqual([type, version], ["say_hello", "0.1.0"]);
  const pinned = await transporter(
    folder,
    `plugin run mod.ts#${integrity} -f event.yaml -q`,
  );
  strictEqual(pinned.code, 0, pinned.stderr);
});

Deno.test("plugin run has its options taken seriously", async () => {
  await using dir = await folderOf({
    "event.yaml":
      "type: misbehave\npayload: {do: 'apply: look at the environment'}\n",
    "other.yaml": "type: other\npayload: {}\n",
  });
  const spec = `${ROOT}tests/plugins/testdata/misbehave.ts`;
  const refused = await transporter(
    dir.path,
    `plugin run ${spec} -f event.yaml`,
  );
  strictEqual(refused.code, 1);
  match(refused.stderr, /error\[internal\]: Requires env access to "SECRET"/);
  const allowed = await transporter(
    dir.path,
    `plugin run ${spec} -f event.yaml --allow env=SECRET`,
  );
  strictEqual(allowed.code, 0, allowed.stderr);
  const other = await transporter(dir.path, `plugin run ${spec} -f other.yaml`);
  strictEqual(other.code, 4);
  match(
    other.stderr,
    /Cannot run an event of type "other" with a plugin for "misbehave"/,
  );
});

Deno.test("plugin check finds what an executor does wrong", async () => {
  await using dir = await folderOf({
    "event.yaml": "payload: {do: nothing}\n",
  });
  const { code, stdout } = await transporter(
    dir.path,
    `plugin check ${ROOT}tests/plugins/testdata/misbehave.ts -f event.yaml`,
  );
  strictEqual(code, 1);
  match(stdout, /\nFAILED {2}refuses an unknown key before it applies/);
  match(stdout, /\n12 of 13 are well: misbehave 1\.0\.0 sha256-\S+\n$/);
});

Deno.test("plugin check gives up a plugin that does not end, and ends", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      /apply: \(\)/,
      "verify: () => new Promise((resolve) => setTimeout(resolve, 1e6)), apply: ()",
    ),
    "text.ts": TEXT,
    "event.yaml": "payload: {a: 1}\n",
  });
  for (const flag of ["", " --in-process"]) {
    const { code, stdout } = await transporter(
      dir.path,
      `plugin check mod.ts -f event.yaml --timeout 2s${flag}`,
    );
    strictEqual(code, 1, stdout);
    match(stdout, /\nFAILED {2}[^\n]+: It was not over after 2s\n/);
    match(stdout, /: It was not tried, as the plugin is still at work\n/);
  }
});

Deno.test("plugin list knows what ships, and an agent's configuration", async () => {
  await using dir = await folderOf({
    "agent.yaml":
      `plugin-in-process: [${ROOT}examples/custom_executor/mod.ts]\n`,
  });
  const { code, stdout } = await transporter(
    dir.path,
    "plugin list --config agent.yaml",
  );
  strictEqual(code, 0);
  match(stdout, /^k8s_resource +\S+ +built in$/m);
  match(stdout, /^greet +1\.0\.0 +in process +.*mod\.ts +\d+ +sha256-/m);
});

Deno.test("plugin: what is no file, a folder, or a type that is there already is refused in a sentence", async (t) => {
  await using dir = await folderOf({
    "event.yaml": "type: a\ntarget_agent: edge-7\npayload: {}\n",
    "greet/mod.ts": "",
  });
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "plugin run nope/mod.ts -f event.yaml",
      /Cannot load the plugin "nope\/mod\.ts": there is no such file/,
    ],
    [
      "plugin run nope/mod.ts -f event.yaml --in-process",
      /Cannot load the plugin "nope\/mod\.ts": there is no such file/,
    ],
    [
      "plugin list greet",
      /Cannot load the plugin "greet": it is a folder: name its module/,
    ],
    [
      "plugin new k8s-resource",
      /Cannot make a plugin for events of type "k8s_resource": every agent has one/,
    ],
  ];
  for (const [line, message] of cases) {
    await t.step(line, async () => {
      const { code, stderr } = await transporter(dir.path, line);
      strictEqual(code, 2, stderr);
      match(stderr, message);
    });
  }
});

Deno.test("plugin: what a plugin does wrong is one sentence, without a stack", async (t) => {
  const plugin = (apply: string) =>
    `import { definePlugin } from "@transporter/sdk";
export default definePlugin({ api: 1, type: "bad", version: "0.1.0", apply() { ${apply} },
  payload: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } } });\n`;
  await using dir = await folderOf({
    "event.yaml": "payload: {}\ntimeout: 1s\n",
    "throws.ts": `throw new Error("No luck\\nsecond line");\n`,
    "prints.ts": `console.log("x".repeat(1e6)); throw new Error("No luck");\n`,
    "waits.ts": "await new Promise(() => {});\n",
    "never.ts": plugin("return new Promise(() => {})"),
    "circular.ts": plugin("const it = {}; it.it = it; return it"),
    "ends.ts": plugin("Deno.exit(3)"),
  });
  const THROWS =
    'error[plugin_failed]: The plugin "throws.ts" ended with code 1: error: Uncaught (in promise) Error: No luck\n';
  const cases: Readonly<Record<string, string>> = {
    "run throws.ts -f event.yaml": THROWS,
    "check throws.ts -f event.yaml": THROWS,
    "list throws.ts": THROWS,
    "run prints.ts -f event.yaml": THROWS.replace("throws", "prints"),
    "run waits.ts -f event.yaml":
      'error[plugin_failed]: The plugin "waits.ts" ended with code 1: error: Top-level await promise never resolved\n',
    "run never.ts -f event.yaml -q":
      "error[timeout]: The event did not end within 1s\n",
    "run circular.ts -f event.yaml -q":
      "error[internal]: Cannot pass on what the plugin gave as it is no JSON: Converting circular structure to JSON\n",
    "run ends.ts -f event.yaml -q":
      'error[interrupted]: The plugin "ends.ts" ended with code 3\n',
  };
  for (const [line, sentence] of Object.entries(cases)) {
    await t.step(line, async () => {
      const { code, stderr } = await transporter(dir.path, `plugin ${line}`);
      deepStrictEqual([code, stderr], [1, sentence]);
    });
  }
});
