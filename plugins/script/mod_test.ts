import { parse, silentLogger } from "@transporter/sdk";
import { testExecutor } from "@transporter/sdk/testing";
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { configSchema } from "./config.ts";
import { script, scriptKind } from "./mod.ts";
import { Bench, canConfine, testWays } from "./testing/bench.ts";

const BAD: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "no script": {},
  "an empty script": { script: " \n" },
  "an unknown key": { script: "true", arg: ["a"] },
  "an image": { script: "true", image: "busybox" },
  "another runner": { script: "true", runner: "vm" },
  "an interpreter by its path": { script: "true", interpreter: "/bin/sh" },
  "a NUL in an argument": { script: "true", args: ["a\0b"] },
  "a number as an argument": { script: "true", args: [1] },
  "a variable that is no name": { script: "true", env: { "A B": "" } },
  "a variable of the shell": { script: "true", env: { UID: "0" } },
  "a secret that is too short": {
    script: "true",
    env: { A: { secret: "abc" } },
  },
  "permissions for a shell": { script: "true", permissions: ["env"] },
  "a permission that leads out": {
    script: "true",
    interpreter: "deno",
    permissions: ["run"],
  },
  "two permissions in one": {
    script: "true",
    interpreter: "deno",
    permissions: ["net=a,b"],
  },
  "a timeout without a unit": { script: "true", timeout: "10" },
  "a timeout of nothing": { script: "true", timeout: "0s" },
};

if (canConfine) {
  testExecutor("script", {
    open: async () => (await Bench.open()).executor,
    kind: scriptKind,
    payload: () => ({ script: "echo hello" }),
    badPayloads: BAD,
  });
}

Deno.test("scriptKind.check() says what is wrong, and what to do", async () => {
  const said: Record<string, string> = {};
  for (const [name, payload] of Object.entries(BAD)) {
    await rejects(
      async () => await scriptKind.check(payload),
      (error: Error) => {
        said[name] = error.message;
        return true;
      },
      name,
    );
  }
  match(said["an image"] ?? "", /"image" is only for the runner "job"/);
  match(
    said["an unknown key"] ?? "",
    /"arg": unknown key; the nearest is "args"/,
  );
  match(
    said["another runner"] ?? "",
    /"runner": one of "process", "job" is needed/,
  );
  strictEqual(scriptKind.repeatable({ script: "true" }), false);
});

Deno.test("scriptKind.check() takes what upstream's producer sends", async () => {
  await scriptKind.check({
    manifests: null,
    script: "date",
    args: null,
    policy_rules: [],
  });
});

Deno.test("script.open() refuses an interpreter that is not there", async () => {
  const dir = await Deno.makeTempDir();
  const context = {
    signal: new AbortController().signal,
    log: silentLogger,
  };
  for (
    const [spec, why] of [
      ["sh", /must be like "python3=\/usr\/bin\/python3"/],
      ["none=/no/such/program", /"\/no\/such\/program" cannot be looked at/],
      ["dir=/usr", /"\/usr" is no file/],
    ] as const
  ) {
    await rejects(
      async () =>
        await script.open(
          await parse(configSchema, { dir, interpreters: [spec] }),
          context,
        ),
      why,
    );
  }
  await Deno.remove(dir);
});

testWays(
  "script runs with its arguments, variables and input, none of them interpreted",
  async (way) => {
    await using bench = await Bench.open({ confinement: way });
    const nasty = [
      `$(touch /tmp/x)`,
      "`id`",
      "a b",
      "it's",
      '"',
      "*",
      "\n",
      ";exit 9",
      "",
      "--",
      "-c",
      "ü",
    ];
    const { last, stdout, stderr } = await bench.run({
      script:
        'for arg; do printf "[%s]" "$arg"; done; printf "[%s]" "$FIRST" "$SECOND"; cat; ls /tmp',
      args: nasty,
      env: { FIRST: nasty.join("|"), SECOND: "'; touch /tmp/y; '" },
      stdin: "from stdin $(id)\n",
    });
    strictEqual(stderr, "");
    strictEqual(last.state, "completed");
    strictEqual(
      stdout,
      [...nasty, nasty.join("|"), "'; touch /tmp/y; '"].map((text) =>
        `[${text}]`
      ).join("") + "from stdin $(id)\n",
    );
  },
);

