import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { type ConfigOf, defineConfig } from "./config.ts";

const config = defineConfig("cp", {
  listen: {
    kind: "string",
    default: "127.0.0.1:8080",
    help: "Address to serve on",
  },
  dataDir: {
    kind: "string",
    placeholder: "DIR",
    help: "Where records are kept",
  },
  dev: { kind: "boolean", help: "No access control" },
  drainTimeout: {
    kind: "duration",
    default: "30s",
    max: "10m",
    help: "Time to finish",
  },
  label: { kind: "list", placeholder: "K=V", help: "Labels" },
  window: {
    kind: "integer",
    default: 8,
    min: 1,
    max: 64,
    help: "Events at a time",
  },
  logLevel: {
    kind: "choice",
    choices: ["debug", "info"],
    default: "info",
    help: "What is logged",
  },
});

Deno.test("Config.read() takes flag before environment before file before default", () => {
  const file = {
    listen: "file:1",
    "data-dir": "/file",
    window: 3,
    "drain-timeout": "1m",
  };
  const env = {
    TP_CP_LISTEN: "env:1",
    TP_CP_DATA_DIR: "/env",
    TP_CP_DEV: "true",
  };
  const { values } = config.read({
    flags: { listen: "flag:1", label: ["a=b"] },
    env,
    file,
  });
  deepStrictEqual(values, {
    listen: "flag:1",
    dataDir: "/env",
    dev: true,
    drainTimeout: 60_000,
    label: ["a=b"],
    window: 3,
    logLevel: "info",
  });
});

Deno.test("Config.read() says of each value where it came from, and nothing of defaults", () => {
  const { given } = config.read({
    flags: { listen: "a:1" },
    env: { TP_CP_LISTEN: "b:1", TP_CP_LABEL: "k=v" },
    file: { "data-dir": "/a", label: ["a=b"], dev: null },
  });
  deepStrictEqual([...given], [
    ["listen", "--listen"],
    ["dataDir", "the file's data-dir"],
    ["label", "TP_CP_LABEL"],
  ]);
});

Deno.test("Config.read() types its values", () => {
  const values: ConfigOf<typeof config> = config.read({}).values;
  const timeoutMs: number = values.drainTimeout;
  const folder: string | undefined = values.dataDir;
  const level: "debug" | "info" = values.logLevel;
  deepStrictEqual([timeoutMs, folder, level], [30_000, undefined, "info"]);
});

const BAD: readonly [
  name: string,
  sources: Parameters<typeof config.read>[0],
  says: RegExp,
][] = [
  [
    "a flag out of range",
    { flags: { window: "65" } },
    /--window "65".*from 1 to 64/,
  ],
  ["a flag that is no number", { flags: { window: "1e2" } }, /--window/],
  [
    "a variable that is no boolean",
    { env: { TP_CP_DEV: "yes" } },
    /TP_CP_DEV "yes"/,
  ],
  [
    "a duration beyond its bound",
    { flags: { drainTimeout: "1h" } },
    /from 0s to 10m/,
  ],
  [
    "a duration without a unit",
    { file: { "drain-timeout": 30 } },
    /drain-timeout "30"/,
  ],
  [
    "a choice that is none",
    { flags: { logLevel: "loud" } },
    /one of debug, info/,
  ],
  [
    "an unknown key",
    { file: { lisen: "x" } },
    /"lisen" is not known: did you mean "listen"\?$/,
  ],
  [
    "a camelCase key",
    { file: { dataDir: "x" } },
    /"dataDir" is not known: did you mean "data-dir"\?$/,
  ],
  ["a key like no other", { file: { foo: 1 } }, /"foo" is not known$/],
  ["a file that is a list", { file: [] }, /must be a mapping/],
];

for (const [name, sources, says] of BAD) {
  Deno.test(`Config.read() refuses ${name}`, () => {
    throws(() => config.read(sources), (error: Error & { code?: string }) => {
      strictEqual(error.code, "usage");
      ok(says.test(error.message), error.message);
      return true;
    });
  });
}

Deno.test("Config.read() warns of an unknown variable", () => {
  const { warnings } = config.read({
    env: { TP_CP_LISEN: "x", TP_AGENT_ID: "x", PATH: "x" },
  });
  deepStrictEqual(warnings, [
    "The environment variable TP_CP_LISEN is not known: did you mean TP_CP_LISTEN?",
  ]);
});

Deno.test("Config.markdown() and Config.jsonSchema() name every setting", () => {
  const page = config.markdown();
  ok(
    page.includes(
      "| `--drain-timeout DURATION` | `TP_CP_DRAIN_TIMEOUT` | `30s` | Time to finish |",
    ),
  );
  deepStrictEqual(
    Object.keys(config.jsonSchema()["properties"] as object),
    [
      "listen",
      "data-dir",
      "dev",
      "drain-timeout",
      "label",
      "window",
      "log-level",
    ],
  );
});
