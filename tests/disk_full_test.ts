import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { ScriptedAgent } from "../cp/testing/scripted_agent.ts";
import { registration } from "../cp/testing/world.ts";
import { smallDisk, whyNoDisk } from "./chaos/disk.ts";
import { Program } from "./program.ts";
import { until } from "./system.ts";

const probe = await Deno.makeTempDir();
const why = await whyNoDisk(`${probe}/disk`);
await Deno.remove(probe, { recursive: true });

/** A control plane whose data are on a disk of their own. */
async function startCp(folder: string): Promise<{ url: string } & Program> {
  const program = Program.start([
    "cp",
    "--dev",
    "--listen",
    "127.0.0.1:0",
    "--data-dir",
    folder,
  ]);
  const [, url = ""] = await program.line(
    /Control plane listens.*"url":"([^"]+)"/,
  );
  return Object.assign(program, { url: url.replace(/\/$/, "") });
}

async function connect(url: string): Promise<ScriptedAgent> {
  const wire = await dialWebSocket(new URL(`${url.replace("http", "ws")}/ws`), {
    signal: new AbortController().signal,
    frameBytesMax: 2 ** 20,
  });
  const agent = new ScriptedAgent(wire);
  await agent.send(registration());
  await agent.nextOf("welcome");
  return agent;
}

async function submit(url: string, id: string, text = "") {
  const answer = await fetch(`${url}/v2/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id,
      type: "script",
      target_agent: "edge-1",
      payload: { script: `: ${text}` },
    }),
  });
  return {
    status: answer.status,
    retryAfter: answer.headers.get("retry-after"),
    body: await answer.json(),
  };
}

/**
 * Submits until the disk is full, and returns what was accepted until then: the
 * log of the store has some room of its own, also after a restart.
 */
async function submitUntilFull(url: string, name: string): Promise<string[]> {
  const accepted: string[] = [];
  while (true) {
    ok(accepted.length < 1000, "the disk is never full");
    const id = `${name}-${accepted.length}`;
    const { status, retryAfter, body } = await submit(
      url,
      id,
      "x".repeat(100_000),
    );
    if (status !== 202) {
      deepStrictEqual([status, body.code], [503, "disk_full"]);
      match(String(retryAfter), /^[1-9]\d*$/);
      return accepted;
    }
    accepted.push(id);
  }
}

async function readyz(url: string): Promise<string> {
  const answer = await fetch(`${url}/readyz`);
  const { status, code = status } = await answer.json();
  return code;
}

async function stateOf(url: string, id: string): Promise<string> {
  const { state, code = state } = await (await fetch(`${url}/v2/events/${id}`))
    .json();
  return code;
}

Deno.test({
  name:
    `a control plane on a full disk takes nothing new, ends what it has, also after a kill, and goes on by itself${
      why === undefined ? "" : ` (skipped as ${why})`
    }`,
  ignore: why !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    {
      await using disk = await smallDisk(folder);
      // Ended before the disk goes, also when a check fails.
      await using programs = new AsyncDisposableStack();
      let cp = programs.use(await startCp(folder));
      let agent = await connect(cp.url);
      for (const id of ["early-1", "early-2"]) {
        strictEqual((await submit(cp.url, id)).status, 202);
        await agent.nextOf("event");
      }
      await disk.fill();
      const accepted = await submitUntilFull(cp.url, "late");
      await until(async () =>
        await readyz(cp.url) === "disk_full" ? true : undefined
      );

      await agent.status("early-1", "completed", "completed", {
        attempt: 1,
        sid: 1,
      });
      await agent.nextOf("status_ack");
      strictEqual(await stateOf(cp.url, "early-1"), "completed");
      await agent.cut();

      cp.kill("SIGKILL");
      await cp[Symbol.asyncDispose]();
      cp = programs.use(await startCp(folder));
      strictEqual(await stateOf(cp.url, "early-1"), "completed");
      for (const id of accepted) {
        match(await stateOf(cp.url, id), /^(queued|assigned)$/);
      }
      accepted.push(...await submitUntilFull(cp.url, "later"));
      agent = await connect(cp.url);
      await agent.status("early-2", "completed", "completed", {
        attempt: 1,
        sid: 2,
      });
      await agent.nextOf("status_ack");
      strictEqual(await stateOf(cp.url, "early-2"), "completed");

      await disk.heal();
      await until(async () =>
        await readyz(cp.url) === "ready" ? true : undefined
      );
      strictEqual((await submit(cp.url, "last")).status, 202);
      for (const id of accepted) {
        match(await stateOf(cp.url, id), /^(queued|assigned)$/);
      }
      await agent.cut();
    }
    await Deno.remove(folder);
  },
});
