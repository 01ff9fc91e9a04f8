/** Ways out of the confinement, each tried with a real process, and the table of them in docs/script.md. */
import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { Bench, type Ran, testWays, type Way } from "./testing/bench.ts";
import { ELSEWHERE, ESCAPES, UNTRIED } from "./testing/escapes.ts";
import { marker, processesWith } from "./testing/processes.ts";

/** What listens outside, and a file there; counts who gets through. */
class Outside implements AsyncDisposable {
  readonly dir: string;
  readonly #tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #udp = createSocket("udp4", () => this.reached++);
  readonly #unix: Deno.UnixListener;
  readonly #abstract = createServer();
  readonly #name = `transporter-${crypto.randomUUID()}`;
  reached = 0;

  static async open(): Promise<Outside> {
    const dir = await Deno.makeTempDir({ dir: "/tmp" });
    await Deno.chmod(dir, 0o755);
    await Deno.writeTextFile(`${dir}/file`, "canary of the machine\n");
    const outside = new Outside(dir);
    outside.#udp.bind(0, "127.0.0.1");
    await once(outside.#udp, "listening");
    return outside;
  }

  constructor(dir: string) {
    this.dir = dir;
    this.#unix = Deno.listen({ transport: "unix", path: `${dir}/socket` });
    this.#abstract.on("connection", (socket) => {
      this.reached++;
      socket.destroy();
    }).listen({ path: `\0${this.#name}` });
    for (const listener of [this.#tcp, this.#unix]) this.#accept(listener);
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const connection of listener) {
      this.reached++;
      connection.close();
    }
  }

