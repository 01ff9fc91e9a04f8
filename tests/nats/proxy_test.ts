import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { ForwardProxy } from "../forward_proxy.ts";
import { envOf, Ingress } from "../ingress.ts";
import { CpProcess, submit, until, untilConnected } from "../system.ts";
import { NatsServer } from "./server.ts";

Deno.test("an agent works through the proxy in HTTPS_PROXY, over the WebSocket form of NATS", async () => {
  await using nats = await NatsServer.start({ websocket: true });
  await using cp = await CpProcess.start({
    flags: ["--agent-broker", nats.url],
  });
  await using ingress = await Ingress.open(nats.websocketUrl);
  await using proxy = await ForwardProxy.open("tom:secret");
  const { host } = new URL(ingress.url);
  await using _agent = await WitnessAgent.startWith("edge", {
    cpUrls: [`nats+wss://${host}`],
    env: envOf({
      HTTPS_PROXY: proxy.url("tom:secret"),
      DENO_CERT: ingress.caFile,
    }),
  });
  await untilConnected(cp.url, "edge");
  await submit(cp.url, witnessEvent("e1"));
  await until(async () => {
    const answer = await fetch(`${cp.url}/v2/events/e1`);
    return (await answer.json()).state === "completed" || undefined;
  });
  deepStrictEqual([...new Set(proxy.asked)], [`CONNECT ${host}`]);
  strictEqual(proxy.turnedAway, 0);
});
