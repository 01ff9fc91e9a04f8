import { defineConfig } from "@transporter/sdk";
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { Runtime } from "./runtime.ts";
import { readSettings, stateDir } from "./settings.ts";

for (
  const { env, wanted } of [
    { env: { XDG_STATE_HOME: "/x" }, wanted: "/x/transporter/cp" },
    { env: { XDG_STATE_HOME: "/x", HOME: "/h" }, wanted: "/x/transporter/cp" },
    { env: { HOME: "/h" }, wanted: "/h/.local/state/transporter/cp" },
    {
      env: { XDG_STATE_HOME: "", HOME: "/h" },
      wanted: "/h/.local/state/transporter/cp",
    },
    {
      env: { XDG_STATE_HOME: "x", HOME: "/h" },
      wanted: "/h/.local/state/transporter/cp",
    },
  ]
) {
  Deno.test(`stateDir() follows ${JSON.stringify(env)}`, () => {
    strictEqual(stateDir(env as Record<string, string>, "cp"), wanted);
  });
}

for (const env of [{}, { HOME: "" }, { XDG_STATE_HOME: "x" }]) {
  Deno.test(`stateDir() says what to do with ${JSON.stringify(env)}`, () => {
    throws(() => stateDir(env as Record<string, string>, "cp"), {
      code: "usage",
      message:
        "Cannot choose a data folder as neither XDG_STATE_HOME nor HOME is set: name one with --data-dir",
    });
  });
}

const config = defineConfig("cp", {
  listen: { kind: "string", default: "127.0.0.1:8080", help: "Where" },
  drainTimeout: { kind: "duration", default: "10s", help: "How long" },
});

/** A runtime that keeps its notes. */
function runtimeOf(
  env: Readonly<Record<string, string>>,
): { readonly runtime: Runtime; readonly notes: string[] } {
  const notes: string[] = [];
  const runtime: Runtime = {
    env,
    signal: new AbortController().signal,
    print: () => {},
    note: (text) => notes.push(text),
    isTerminal: false,
  };
  return { runtime, notes };
}

Deno.test("readSettings() warns once of each variable that looks like a setting and is none", () => {
  const { runtime, notes } = runtimeOf({
    TP_CP_LISTEN: ":1",
    TP_CP_LISTN: ":2",
    TP_CP_DRAIN: "1s",
    TP_URL: "http://localhost",
  });
  strictEqual(readSettings(config, { flags: {} }, runtime).listen, ":1");
  deepStrictEqual(notes, [
    "warning: The environment variable TP_CP_LISTN is not known: did you mean TP_CP_LISTEN?\n",
    "warning: The environment variable TP_CP_DRAIN is not known\n",
  ]);
});

Deno.test("readSettings() lets a flag win over the environment, and that over the file", () => {
  const { runtime, notes } = runtimeOf({
    TP_CP_LISTEN: ":2",
    TP_CP_DRAIN_TIMEOUT: "2s",
  });
  const file = { listen: ":3", "drain-timeout": "3s" };
  const values = readSettings(config, {
    flags: { listen: ":1" },
    file,
  }, runtime);
  deepStrictEqual(values, { listen: ":1", drainTimeout: 2_000 });
  deepStrictEqual(notes, []);
});

Deno.test("readSettings() throws usage for a value that does not fit", () => {
  const { runtime } = runtimeOf({ TP_CP_DRAIN_TIMEOUT: "soon" });
  throws(() => readSettings(config, { flags: {} }, runtime), {
    code: "usage",
    message: /TP_CP_DRAIN_TIMEOUT.*"soon"/,
  });
});
