/** What a plugin does to its process is the end of its event, with a stable code, and of nothing else. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { until } from "../system.ts";
import { PluginSystem } from "./plugin_agent.ts";

const SPEC = new URL("testdata/misbehave.ts", import.meta.url).pathname;

interface Case {
  readonly code: string;
  readonly message: RegExp;
  readonly event?: Readonly<Record<string, unknown>>;
  readonly repeatable?: boolean;
}

/** Ends of events: in `apply` nobody can tell how far it came. */
const CASES: Readonly<Record<string, Case>> = {
  "validate: exit": { code: "plugin_failed", message: /ended with code 3$/ },
  "apply: exit": { code: "interrupted", message: /ended with code 3$/ },
  "verify: exit": { code: "plugin_failed", message: /ended with code 3$/ },
  "apply: kill": { code: "interrupted", message: /was ended by SIGKILL$/ },
  "apply: reject": { code: "interrupted", message: /Nobody looked/ },
  "apply: throw": { code: "internal", message: /^It went wrong$/ },
  "validate: eat the heap": {
    code: "plugin_failed",
    message: /ran out of memory$/,
  },
  "apply: eat buffers": { code: "internal", message: /allocation failed/ },
  "apply: flood standard output": {
    code: "interrupted",
    message: /said more than anybody can read$/,
  },
  "apply: flood the log": {
    code: "interrupted",
    message: /said more than anybody can read$/,
  },
  "apply: flood reports": {
    code: "interrupted",
    message: /does not wait for its reports$/,
  },
  "apply: a result that is no JSON": {
    code: "internal",
    message: /^Cannot pass on what the plugin gave as it is no JSON: .*BigInt/,
  },
  "apply: a result that is too large": { code: "too_large", message: /17/ },
  "apply: spin": {
    code: "timeout",
    message: /its timeout/,
    event: { timeout: "1s" },
  },
  "apply: never end": {
    code: "timeout",
    message: /its timeout/,
    event: { timeout: "1s" },
  },
  "spin before anything": {
    code: "plugin_failed",
    message: /did not say within 3s what a payload touches/,
  },
  "apply: read a file": { code: "internal", message: /read access/ },
  "apply: read a file by import": { code: "internal", message: /read access/ },
  "apply: read a file by a module in a module": {
    code: "internal",
    message: /read access/,
  },
  "apply: look at the environment": {
    code: "internal",
    message: /env access to "SECRET"/,
  },
  "apply: reach the network": { code: "internal", message: /net access/ },
  "apply: run a program": { code: "internal", message: /run access to "id"/ },
};

Deno.test("an isolated plugin that misbehaves fails its event and nothing else", async (t) => {
  await using system = await PluginSystem.start(["--plugin", SPEC], {
    SECRET: "1",
  });
  const { agent } = system;
  await Promise.all(
    Object.entries(CASES).map(([deed, { code, message, event }]) =>
      t.step({
        name: `${deed} → ${code}`,
        // Steps that run side by side cannot be told apart by what they leave: the whole test is looked at.
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        fn: async () => {
          const view = await system.run("misbehave", { do: deed }, event);
          deepStrictEqual([view.state, view.error?.code], ["failed", code]);
          match(String(view.error?.message), message);
          // One behind it, which may get a process of its own.
          const next = await system.run("misbehave", { do: "apply: nothing" });
          strictEqual(next.state, "completed", next.message);
        },
      })
    ),
  );
  await t.step("the agent is the one that was started", async () => {
    const answer = await fetch(`${system.cp.url}/v2/agents/edge-7`);
    strictEqual((await answer.json()).connected, true);
    ok(!/"level":"error"/.test(agent.program.output));
  });
  await t.step("a repeatable event is quarantined after two", async () => {
    const payload = { do: "apply: exit", repeatable: true };
    const view = await system.run("misbehave", payload);
    deepStrictEqual([view.state, view.error?.code], ["failed", "quarantined"]);
  });
});

Deno.test("an isolated plugin is told of a cancel, and killed if it does not obey", async (t) => {
  await using system = await PluginSystem.start(["--plugin", SPEC]);
  for (const deed of ["end when told", "never end", "spin"]) {
    await t.step(deed, async () => {
      const id = await system.send("misbehave", { do: `apply: ${deed}` });
      await until(async () =>
        (await system.event(id)).phase === "applying" ? true : undefined
      );
      const answer = await fetch(`${system.cp.url}/v2/events/${id}/cancel`, {
        method: "POST",
      });
      await answer.body?.cancel();
      const view = await system.end(id);
      deepStrictEqual([view.state, view.error?.code], [
        "cancelled",
        "cancelled",
      ]);
    });
  }
});

Deno.test("what an isolated plugin prints is output of its event, and no answer", async () => {
  await using system = await PluginSystem.start(["--plugin", SPEC]);
  const view = await system.run("misbehave", { do: "apply: print in between" });
  strictEqual(view.state, "completed", view.message);
  const answer = await fetch(`${system.cp.url}/v2/events/${view.spec.id}/logs`);
  const logs = await answer.text();
  match(logs, /as a person would/);
  match(logs, /no line break/);
});

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

Deno.test("an isolated plugin ends with its agent, however that ends, and what it started with it", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${dir}/agent.yaml`,
    `plugin:\n  - spec: ${SPEC}\n    allow: {run: [sleep]}\n`,
  );
  try {
    await using system = await PluginSystem.start([
      "--config",
      `${dir}/agent.yaml`,
    ]);
    const view = await system.run("misbehave", {
      do: "apply: a child that stays",
    });
    strictEqual(view.state, "completed", view.message);
    const pid = Number(view.result?.["pid"]);
    ok(isAlive(pid));
    const gone = await system.run("misbehave", { do: "apply: exit" });
    strictEqual(gone.error?.code, "interrupted");
    await until(() => Promise.resolve(isAlive(pid) ? undefined : true));
    const spinning = await system.send("misbehave", { do: "apply: spin" });
    await until(async () =>
      (await system.event(spinning)).phase === "applying" ? true : undefined
    );
    const plugins = await childrenOf(system.agent.program.pid);
    ok(plugins.length >= 1, String(plugins));
    await system.agent.crash();
    for (const each of plugins) {
      await until(() => Promise.resolve(isAlive(each) ? undefined : true));
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "pid=", "--ppid", String(pid)],
  }).output();
  return new TextDecoder().decode(stdout).trim().split(/\s+/).map(Number);
}
