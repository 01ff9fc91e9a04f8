/** An agent that is killed while a plugin's event runs, in both ways. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { Program } from "../program.ts";
import { until } from "../system.ts";
import { AGENT, PluginSystem } from "./plugin_agent.ts";
import { folderOf } from "./tools.ts";

const COUNTDOWN = `${ROOT}examples/countdown/mod.ts`;
const MISBEHAVE = new URL("testdata/misbehave.ts", import.meta.url).pathname;

for (const flag of ["--plugin", "--plugin-in-process"]) {
  Deno.test(`agent ${flag}: what ran when the agent was killed is told truly afterwards`, async () => {
    await using system = await PluginSystem.start([
      ...[flag, COUNTDOWN, flag, MISBEHAVE],
    ]);
    const again = await system.send("countdown", { from: 2 });
    const once = await system.send("misbehave", { do: "apply: never end" });
    for (const id of [again, once]) {
      await until(async () =>
        (await system.event(id)).phase === "applying" ? true : undefined
      );
    }
    await system.agent.crash();
    system.agent.restart();
    // It may be repeated, and so it is; nobody can tell what became of the other.
    const repeated = await system.end(again);
    deepStrictEqual([repeated.state, repeated.attempt], ["completed", 2]);
    const cut = await system.end(once);
    deepStrictEqual([cut.state, cut.error?.code], ["failed", "interrupted"]);
    strictEqual(cut.attempt, 1);
  });
}

Deno.test("an agent that is stopped ends although a plugin in its process does not close", async () => {
  await using dir = await folderOf({
    "mod.ts": `import { definePlugin } from "@transporter/sdk";
      export default definePlugin({
        api: 1,
        type: "endless",
        version: "1.0.0",
        payload: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
        open: () => ({ [Symbol.asyncDispose]: () => new Promise(() => {}) }),
        apply: () => ({}),
      });\n`,
  });
  await using system = await PluginSystem.start([
    ...["--plugin-in-process", `${dir.path}/mod.ts`],
  ]);
  const { program } = system.agent;
  program.kill("SIGTERM");
  const { code } = await program.status();
  strictEqual(code, 0, program.output);
  match(program.output, /Something does not close, and is left as it is/);
});

for (const [flags, wanted] of [[[], 0], [["--once"], 1]] as const) {
  Deno.test(`${["agent", ...flags].join(" ")}, stopped while it starts, ends with ${wanted}`, async () => {
    await using dir = await folderOf({
      "mod.ts": `console.error("reached"); await new Promise(() => {});\n`,
    });
    await using program = Program.start([
      ...["agent", "--agent-id", AGENT, "--data-dir", `${dir.path}/data`],
      ...["--plugin-in-process", `${dir.path}/mod.ts`, ...flags],
    ], { env: { KUBERNETES_SERVICE_HOST: "" } });
    await program.line(/reached/);
    program.kill("SIGTERM");
    const { code } = await program.status();
    strictEqual(code, wanted, program.output);
  });
}
