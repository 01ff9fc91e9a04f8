import { acceptWebSocket } from "@transporter/sdk/websocket";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
// @ts-types="@types/ws"
import { WebSocketServer } from "ws";
import { specOf, TestControlPlane } from "../agent/testing/control_plane.ts";

const SCRIPT = new URL("agent_kill/agent.ts", import.meta.url).pathname;
const KILLS = 20;

/** Serves a control plane on a port of its own. */
async function serve(
  controlPlane: TestControlPlane,
): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer().listen(0, "127.0.0.1");
  const sockets = new WebSocketServer({ server });
  const sessions = new Set<Promise<void>>();
  sockets.on("connection", (socket) => {
    const session = controlPlane.serve(acceptWebSocket(socket));
    sessions.add(session);
    session.finally(() => sessions.delete(session));
  });
  await once(server, "listening");
  const address = server.address();
  ok(typeof address === "object" && address !== null);
  return {
    url: `ws://127.0.0.1:${address.port}/ws`,
    async [Symbol.asyncDispose]() {
      await Promise.all(sessions);
      sockets.close();
      server.close();
      await once(server, "close");
    },
  };
}

function start(...args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", "--no-check", "-A", SCRIPT, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

Deno.test("an agent that is killed again and again starts no attempt twice and loses no end", async () => {
  const folder = await Deno.makeTempDir();
  const witnessFile = `${folder}/witness`;
  const controlPlane = new TestControlPlane();
  let submitted = 0;
  function submit(count: number): void {
    for (let i = 0; i < count; i++) {
      const payload = { ms: Math.random() * 20, key: submitted % 5 };
      controlPlane.submit(specOf(`e${submitted++}`, { payload }));
    }
  }
  const ended = () =>
    [...controlPlane.events.values()].filter(({ end }) => end !== undefined);
  try {
    {
      await using server = await serve(controlPlane);
      for (let kill = 0; kill < KILLS; kill++) {
        submit(20);
        const [sessions, before] = [
          controlPlane.registrations.length,
          ended().length,
        ];
        const agent = start(server.url, `${folder}/data`, witnessFile);
        await controlPlane.until(() =>
          controlPlane.registrations.length > sessions
        );
        // A random moment of its work: somewhere in its first twenty events.
        const after = before + Math.floor(Math.random() * 20);
        await controlPlane.until(() => ended().length >= after);
        agent.kill("SIGKILL");
        await agent.status;
      }
      const agent = start(server.url, `${folder}/data`, witnessFile);
      await controlPlane.until(() => controlPlane.done);
      agent.kill("SIGTERM");
      strictEqual((await agent.status).code, 0);
    }
    const starts = (await Deno.readTextFile(witnessFile)).trim().split("\n");
    deepStrictEqual(
      starts.filter((line, i) => starts.indexOf(line) !== i),
      [],
      "started twice",
    );
    for (const { spec: { id }, attempt, end } of ended()) {
      strictEqual(end?.state, "completed", id);
      ok(
        starts.includes(`${id} ${attempt}`),
        `${id} ${attempt} ended and was never started`,
      );
    }
    strictEqual(ended().length, submitted);
    deepStrictEqual(controlPlane.problems, []);
    strictEqual(
      new Set(controlPlane.registrations.map(({ link }) => link?.instance))
        .size,
      1,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
