import { deepStrictEqual, throws } from "node:assert/strict";
import { readUp } from "./protocol.ts";

Deno.test("readUp() reads what a plugin may say", () => {
  const error = { code: "denied", message: "No" };
  for (
    const message of [
      { t: "opened", type: "greet", version: "1.0.0" },
      { t: "refused", error },
      { t: "done", id: 1, value: null },
      { t: "failed", id: 1, error },
      { t: "report", n: 1, message: "a" },
      { t: "report", n: 1, message: "a", details: { progress: 1 } },
      { t: "output", stream: "stderr", text: "a" },
      { t: "secret", n: 1, name: "token" },
      { t: "log", level: "warn", message: "a", fields: {} },
    ]
  ) deepStrictEqual(readUp(JSON.stringify(message)), message);
});

for (
  const json of [
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"t":"toString"}',
    '{"t":"done"}',
    '{"t":"done","id":"1"}',
    '{"t":"failed","id":1,"error":"No"}',
    '{"t":"report","n":1,"message":"a","details":"b"}',
    '{"t":"failed","id":1,"error":{"code":1,"message":"No"}}',
    '{"t":"secret","n":1,"name":{}}',
    '{"t":"output","stream":"stdin","text":""}',
    '{"t":"log","level":"fatal","message":"","fields":{}}',
    '{"t":"log","level":"info","message":"","fields":[]}',
  ]
) {
  Deno.test(`readUp() refuses ${json || "nothing"}`, () => {
    throws(() => readUp(json), { code: "plugin_failed" });
  });
}
