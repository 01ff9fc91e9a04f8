import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { config, isLoopback, parseListen } from "./config.ts";

Deno.test("config has a value for all but files, folders and others' addresses", () => {
  const { values } = config.read({});
  const unset = Object.entries(values).filter(([, value]) =>
    value === undefined
  );
  deepStrictEqual(unset.map(([name]) => name).sort(), [
    "dataDir",
    "redisCaFile",
    "redisPasswordFile",
    "replicaName",
    "resultsSecretFile",
  ]);
  strictEqual(values.listen, "127.0.0.1:8080");
  strictEqual(values.store, "sqlite:transporter.db");
  strictEqual(values.dev, false);
  strictEqual(values.heartbeatInterval, 10_000);
  strictEqual(values.retention, 7 * 24 * 3600_000);
});

Deno.test("parseListen() takes names, addresses and what is printed", () => {
  const cases = {
    "127.0.0.1:8080": { host: "127.0.0.1", port: 8080 },
    "localhost:0": { host: "localhost", port: 0 },
    "[::1]:65535": { host: "::1", port: 65535 },
    "http://127.0.0.1:8080": { host: "127.0.0.1", port: 8080 },
    "http://[::1]:1/": { host: "::1", port: 1 },
  };
  for (const [text, address] of Object.entries(cases)) {
    deepStrictEqual(parseListen(text), address);
  }
});

Deno.test("parseListen() refuses what is no address", () => {
  for (
    const text of [
      "",
      "8080",
      ":8080",
      "localhost",
      "localhost:65536",
      "localhost:-1",
      "::1:80",
      "https://localhost:1",
      "a:1/path",
    ]
  ) {
    throws(() => parseListen(text), { code: "usage" }, text);
  }
});

Deno.test("isLoopback() knows this machine from others", () => {
  for (
    const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"]
  ) {
    strictEqual(isLoopback(host), true, host);
  }
  for (
    const host of [
      "0.0.0.0",
      "::",
      "10.0.0.1",
      "localhost.evil",
      "127.0.0.1.nip.io",
      "",
    ]
  ) {
    strictEqual(isLoopback(host), false, host);
  }
});
