/** Secrets that an operator lends to a plugin: by name, and in nothing that it says. */
import {
  deepStrictEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openInProcess, openIsolated } from "@transporter/agent/plugin";
import {
  type Executor,
  isRecord,
  jsonLogger,
  type Logger,
  parse,
  systemClock,
} from "@transporter/sdk";
import { PluginSystem } from "./plugin_agent.ts";
import { attemptContext, entryOf, folderOf, isolation, TEXT } from "./tools.ts";

/** Says what it is lent in every way that there is, as its payload wants. */
const TALKS = `
import { definePlugin, TransporterError } from "@transporter/sdk";
const any = { "~standard": { version: 1, vendor: "t", validate: (value) => ({ value }) } };
export default definePlugin({
  api: 1,
  type: "talks",
  version: "1.0.0",
  payload: any,
  config: any,
  async open({ fail }, { secret, log }) {
    const token = await secret("token");
    log.info("Open with " + token, { token_is: token });
    if (fail) throw new Error("No luck with " + token);
    return token;
  },
  async validate({ names = [] }, { secret }) {
    return await Promise.all(names.map(secret));
  },
  async apply([value = "none"], { opened, report, output, log }) {
    if (value.startsWith("throw")) {
      throw new TransporterError("failed", "It is " + value, { details: { value } });
    }
    await report("It is " + opened, { progress: { unit: opened } });
    output("stdout", "out: " + opened.slice(0, 5));
    output("stdout", opened.slice(5) + "\\n");
    output("stderr", "err: " + value + "\\n");
    log.warn("It is " + opened, { list: [value] });
    console.log("printed: " + opened);
    return { length: value.length, [opened]: [value] };
  },
  verify: (_, result) => ({ ...result, verified: true }),
});
`;

const ENV = { TOKEN: "t0ken-of-mine", SHORT: "abc" };

const WAYS = ["plugin", "plugin-in-process"] as const;

async function open(
  flag: (typeof WAYS)[number],
  entry: Readonly<Record<string, unknown>>,
  log: Logger,
): Promise<Executor> {
  const { tools, ...rest } = await isolation(log);
  const options = {
    ...rest,
    tools: { ...tools, env: { ...tools.env, ...ENV } },
  };
  const signal = new AbortController().signal;
  return flag === "plugin"
    ? await openIsolated(entryOf(entry, flag), options)
    : await openInProcess(entryOf(entry, flag), { ...options, signal });
}

for (const flag of WAYS) {
  Deno.test(`a ${flag} is lent secrets by name, and says none of them`, async () => {
    await using dir = await folderOf({
      "mod.ts": TALKS,
      "text.ts": TEXT,
      "key": "k3y-of-1\n",
    });
    const said: unknown[] = [];
    const log = jsonLogger({
      write: (line) => said.push(line),
      clock: systemClock,
    });
    const spec = `${dir.path}/mod.ts`;
    const secrets = {
      token: "env:TOKEN",
      key: `file:${dir.path}/key`,
      other: "env:TOKEN",
    };
    await using executor = await open(flag, { spec, secrets }, log);
    const context = {
      ...attemptContext(),
      log,
      report: (...report: unknown[]) => Promise.resolve(void said.push(report)),
      output: (...output: unknown[]) => void said.push(output),
    };
    async function run(payload: unknown) {
      const parsed = await parse(executor.schema, payload);
      const plan = await executor.validate(parsed, context);
      const result = await executor.apply(plan, context);
      return await executor.verify(plan, result, context) ?? result;
    }
    deepStrictEqual(await run({ names: ["key"] }), {
      length: 8,
      "[redacted]": ["[redacted]"],
      verified: true,
    });
    const all = JSON.stringify(said);
    match(all, /It is \[redacted\].*"unit":"\[redacted\]"/);
    match(all, /"out: "\],\["stdout","\[redacted\]/);
    match(all, /err: \[redacted\]/);
    match(all, /Open with \[redacted\]/);

    // A file is read when it is asked for.
    await Deno.writeTextFile(`${dir.path}/key`, "throw-this-k3y");
    await rejects(run({ names: ["key"] }), {
      code: "failed",
      message: "It is [redacted]",
      details: { value: "[redacted]" },
    });
    await rejects(run({ names: ["nobody's"] }), {
      code: "denied",
      message:
        `Cannot lend the secret "nobody's" to the plugin "${spec}": its operator lends it "token", "key", "other"`,
    });
    await Deno.remove(`${dir.path}/key`);
    await rejects(run({ names: ["key"] }), {
      code: "usage",
      message:
        /Cannot read the secret "key" of the plugin .*: there is no file/,
    });
    await rejects(
      open(flag, {
        spec,
        secrets: { token: "env:TOKEN" },
        config: { fail: true },
      }, log),
      { message: "No luck with [redacted]" },
    );
    doesNotMatch(JSON.stringify(said), /t0ken|k3y/);
  });

  Deno.test(`a ${flag} whose secret cannot be had is not opened`, async () => {
    await using dir = await folderOf({
      "mod.ts": TALKS,
      "text.ts": TEXT,
      "empty": "\n",
    });
    const cases: Readonly<Record<string, RegExp>> = {
      "env:NONE": /the variable NONE is not set$/,
      "env:SHORT": /it has fewer than 4 characters/,
      [`file:${dir.path}/none`]: /there is no file ".*none"$/,
      [`file:${dir.path}/empty`]: /it has fewer than 4 characters/,
      [`file:${dir.path}`]: /cannot be read$/,
    };
    const { log } = await isolation();
    for (const [token, message] of Object.entries(cases)) {
      const spec = `${dir.path}/mod.ts`;
      await rejects(open(flag, { spec, secrets: { token } }, log), {
        code: "usage",
        message,
      });
    }
    const spec = `${dir.path}/mod.ts`;
    await rejects(open(flag, { spec }, log), {
      code: "denied",
      message:
        /Cannot lend the secret "token" to .*: its operator lends it none$/,
    });
  });
}

Deno.test("what an isolated plugin is lent is in neither its environment nor what an event leads to", async () => {
  await using dir = await folderOf({ "mod.ts": TALKS, "text.ts": TEXT });
  await Deno.writeTextFile(
    `${dir.path}/agent.yaml`,
    `plugin:\n  - spec: ${dir.path}/mod.ts\n    secrets: {token: "env:TOKEN"}\n`,
  );
  await using system = await PluginSystem.start(
    ["--config", `${dir.path}/agent.yaml`],
    ENV,
  );
  const view = await system.run("talks", { names: ["token"] });
  strictEqual(view.state, "completed", view.message);
  const { spec: { id } } = view;
  const texts = await Promise.all(
    ["", "/history", "/logs"].map(async (path) =>
      await (await fetch(`${system.cp.url}/v2/events/${id}${path}`)).text()
    ),
  );
  const [logs = ""] = texts.slice(-1);
  match(logs, /printed: \[redacted\]/);
  const all = texts.join() + system.agent.program.output;
  doesNotMatch(all, /t0ken/);
  strictEqual(isRecord(view.result) && view.result["length"], 13);
});
