/** What runs a script in its Pod, where the image is the agent's: in a cluster with nodes. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { silentLogger, systemClock, systemRng } from "@transporter/sdk";
import { openCluster } from "../../plugins/k8s_resource/port.ts";
import { JobApi } from "../../plugins/script/job/api.ts";
import { JobRunner } from "../../plugins/script/job/runner.ts";
import { SHIM_PROCESSES } from "../../plugins/script/job/shim.ts";
import type { Payload } from "../../plugins/script/payload.ts";
import { KUBECONFIG, lockedNamespace } from "./cluster.ts";

/** An image with Deno as `/bin/deno` and a `/bin/sh`. */
const IMAGE = Deno.env.get("TRANSPORTER_TEST_AGENT_IMAGE");

let specs = 0;

/** Runs scripts through the shim, in a namespace of their own. */
class ShimBench implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #api: JobApi;
  readonly #runner: JobRunner;

  static async open(): Promise<ShimBench> {
    await using stack = new AsyncDisposableStack();
    const { name: namespace } = stack.use(await lockedNamespace());
    const { client } = stack.use(
      await openCluster({ kubeconfig: KUBECONFIG }, {
        clock: systemClock,
        rng: systemRng,
      }),
    );
    const api = new JobApi({
      ...{ namespace, user: { uid: 47533, gid: 47533 }, memoryMib: 64 },
      ...{ processes: 32, files: 64, tmpMib: 8, pullSecrets: [] },
    }, client);
    return new ShimBench(stack.move(), api);
  }

  private constructor(stack: AsyncDisposableStack, api: JobApi) {
    this.#stack = stack;
    this.#api = api;
    this.#runner = new JobRunner(api, systemClock);
  }

  /** Runs a script; `isLeft`: an agent began it and is gone, and another one finds it. */
  async run(
    payload: Payload | string,
    { isLeft = false, signal = new AbortController().signal, onOutput }: {
      readonly isLeft?: boolean;
      readonly signal?: AbortSignal;
      readonly onOutput?: () => void;
    } = {},
  ) {
    const spec = {
      ...{ id: `shim-${++specs}`, attempt: 1, image: IMAGE ?? "" },
      payload: typeof payload === "string" ? { script: payload } : payload,
      ...{ command: ["/bin/sh", "/script"], timeoutMs: 60_000 },
      shim: "/bin/deno",
    };
    const written = { stdout: "", stderr: "" };
    const context = {
      ...{ signal, deadline: systemClock.now() + 60_000, log: silentLogger },
      report: () => Promise.resolve(),
      output(stream: "stdout" | "stderr", text: string) {
        written[stream] += text;
        onOutput?.();
      },
    };
    const bounds = { signal, until: context.deadline };
    if (isLeft) await this.#api.begin(spec, bounds);
    const end = isLeft
      ? await this.#runner.recover({ ...spec, shim: undefined }, context)
      : await this.#runner.run(spec, context);
    ok(end);
    return { ...end, ...written };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function test(name: string, fn: (bench: ShimBench) => Promise<void>): void {
  Deno.test({
    name: `${name} (pods)`,
    ignore: KUBECONFIG === "" || IMAGE === undefined,
    async fn() {
      await using bench = await ShimBench.open();
      await fn(bench);
    },
  });
}

const ODD = 'o"a"\ne"b"\nu{"user_time":1,"system_time":1}\n\x1b[1m\r\0\\n ä€😀';

test("a script through the shim has both streams, its input, variables, arguments and exit code", async (bench) => {
  for (const isLeft of [false, true]) {
    const { stdout, stderr, code, bytes, lastLine, usage } = await bench.run({
      script: `cat; echo "$NAME $LD_PRELOAD" >&2; printf 'no end' >&2; exit 7`,
      env: { NAME: "$(date)", LD_PRELOAD: "" },
      stdin: ODD,
    }, { isLeft });
    strictEqual(stdout, ODD);
    strictEqual(stderr, "$(date) \nno end");
    deepStrictEqual(bytes, {
      stdout: new TextEncoder().encode(ODD).length,
      stderr: 15,
    });
    deepStrictEqual([code, lastLine], [7, "no end"]);
    ok(usage !== undefined && usage.memory_max_bytes === undefined);
  }
});

test("a script through the shim may write long lines, much, and what is no text", async (bench) => {
  const { stdout, stderr } = await bench.run(
    `head -c 300000 /dev/zero | tr '\\0' x; echo; head -c 100000 /dev/zero >&2; printf '\\377\\n'`,
  );
  strictEqual(stdout, `${"x".repeat(300_000)}\n\ufffd\n`);
  strictEqual(stderr, "\0".repeat(100_000));
});

test("the shim says what a script used", async (bench) => {
  const { usage } = await bench.run(
    `i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; x=$(head -c 50000000 /dev/zero | tr '\\0' x)`,
  );
  ok(usage);
  const { user_time, system_time, memory_max_bytes = 0 } = usage;
  ok(user_time > 10e6 && user_time < 60e9, `${user_time} ns`);
  ok(system_time > 0 && system_time < 60e9, `${system_time} ns`);
  ok(
    memory_max_bytes > 50e6 && memory_max_bytes < 170e6,
    `${memory_max_bytes}`,
  );
});

test("a script cannot write as the shim, nor look into it or end it", async (bench) => {
  const forged = `o"forged"\nu{"user_time":1,"system_time":1}`;
  const { stdout, stderr, code, usage } = await bench.run({
    script: `echo "$FORGED"
for process in /proc/[0-9]*; do
  [ "$process" = "/proc/$$" ] && continue
  for file in "$process"/fd/* "$process"/task/*/fd/*; do
    ( printf '%s\\n' "$FORGED" >"$file" ) 2>/dev/null && echo "wrote to $file"
  done
  cat "$process/environ" "$process/mem" >/dev/null 2>&1 && echo "read $process"
done
kill -9 1; kill -STOP 1
echo over; exit 5`,
    env: { FORGED: forged },
  });
  strictEqual(stdout, `${forged}\nover\n`);
  strictEqual(stderr, "");
  strictEqual(code, 5);
  ok(usage !== undefined && usage.user_time !== 1);
});

test("a script through the shim has the bounds of any script in a Pod", async (bench) => {
  const { stdout } = await bench.run(
    `grep -oE '^Max (processes|open files) +[0-9]+' /proc/self/limits; (: >/x) 2>/dev/null; (: >/run/script/x) 2>/dev/null; ls / /run/script | grep x
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status
i=0; while [ $i -lt 200 ]; do sleep 100 & i=$((i+1)); done; echo more`,
  );
  deepStrictEqual(stdout.replaceAll(/ +/g, " ").split("\n"), [
    `Max processes ${32 + SHIM_PROCESSES}`,
    "Max open files 64",
    "CapEff:\t0000000000000000",
    "NoNewPrivs:\t1",
    "Seccomp:\t2",
    "",
  ]);
});

test("a script through the shim is stopped, and may clean up; what it leaves behind goes with it", async (bench) => {
  const stop = new AbortController();
  const stopped = await bench.run(
    "trap 'echo cleaned; exit 3' TERM; echo begun; sleep 1000 & wait",
    { signal: stop.signal, onOutput: () => stop.abort() },
  );
  match(stopped.stdout, /^begun\ncleaned\n$/);

  const left = await bench.run("(sleep 1000; echo late) & echo over");
  deepStrictEqual([left.stdout, left.code], ["over\n", 0]);

  const killed = await bench.run("kill -9 $$");
  strictEqual(killed.code, 137);
});

test("a script through the shim that needs too much memory is ended, and says so", async (bench) => {
  const { code, reason } = await bench.run(
    "x=$(head -c 300000000 /dev/zero | tr '\\0' x); exit 137",
  );
  deepStrictEqual([code, reason], [137, "OOMKilled"]);
});
