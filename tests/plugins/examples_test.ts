/** The plugins in examples/, in both ways, by a real agent that dials a real control plane. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ROOT } from "../files.ts";
import { until } from "../system.ts";
import { PluginSystem } from "./plugin_agent.ts";
import { folderOf } from "./tools.ts";

const FLAGS = ["plugin", "plugin-in-process"] as const;

/** An agent with one plugin, as its configuration file names it. */
async function start(
  flag: (typeof FLAGS)[number],
  entry: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<PluginSystem> {
  await using dir = await folderOf({
    "agent.yaml": JSON.stringify({ [flag]: [entry] }),
  });
  // The file is read before the agent dials in.
  return await PluginSystem.start(["--config", `${dir.path}/agent.yaml`], env);
}

for (const flag of FLAGS) {
  Deno.test(`examples/countdown as ${flag}: config, progress and cancel`, async () => {
    await using system = await start(flag, {
      spec: `${ROOT}examples/countdown/mod.ts`,
      config: { seconds_max: 600, last_word: "Done" },
    });
    const short = await system.run("countdown", { from: 1 });
    deepStrictEqual([short.state, short.result?.["counted"]], ["completed", 1]);
    const answer = await fetch(
      `${system.cp.url}/v2/events/${short.spec.id}/logs`,
    );
    match(await answer.text(), /Done/);

    const far = await system.run("countdown", { from: 601 });
    deepStrictEqual(far.error, {
      code: "invalid",
      message: "Cannot count down from 601: this agent allows 600",
    });

    const id = await system.send("countdown", { from: 600 });
    await until(async () => {
      const { message } = await system.event(id);
      return message === "599 to go" ? true : undefined;
    });
    const cancel = await fetch(`${system.cp.url}/v2/events/${id}/cancel`, {
      method: "POST",
    });
    await cancel.body?.cancel();
    strictEqual((await system.end(id)).state, "cancelled");
  });

  Deno.test(`examples/ticket as ${flag}: an HTTP API that fails at first`, async () => {
    const tickets = new Map<string, string>();
    const refused: number[] = [];
    let reads = 0;
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => {
        if (request.headers.get("authorization") !== "Bearer s3cret") {
          return new Response("", { status: 401 });
        }
        if (request.method === "GET") {
          // It can be read a moment later only.
          return new Response("", { status: ++reads > 1 ? 200 : 404 });
        }
        const key = request.headers.get("idempotency-key") ?? "";
        if (refused.push(503) === 1) return new Response("", { status: 503 });
        tickets.set(key, "41");
        return Response.json({ id: 41 }, { status: 201 });
      },
    );
    const host = `127.0.0.1:${server.addr.port}`;
    await using system = await start(flag, {
      spec: `${ROOT}examples/ticket/mod.ts`,
      config: { url: `http://${host}` },
      secrets: { token: "env:TICKETS_TOKEN" },
      ...(flag === "plugin" ? { allow: { net: [host] } } : {}),
    }, { TICKETS_TOKEN: "s3cret" });
    const view = await system.run("ticket", { title: "Disk is full" }, {
      retry: { max_attempts: 3, initial_delay: "100ms", max_delay: "100ms" },
    });
    strictEqual(view.state, "completed", view.message);
    strictEqual(view.result?.["ticket"], "41");
    deepStrictEqual([...tickets.keys()], [view.spec.id]);
    ok(reads >= 2);
    ok(!system.agent.program.output.includes("s3cret"));
  });
}
