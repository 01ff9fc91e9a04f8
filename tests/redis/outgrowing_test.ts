/**
 * Follows "Outgrowing one machine" of the README: every line of it is run as it
 * stands there, but for ports, the folder `data`, and `deno task`, which would
 * stand between a signal and its program.
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { userCacheDir } from "../../deploy/localkube/mod.ts";
import { ROOT } from "../files.ts";
import { freePort } from "../free_port.ts";
import { testCluster } from "../kubernetes/cluster.ts";
import { findOrBuildNats } from "../nats/build.ts";
import { blocksOf, commandsIn } from "../page.ts";
import { Program } from "../program.ts";
import { listEvents, until, untilEnded } from "../system.ts";

const README = await Deno.readTextFile(`${ROOT}README.md`);
const SECTION =
  /^## Outgrowing one machine\n([\s\S]*?)^## /m.exec(README)?.[1] ??
    "";

/** What the logs of programs say of starts of attempts, as `id attempt`. */
function startsIn(programs: readonly Program[]): readonly string[] {
  return programs.flatMap(({ output }) => output.split("\n"))
    .filter((line) => line.includes('"message":"Event started"'))
    .map((line) => {
      const { event_id: id, attempt } = JSON.parse(line);
      return `${id} ${attempt}`;
    });
}

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
  const programs: Program[] = [];

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
      stdout: "piped",
      stderr: "piped",
    });
    programs.push(new Program(command.spawn()));
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

  const sent: string[] = [];

  /** Runs a command, and notes whom it sends an event. */
  async function typed(command: string): Promise<string> {
    for (const [, agent = ""] of command.matchAll(/ --agent (\S+)/g)) {
      sent.push(agent);
    }
    return await run(command);
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

    const [urlA, urlB] = [`http://127.0.0.1:${a}`, `http://127.0.0.1:${b}`];
    const commands = commandsIn(SECTION).map(({ command }) => command);
    const send = commands.find((command) => command.includes("--wait")) ?? "";
    match(send, / --agent edge-5 /); // which reaches NATS only
    for (const command of commands) {
      await t.step(command, async () => {
        const text = await typed(command);
        if (command.includes("get agents")) {
          match(text, /REPLICA/);
          for (let i = 1; i <= 5; i++) match(text, RegExp(`^edge-${i} `, "m"));
        }
        if (command.includes("--mode nats")) {
          // It is published, and nobody waits: it comes, and is done, all the same.
          await until(async () =>
            (await listEvents(urlA)).length === sent.length
          );
          await untilEnded(urlA);
        }
        if (command.includes("get events")) {
          deepStrictEqual(
            [...text.matchAll(/^\S+ +k8s_resource +(edge-\d) +completed +1 /gm)]
              .map(([, agent]) => agent).sort(),
            sent.toSorted(),
          );
        }
        if (command.includes("doctor")) {
          match(text, /2 share its store: "a", "b"/);
        }
      });
    }
    await t.step(
      "one of them is killed with events in hand: all agents go on at the other, and nothing is lost or done twice",
      async () => {
        const before = sent.length;
        const sending = typed(send);
        await until(async () => (await listEvents(urlB)).length > before);
        programs[2]?.kill("SIGKILL");
        await sending;
        await until(async () => {
          const agents = await replicasOf(b);
          return agents.size === 5 &&
            [...agents.values()].every((replica) => replica === "b");
        });
        await typed(send);
        const events = await untilEnded(urlB);
        deepStrictEqual(
          events.map(({ spec, state, attempt }) =>
            `${spec.target_agent} ${state} ${attempt}`
          ).sort(),
          sent.map((agent) => `${agent} completed 1`).sort(),
        );
        // An agent goes on with what it had in hand: each was started once.
        await until(() => startsIn(programs).length >= events.length);
        deepStrictEqual(
          startsIn(programs).toSorted(),
          events.map(({ spec }) => `${spec.id} 1`).sort(),
        );
      },
    );
  } finally {
    for (const program of programs.toReversed()) {
      await program[Symbol.asyncDispose]();
    }
    await Deno.remove(dir, { recursive: true });
  }
});
