import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Clock } from "./clock.ts";
import { jsonLogger, type LogLevel } from "./log.ts";

const clock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: () => Promise.resolve(),
};

function logger(level: LogLevel = "info") {
  const lines: string[] = [];
  return {
    lines,
    log: jsonLogger({ write: (line) => lines.push(line), clock, level }),
  };
}

Deno.test("jsonLogger() writes one JSON object a line, with bound fields", () => {
  const { lines, log } = logger();
  log.with({ agent: "a" }).info("Agent connected\n", { gen: 3 });
  deepStrictEqual(lines, [
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"Agent connected\\n","agent":"a","gen":3}',
  ]);
});

Deno.test("jsonLogger() drops lines below its level", () => {
  const { lines, log } = logger("warn");
  log.debug("x");
  log.info("x");
  log.warn("y");
  log.error("z");
  strictEqual(lines.length, 2);
});

Deno.test("jsonLogger() writes no secret, however deep", () => {
  const { lines, log } = logger();
  const canary = "s3cr3t";
  log.info("x", {
    token: canary,
    headers: { Authorization: canary, cookie: canary },
    event: { payload: { manifests: [canary] }, id: "e1" },
    list: [{ db_password: canary, client_key_data: canary }],
    kubeconfig: { "client-key-data": canary, clientKeyData: canary },
    joinToken: canary,
  });
  ok(!lines[0]?.includes(canary), lines.join());
  ok(lines[0]?.includes('"id":"e1"'));
});

Deno.test("jsonLogger() writes no secret that is a part of a text", () => {
  const { lines, log } = logger();
  const canary = "eyJhbGciOiJSUzI1NiJ9.s3cr3t";
  log.info("x", {
    url: `wss://edge:${canary}@cp.example.com/ws`,
    header: `Authorization: Bearer ${canary}`,
    error: new Error(`Cannot dial "wss://${canary}@cp.example.com"`),
  });
  ok(!lines[0]?.includes(canary), lines.join());
  ok(lines[0]?.includes("wss://[redacted]@cp.example.com/ws"));
});

Deno.test("jsonLogger() lets no field stand in for the message", () => {
  const { lines, log } = logger();
  log.with({ time: "never", level: "debug" }).info("x", { message: "y" });
  deepStrictEqual(lines, [
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"x"}',
  ]);
});

Deno.test("jsonLogger() writes errors with code and cause, and bounds what is long or deep", () => {
  const { lines, log } = logger();
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  log.error("x", {
    error: Object.assign(new Error("outer", { cause: new Error("inner") }), {
      code: "internal",
    }),
    long: "x".repeat(100_000),
    big: 12n,
    cyclic,
  });
  const line = JSON.parse(lines[0] ?? "");
  deepStrictEqual(line.error.code, "internal");
  deepStrictEqual(line.error.cause.message, "inner");
  ok(line.long.length < 5000);
  strictEqual(line.big, "12");
});
