/** An agent that is killed while a plugin's event runs, in both ways. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { until } from "../system.ts";
import { PluginSystem } from "./plugin_agent.ts";

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