  get env(): Readonly<Record<string, string>> {
    return {
      FILE: `${this.dir}/file`,
      SOCKET: `${this.dir}/socket`,
      ABSTRACT: this.#name,
      TCP: String((this.#tcp.addr as Deno.NetAddr).port),
      UDP: String(this.#udp.address().port),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tcp.close();
    this.#udp.close();
    this.#unix.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#abstract.close(() => resolve());
    await promise;
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** The last line of a script that came to its end: one that did not has tried nothing. */
const OVER = "over\n";

for (const escape of ESCAPES) {
  const { name, script, prints, settings } = escape;
  testWays(`script does not get at ${name}`, async (way) => {
    await using outside = await Outside.open();
    await using bench = await Bench.open({ confinement: way, ...settings });
    const { last, stdout, stderr } = await bench.run({
      script: `${script}\necho over`,
      interpreter: "bash",
      env: outside.env,
      timeout: "30s",
    });
    const said = `${stdout}\n${stderr}\n${last.message}`;
    strictEqual(last.state, "completed", said);
    ok(stdout.endsWith(OVER), said);
    doesNotMatch(stderr, /command not found/, said);
    const printed = stdout.slice(0, -OVER.length);
    const verdict = escape[way] ?? "held";
    if (verdict === "held") match(printed, prints, said);
    else {
      ok(!prints.test(printed), `The page says that it is not held: ${said}`);
    }
    strictEqual(outside.reached, 0, said);
  });
}

async function run(way: Way, script: string, more: object = {}): Promise<Ran> {
  await using bench = await Bench.open({ confinement: way, grace_ms: 300 });
  return await bench.run({ script, interpreter: "bash", ...more });
}

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** An agent as far as a script is concerned; it prints its folder, and what the script prints. */
function agentOf(way: Way, seconds: string): string {
  const bench = new URL("testing/bench.ts", import.meta.url).href;
  const script =
    `echo begun; (setsid sleep ${seconds} &); trap '' TERM; sleep ${seconds}`;
  return `import { Bench } from ${JSON.stringify(bench)};
const bench = await Bench.open({ confinement: "${way}" });
console.log(bench.dir);
await bench.run(${JSON.stringify(script)}, { onOutput: console.log });
`;
}

/** What this test holds, in bytes; the memory of the process is that of the tests beside it, too. */
function memoryHeld(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** What is tried by more than one script can do. */
const MORE: Readonly<Record<string, (way: Way) => Promise<void>>> = {
  async "a daemon that outlives the script, by forking twice"(way) {
    const seconds = marker();
    const { last, stdout } = await run(
      way,
      `(setsid sleep ${seconds} </dev/null >/dev/null 2>&1 &) ; sleep ${seconds} & echo over`,
    );
    deepStrictEqual([last.state, stdout], ["completed", OVER]);
    deepStrictEqual(await processesWith(seconds), []);
  },
  async "time after its deadline, by ignoring SIGTERM"(way) {
    const seconds = marker();
    const { last } = await run(
      way,
      `trap '' TERM; (setsid sleep ${seconds} &); while :; do sleep ${seconds}; done`,
      { timeout: "300ms" },
    );
    strictEqual(last.error?.code, "timeout");
    strictEqual(last.result?.["signal"], "SIGKILL");
    deepStrictEqual(await processesWith(seconds), []);
  },
  async "time after its agent was killed"(way) {
    const seconds = marker();
    const agent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", CONFIG, "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await ReadableStream.from([agentOf(way, seconds)])
      .pipeThrough(new TextEncoderStream()).pipeTo(agent.stdin);
    let said = "";
    for await (
      const text of agent.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += text;
      if (said.includes("begun")) agent.kill("SIGKILL");
    }
    await agent.status;
    match(said, /begun/);
    while ((await processesWith(seconds)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Deno.remove(said.split("\n")[0] ?? "", { recursive: true });
  },
  async "a fork bomb until its deadline"(way) {
    await using bench = await Bench.open({
      confinement: way,
      grace_ms: 0,
      processes: 16,
    });
    const seconds = marker();
    const { last, stdout } = await bench.run({
      script:
        `echo begun; bomb() { bomb ${seconds} | bomb ${seconds} & }; bomb; sleep ${seconds}`,
      interpreter: "bash",
      timeout: "1s",
    });
    deepStrictEqual([last.state, stdout], ["failed", "begun\n"]);
    deepStrictEqual(await processesWith(seconds), []);
  },
  async "files of another script that runs at the same time"(way) {
    await using bench = await Bench.open({ confinement: way });
    const stop = new AbortController();
    const first = bench.run(
      "echo mine >/tmp/mine; echo mine >/dev/shm/mine; echo written; exec sleep 1000",
      {
        signal: stop.signal,
        async onOutput() {
          const { stdout } = await bench.run(
            "cat /tmp/mine /dev/shm/mine /proc/*/root/tmp/mine; ls /tmp /dev/shm; echo over",
          );
          stop.abort(new Error(stdout));
        },
      },
    );
    await first;
    strictEqual(stop.signal.reason.message, `/dev/shm:\n\n/tmp:\n${OVER}`);
  },
  async "LD_PRELOAD, before it has no rights any more"(way) {
    const { stderr } = await run(way, "exec true", {
      env: { LD_PRELOAD: "/tmp/none.so" },
    });
    // Bash, and what it becomes: nothing of what confines them.
    strictEqual(stderr.match(/cannot be preloaded/g)?.length, 2, stderr);
  },
  async "variables of the agent"(way) {
    const { stdout } = await run(
      way,
      "env | cut -d= -f1 | sort | tr '\\n' ' '",
      {
        env: { MINE: "1" },
      },
    );
    strictEqual(
      stdout,
      "HOME LANG MINE OLDPWD PATH PWD SHLVL _ ".replace(
        "OLDPWD ",
        /OLDPWD/.test(stdout) ? "OLDPWD " : "",
      ),
    );
  },
  async "memory of the agent, by a gigabyte of output"(way) {
    await using bench = await Bench.open({ confinement: way });
    const before = memoryHeld();
    let most = before;
    const { last } = await bench.run(
      { script: "head -c 1073741824 /dev/zero | tr '\\0' x", timeout: "10m" },
      {
        onOutput: () => most = Math.max(most, memoryHeld()),
        keep: false,
      },
    );
    strictEqual(last.state, "completed", last.message);
    strictEqual(last.result?.["stdout_bytes"], 1073741824);
    strictEqual(last.result?.["output_truncated"], true);
    ok(most - before < 256 * 1024 * 1024, `${most - before} bytes`);
  },
  async "a shell, by its arguments; secrets in its output"(way) {
    const args = ["$(echo ran)", "`echo ran`", ";echo ran", "*", "--", "'"];
    const { stdout, stderr, last } = await run(
      way,
      `printf '%s\\n' "$@"; echo "$TOKEN"; echo "$TOKEN" >&2; exit 1`,
      { args, env: { TOKEN: { secret: "c4n4ry" } } },
    );
    strictEqual(stdout, `${args.join("\n")}\n[redacted]\n`);
    strictEqual(stderr, "[redacted]\n");
    ok(!JSON.stringify(last).includes("c4n4ry"), last.message);
  },
  async "a sentence without end in what the event says"(way) {
    const { last } = await run(
      way,
      "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1",
    );
    ok(last.message.length < 400, `${last.message.length} characters`);
    strictEqual(last.result?.["stderr_bytes"], 1_000_000);
  },
};

for (const [name, test] of Object.entries(MORE)) {
  testWays(`script does not get ${name}`, test);
}

Deno.test("what the table says that other tests try is tried there", async () => {
  const url = new URL("../../tests/script/agent_test.ts", import.meta.url);
  const tests = await Deno.readTextFile(url);
  for (const title of Object.values(ELSEWHERE)) {
    ok(tests.includes(`test("${title}"`), title);
  }
});

Deno.test("docs/script.md: its table has every way out, and what comes of it", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/script.md", import.meta.url),
  );
  const [, table = ""] = /## What confines it\n([^]*?)\n## /.exec(page) ?? [];
  const rows = [
    ...table.matchAll(/^\| (.+?) +\| (\w[\w ]*?) +\| (\w[\w ]*?) +\|/gm),
  ]
    .map(([, ...cells]) => cells.map((cell) => cell.trim()));
  deepStrictEqual(
    rows.slice(1),
    [
      ...ESCAPES.map(({ name, bwrap = "held", namespaces = "held" }) => [
        name,
        bwrap,
        namespaces,
      ]),
      ...Object.keys(MORE).map((name) => [name, "held", "held"]),
      ...Object.keys(ELSEWHERE).map((name) => [name, "held", "held"]),
      ...UNTRIED.map(({ name }) => [name, "not tried", "not tried"]),
    ],
  );
});
