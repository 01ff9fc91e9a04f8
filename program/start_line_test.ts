import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { config as agentConfig } from "@transporter/agent/config";
import { config as cpConfig, migrateConfig } from "@transporter/cp/config";
import { runCli, systemMachine } from "@transporter/cli";
import { demoConfig } from "./demo_config.ts";
import { pluginDesk } from "./plugin_desk.ts";
import { readStartLine, type StartLine } from "./start_line.ts";

const TABLES = { cp: cpConfig, agent: agentConfig };

/** The same line as the command line's library reads it. */
async function readByLibrary(
  args: readonly string[],
): Promise<StartLine | undefined> {
  let line: StartLine | undefined;
  const start =
    (part: StartLine["part"]) => ({ flags }: Pick<StartLine, "flags">) => {
      line = { part, flags };
      return Promise.resolve(0);
    };
  await runCli(args, {
    ...systemMachine(),
    kinds: [],
    publishers: {},
    plugins: pluginDesk({
      env: {},
      signal: new AbortController().signal,
      print: () => {},
      note: () => {},
      isTerminal: false,
    }),
    rights: () => Promise.resolve({ objects: [], notes: [] }),
    rightsOf: () =>
      Promise.resolve({
        cluster: undefined,
        username: "",
        rights: [],
        dangers: [],
        lacks: [],
      }),
    cpConfig,
    agentConfig,
    demoConfig,
    migrateConfig,
    signal: new AbortController().signal,
    starters: {
      cp: start("cp"),
      agent: start("agent"),
      demo: () => Promise.resolve(0),
      migrate: () => Promise.resolve(0),
    },
  });
  return line;
}

const LINES: readonly (readonly string[])[] = [
  ["cp"],
  ["cp", "--dev", "--listen", "127.0.0.1:0", "--data-dir=/tmp/a=b"],
  ["agent", "--agent-id", "edge-7", "--in-cluster"],
  [
    "agent",
    "--label",
    "a=b",
    "--label=c=d,e=f",
    "--cp-url",
    "ws://a/ws,ws://b/ws",
  ],
  ["agent", "--window", "4", "--drain-timeout", "1m"],
];

for (const args of LINES) {
  Deno.test(`readStartLine() agrees with the command line on "${args.join(" ")}"`, async () => {
    deepStrictEqual(readStartLine(args, TABLES), await readByLibrary(args));
  });
}

const LEFT: readonly (readonly string[])[] = [
  [],
  ["get", "events"],
  ["control-plane", "--dev"],
  ["cp", "--help"],
  ["cp", "--dev", "--dev"],
  ["cp", "--dev=true"],
  ["cp", "--listen"],
  ["cp", "--listen", "--dev"],
  ["cp", "--listen", "a:1", "--listen", "b:1"],
  ["cp", "--config", "file.yaml"],
  ["cp", "--agent-id", "x"],
  ["agent", "edge-7"],
  ["agent", "-v"],
];

for (const args of LEFT) {
  Deno.test(`readStartLine() leaves "${args.join(" ")}" to the command line`, () => {
    strictEqual(readStartLine(args, TABLES), undefined);
  });
}
