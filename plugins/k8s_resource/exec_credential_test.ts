import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { formatTime, TransporterError } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { type ExecCommand, execCredential } from "./exec_credential.ts";

const API_VERSION = "client.authentication.k8s.io/v1";

/** A credential plugin that runs a shell script. */
function shell(script: string, rest: Partial<ExecCommand> = {}): ExecCommand {
  return {
    apiVersion: API_VERSION,
    command: "/bin/sh",
    args: ["-c", script],
    env: {},
    ...rest,
  };
}

function prints(status: unknown): string {
  return `echo '${
    JSON.stringify({ apiVersion: API_VERSION, kind: "ExecCredential", status })
  }'`;
}

Deno.test("execCredential() keeps a credential until a minute before it ends", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const clock = new TestClock();
    const runs = join(dir, "runs");
    const end = formatTime(clock.now() + 600_000);
    const get = execCredential(
      shell(
        `echo "$WHO $KUBERNETES_EXEC_INFO" >> ${runs}; ${
          prints({ token: "t", expirationTimestamp: end })
        }`,
        {
          env: { WHO: "me" },
          cluster: () => Promise.resolve({ server: "https://here" }),
        },
      ),
      clock,
    );
    deepStrictEqual(await get(), {
      token: "t",
      cert: undefined,
      key: undefined,
    });
    await clock.advance(539_999);
    await get();
    const lines = async () =>
      (await Deno.readTextFile(runs)).trim().split("\n");
    deepStrictEqual(await lines(), [
      `me {"apiVersion":"${API_VERSION}","kind":"ExecCredential","spec":{"interactive":false,"cluster":{"server":"https://here"}}}`,
    ]);
    await clock.advance(1);
    await get();
    strictEqual((await lines()).length, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

const REFUSED: Readonly<Record<string, readonly [ExecCommand, RegExp]>> = {
  "a plugin that fails": [
    shell("echo first >&2; echo 'please log in' >&2; exit 3"),
    /it ended with 3 and said "please log in"$/,
  ],
  "a plugin that fails silently": [shell("exit 1"), /it ended with 1$/],
  "a plugin that prints no JSON": [
    shell("echo hello"),
    /what it printed is no JSON$/,
  ],
  "a plugin that prints something else": [
    shell("echo '{}'"),
    /no "ExecCredential"/,
  ],
  "a plugin that prints nothing of use": [
    shell(prints({ token: "" })),
    /neither a token nor a certificate$/,
  ],
  "a plugin that is not there": [
    shell("", {
      command: "transporter-no-such-plugin",
      installHint: "get it from example.com",
    }),
    /Cannot find the credential plugin "transporter-no-such-plugin" .*: install it: get it from example.com$/,
  ],
};

Deno.test("execCredential() says what is wrong with a plugin", async (t) => {
  for (const [name, [command, message]] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      const error = await execCredential(command, new TestClock())().then(
        () => undefined,
        (reason) => reason,
      );
      if (!(error instanceof TransporterError)) throw error;
      strictEqual(error.code, "unauthenticated");
      match(error.message, message);
    });
  }
});

Deno.test("execCredential() gives up a plugin that does not end", async () => {
  const clock = new TestClock();
  const running = execCredential(shell("exec sleep 1000"), clock)().catch((
    error,
  ) => error);
  while (clock.sleeping === 0) await Promise.resolve();
  await clock.advance(60_000);
  match((await running).message, /it ended with/);
});
