import { deepStrictEqual, throws } from "node:assert/strict";
import { config } from "./config.ts";

Deno.test("config reads every setting of an agent from flags and environment", () => {
  const { values, warnings } = config.read({
    flags: { agentId: "edge-1", label: ["team=payments"], drainTimeout: "1m" },
    env: {
      TP_AGENT_CP_URL: "ws://a/ws, wss://b/ws",
      TP_AGENT_HEARTBEAT_INTERVAL: "2s",
      TP_AGENT_TWICE: "true",
    },
  });
  deepStrictEqual(values.cpUrl, ["ws://a/ws", "wss://b/ws"]);
  deepStrictEqual([values.heartbeatInterval, values.drainTimeout], [
    2_000,
    60_000,
  ]);
  deepStrictEqual([values.agentId, values.label], ["edge-1", [
    "team=payments",
  ]]);
  deepStrictEqual([values.concurrency, values.window, values.inCluster], [
    24,
    64,
    false,
  ]);
  deepStrictEqual(warnings, [
    "The environment variable TP_AGENT_TWICE is not known",
  ]);
});

Deno.test("config refuses values that would stall an agent", () => {
  for (
    const flags of [
      { heartbeatInterval: "0s" },
      { concurrency: 0 },
      { window: "many" },
      { drainTimeout: "forever" },
    ]
  ) throws(() => config.read({ flags }), { code: "usage" });
});
