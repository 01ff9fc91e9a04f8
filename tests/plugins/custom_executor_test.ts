/** examples/custom_executor, loaded by a real agent that dials a real control plane. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { AGENT, PluginSystem } from "./plugin_agent.ts";

const SPEC = `${ROOT}examples/custom_executor/mod.ts`;

for (const flag of ["--plugin", "--plugin-in-process"]) {
  Deno.test(`agent ${flag}: examples/custom_executor runs its events`, async () => {
    await using system = await PluginSystem.start([flag, SPEC]);
    const said = await system.run("greet", { name: "Ada", shout: true });
    strictEqual(said.state, "completed", said.message);
    strictEqual(said.result?.["greeting"], "HELLO, ADA");

    const nobody = await system.run("greet", { name: "nobody" });
    deepStrictEqual([nobody.state, nobody.error], ["failed", {
      code: "invalid",
      message: "Cannot greet nobody",
    }]);

    const wrong = await system.run("greet", { name: "" });
    deepStrictEqual([wrong.state, wrong.error?.code], ["failed", "invalid"]);
    match(String(wrong.error?.message), /"name": /);

    const answer = await fetch(`${system.cp.url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        type: "greeting",
        target_agent: AGENT,
        payload: {},
        ttl: "1m",
      }),
    });
    const refusal = await answer.json();
    deepStrictEqual([answer.status, refusal.code], [422, "unsupported"]);
    match(refusal.detail, /does not run "greeting": it runs .*"greet"/);
  });
}