testWays(
  "script says how it ended, and tells its outputs apart",
  async (way) => {
    await using bench = await Bench.open({ confinement: way });
    const good = await bench.run("echo out; echo err >&2");
    deepStrictEqual([good.stdout, good.stderr], ["out\n", "err\n"]);
    const { completed_at: _, duration, ...result } = good.last.result ??
      { completed_at: "", duration: 0 };
    deepStrictEqual(result, {
      success: true,
      exit_code: 0,
      stdout_bytes: 4,
      stderr_bytes: 4,
      output_truncated: false,
    });
    ok(duration > 0);

    const bad = await bench.run("echo no such luck >&2; exit 3");
    strictEqual(bad.last.state, "failed");
    deepStrictEqual(bad.last.error, {
      code: "failed",
      message: 'The script ended with exit code 3, and said "no such luck"',
      details: { exit_code: 3 },
    });
    strictEqual(bad.last.result?.["exit_code"], 3);

    const killed = await bench.run("kill -KILL $$");
    strictEqual(
      killed.last.error?.message,
      "The script ended with signal SIGKILL",
    );
    strictEqual(killed.last.result?.["signal"], "SIGKILL");
  },
);

testWays(
  "script refuses an interpreter that the operator does not allow, and a program that was changed",
  async (way) => {
    const program = await Deno.realPath("/bin/sh");
    const digest = new Uint8Array(
      await crypto.subtle.digest("SHA-256", await Deno.readFile(program)),
    );
    await using bench = await Bench.open({
      confinement: way,
      interpreters: [
        `sh=/bin/sh@sha256:${digest.toHex()}`,
        `other=/bin/sh@sha256:${"0".repeat(64)}`,
      ],
    });
    strictEqual((await bench.run("true")).last.state, "completed");
    const absent = await bench.run({
      script: "print(1)",
      interpreter: "python3",
    });
    deepStrictEqual(absent.last.error, {
      code: "denied",
      message:
        'Cannot run a script with "python3": this agent has "sh", "other"',
    });
    const changed = await bench.run({ script: "true", interpreter: "other" });
    strictEqual(changed.last.error?.code, "denied");
    match(
      changed.last.error?.message ?? "",
      /is not the program that the operator of the agent allowed/,
    );
  },
);

testWays(
  "script is stopped at its timeout and when it is cancelled, and may clean up",
  async (way) => {
    await using bench = await Bench.open({
      confinement: way,
      timeout_max_ms: 60_000,
    });
    const late = await bench.run({
      script: "exec sleep 1000",
      timeout: "300ms",
    });
    deepStrictEqual([late.last.state, late.last.error], ["failed", {
      code: "timeout",
      message: "The script did not end within 300ms, and was stopped",
    }]);
    strictEqual(late.last.result?.["signal"], "SIGTERM");

    const abort = new AbortController();
    const cancelled = await bench.run(
      "trap 'echo cleaned; exit 0' TERM; echo begun; sleep 1000 & wait",
      {
        signal: abort.signal,
        onOutput: () => abort.abort(),
      },
    );
    strictEqual(cancelled.last.state, "cancelled");
    strictEqual(cancelled.stdout, "begun\ncleaned\n");

    const long = await bench.run({ script: "true", timeout: "2h" });
    strictEqual(long.last.error?.code, "denied");
    match(long.last.error?.message ?? "", /lets it run for 1m at most/);
  },
);

testWays(
  "script leaves nothing behind where it was started from",
  async (way) => {
    await using bench = await Bench.open({ confinement: way });
    await bench.run("true");
    deepStrictEqual(
      await Array.fromAsync(Deno.readDir(`${bench.dir}/script`)),
      [],
    );
  },
);

testWays(
  "script.open() refuses a data folder that scripts may read",
  async (way) => {
    const dir = `/usr/local/transporter-${crypto.randomUUID()}`;
    const config = await parse(configSchema, { dir, confinement: way });
    try {
      await rejects(
        async () => {
          await script.open(config, {
            signal: new AbortController().signal,
            log: silentLogger,
          });
        },
        (error: Error) =>
          /may read all that is in the system's folders/.test(error.message) ||
          error instanceof Deno.errors.PermissionDenied,
      );
    } finally {
      await Deno.remove(dir, { recursive: true }).catch(() => {});
    }
  },
);
