import { deepStrictEqual } from "node:assert/strict";
import { checkAgentBroker } from "./doctor_brokers.ts";

Deno.test("checkAgentBroker() says whether agents are served over their broker, and what to look at", () => {
  const broker = { urls: ["nats://a:4222", "nats://b:4222"], wires: 7 };
  const says = (
    ready: Readonly<Record<string, unknown>>,
  ) => [...checkAgentBroker(ready)];
  deepStrictEqual(says({}), []);
  deepStrictEqual(says({ agent_broker: { ...broker, connected: true } }), [{
    check: "agent broker",
    result: "ok",
    message: "Agents are served over nats://a:4222, nats://b:4222; 7 are there",
  }]);
  const away = { ...broker, connected: false, error: "Cannot\u001b[1m" };
  deepStrictEqual(says({ agent_broker: away }), [{
    check: "agent broker",
    result: "failed",
    message:
      "Agents are not served over nats://a:4222, nats://b:4222: Cannot\\u001b[1m",
    cure: "see the table of troubles in docs/nats.md",
  }]);
});
