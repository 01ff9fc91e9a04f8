/**
 * Follows "Outgrowing one machine" of the README: every line of it is run as it
 * stands there, but for ports, the folder `data`, and `deno task`, which would
 * stand between a signal and its program.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { userCacheDir } from "../../deploy/localkube/mod.ts";
import { ROOT } from "../files.ts";
import { freePort } from "../free_port.ts";
import { testCluster } from "../kubernetes/cluster.ts";
import { findOrBuildNats } from "../nats/build.ts";
import { blocksOf, commandsIn } from "../page.ts";
import { until } from "../system.ts";

const README = await Deno.readTextFile(`${ROOT}README.md`);
const SECTION =
  /^## Outgrowing one machine\n([\s\S]*?)^## /m.exec(README)?.[1] ??
    "";

Deno.test("README.md, outgrowing one machine: Redis, NATS, two control planes, five agents, line by line", async (t) => {
  await using kube = await testCluster();
  const nats = await findOrBuildNats({
    cacheDir: userCacheDir((name) => Deno.env.get(name)),
  });
  const dir = await Deno.makeTempDir({ prefix: "transporter-readme-" });
  const ports = new Map(
    ["6379", "4222", "8081", "8082"].map((port) => [port, `${freePort()}`]),
  );
  const env = {
    KUBECONFIG: kube.kubeconfig,
    PATH: `${dirname(nats)}:${Deno.env.get("PATH")}`,
  };
  const programs: Deno.ChildProcess[] = [];

  function asRun(line: string): string {
    return line.replaceAll(
      /\b(6379|4222|8081|8082)\b/g,
      (port) => ports.get(port) ?? port,
    )
      .replaceAll(/\bdata\//g, `${dir}/`)
      .replace(/^deno task transporter /, "deno run -A --no-check main.ts ")
      .replace(/^deno task /, "deno run -A --no-check main.ts ")
      // The program takes the place of the shell, so that signals reach it.
      .replace(/(^|&& )(?=(deno|redis-server|nats-server) )/, "$1exec ");
  }

  function start(line: string): void {
    const command = new Deno.Command("sh", {
      args: ["-c", asRun(line)],
      cwd: ROOT,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    programs.push(command.spawn());
  }

  async function listens(port: string): Promise<void> {
    await until(async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }))
          .close();
        return true;
      } catch {
        return undefined;
      }
    });
  }

  async function replicasOf(
    port: string,
  ): Promise<ReadonlyMap<string, string>> {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/agents`);
    const { items } = await answer.json();
    return new Map(
      items.filter(({ connected }: { connected: boolean }) => connected)
        .map(({ id, replica }: { id: string; replica: string }) => [
          id,
          replica,
        ]),
    );
  }

  async function run(command: string): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", asRun(command)],
      cwd: ROOT,
      env,
    }).output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout) + decoder.decode(stderr);
    strictEqual(code, 0, text);
    return text;
  }

  try {
    const [block] = blocksOf(SECTION);
    const lines = (block?.text ?? "").split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    strictEqual(lines.length, 9);
    for (const line of lines) {
      start(line);
      // As by hand: what the next one needs is there.
      for (const [port, free] of ports) {
        if (new RegExp(`(--port |--listen 127.0.0.1:)${port}\\b`).test(line)) {
          await listens(free);
        }
      }
    }
    const [a = "", b = ""] = ["8081", "8082"].map((port) => ports.get(port));
    await until(async () =>
      (await replicasOf(a)).size === 5 ? true : undefined
    );
    strictEqual((await replicasOf(b)).get("edge-1"), "a");
    strictEqual((await replicasOf(a)).get("edge-2"), "b");

    for (const { command } of commandsIn(SECTION)) {
      await t.step(command, async () => {
        const text = await run(command);
        if (command.includes("get agents")) match(text, /REPLICA/);
        if (command.includes("doctor")) {
          match(text, /2 share its store: "a", "b"/);
        }
      });
    }
    await t.step(
      "one of them is killed, and its agents go on at the other",
      async () => {
        programs[2]?.kill("SIGKILL");
        await until(async () => {
          const agents = await replicasOf(b);
          const there = ["edge-1", "edge-2", "edge-3", "edge-4"].every((id) =>
            agents.get(id) === "b"
          );
          return there ? true : undefined;
        });
        const [, send] = commandsIn(SECTION);
        ok(send?.command.includes("--wait"));
        await run(
          (send?.command ?? "").replace("--agent edge-5", "--agent edge-3"),
        );
      },
    );
  } finally {
    for (const program of programs.toReversed()) {
      try {
        program.kill("SIGKILL");
      } catch {
        // It is gone already.
      }
      await program.status;
    }
    await Deno.remove(dir, { recursive: true });
  }
});
