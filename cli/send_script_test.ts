import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { accepted } from "./testing/fixtures.ts";
import { run } from "./testing/host.ts";
import { ScriptedServer } from "./testing/server.ts";

const FILES = {
  "check.sh": "date\n",
  "check.py": "#!/usr/bin/env python3\nprint(1)\n",
  "check.bash": "#!/bin/bash -e\ndate\n",
  "input.txt": "some input\n",
  "folder/a.yaml": "a: 1\n",
};

/** Sends a script with these flags. */
async function send(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  await using server = new ScriptedServer().on(
    "POST /v2/events",
    () => Response.json(accepted({}), { status: 202 }),
  );
  const { code, stderr } = await run(
    ["send", "script", "--agent", "edge-7", ...flags],
    { url: server.url, files: FILES, env },
  );
  const body = server.requests[0]?.body as
    | { readonly type: string; readonly payload: unknown }
    | undefined;
  return { code, stderr, type: body?.type, payload: body?.payload };
}

Deno.test("send script puts all that it was given into the payload", async () => {
  const { code, type, payload } = await send([
    "-f",
    "check.sh",
    "--interpreter",
    "bash",
    "--env",
    "STAGE=a=b",
    "--env",
    "EMPTY=",
    "--secret",
    "TOKEN",
    "--stdin",
    "input.txt",
    "--script-timeout",
    "90s",
    "--runner",
    "job",
    "--image",
    "busybox:1",
    "--permission",
    "env",
    "--permission",
    "net=a:443",
    "--",
    "--wait",
    "two words",
  ], { TOKEN: "s3cret" });
  strictEqual(code, 0);
  strictEqual(type, "script");
  deepStrictEqual(payload, {
    script: "date\n",
    args: ["--wait", "two words"],
    interpreter: "bash",
    env: { STAGE: "a=b", EMPTY: "", TOKEN: { secret: "s3cret" } },
    stdin: "some input\n",
    timeout: "1m30s",
    runner: "job",
    image: "busybox:1",
    permissions: ["env", "net=a:443"],
  });
});

Deno.test("send script takes the interpreter from the first line, and else leaves it to the agent", async () => {
  const interpreters = [];
  for (const file of ["check.py", "check.bash", "check.sh"]) {
    const { payload } = await send(["-f", file]);
    interpreters.push((payload as { interpreter?: string }).interpreter);
  }
  deepStrictEqual(interpreters, ["python3", "bash", undefined]);
});

Deno.test("send script refuses what does not go together, and sends nothing", async () => {
  for (
    const [flags, why] of [
      [["--stdin", "folder"], /it is a folder, and one file is needed/],
      [["--secret", "TOKEN"], /no such variable in the environment/],
      [["--env", "A=1", "--env", "A=2"], /Cannot use --env "A" twice/],
      [["--env", "=a"], /it must be like "STAGE=production"/],
      [
        ["--logs", "--agent", "edge-8"],
        /Cannot use --logs with several agents/,
      ],
      [["--logs", "-o", "json"], /Cannot use --logs with -o/],
    ] as const
  ) {
    const { code, stderr, payload } = await send(["-f", "check.sh", ...flags]);
    strictEqual(code, 2, stderr);
    match(stderr, why);
    strictEqual(payload, undefined);
  }
  const twice = await send(["-f", "-", "--stdin", "-"]);
  match(twice.stderr, /standard input can be read once/);
  const both = await send(
    ["-f", "check.sh", "--env", "TOKEN=a", "--secret", "TOKEN"],
    { TOKEN: "s3cret" },
  );
  match(both.stderr, /Cannot use both --env and --secret for "TOKEN"/);
});
