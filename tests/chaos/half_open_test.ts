import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { TcpProxy } from "../tcp_proxy.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

/** A control plane that gives a link up within a second and not within 45, and a link that can fall silent. */
async function open(): Promise<
  AsyncDisposable & { cp: CpProcess; proxy: TcpProxy; agentUrl: string }
> {
  await using stack = new AsyncDisposableStack();
  const cp = stack.use(
    await CpProcess.start({
      flags: ["--heartbeat-interval", "200ms", "--idle-timeout", "1s"],
    }),
  );
  const proxy = stack.use(
    await TcpProxy.open({
      hostname: "127.0.0.1",
      port: Number(new URL(cp.url).port),
    }),
  );
  const agentUrl = `ws://127.0.0.1:${proxy.port}/ws`;
  const held = stack.move();
  return {
    cp,
    proxy,
    agentUrl,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

Deno.test("halfopen.45s (F28): both sides give up a link that fell silent, and what was on it is delivered over the next one", async () => {
  await using bench = await open();
  const { cp, proxy, agentUrl } = bench;
  await using agent = await WitnessAgent.start("edge", agentUrl);
  await untilConnected(cp.url, "edge");
  proxy.freeze();
  await submit(cp.url, witnessEvent("e1")); // which is released into the silence
  const event = await until(async () => {
    const answer = await fetch(`${cp.url}/v2/events/e1`);
    const event = await answer.json();
    return event.finished_at === undefined ? undefined : event;
  });
  strictEqual(event.state, "completed", JSON.stringify(event));
  deepStrictEqual(await agent.starts(), ["e1 1"]);
  match(agent.process.program.output, /"No connection to the control plane"/);
  // By the silence, or by the agent's next session, whichever comes first.
  await cp.program.line(
    /"Session is over".*"gen":1,"reason":"(?:timeout|superseded)"/,
  );
});

Deno.test("halfopen.45s (F28): SIGTERM ends an agent that left such a link behind", async () => {
  await using bench = await open();
  const { cp, proxy, agentUrl } = bench;
  const kubeconfig = await Deno.makeTempFile();
  await Deno.writeTextFile(kubeconfig, JSON.stringify(NOBODY));
  await using agent = await AgentProcess.start("edge", {
    cpUrl: agentUrl,
    flags: ["--kubeconfig", kubeconfig],
  });
  await untilConnected(cp.url, "edge");
  proxy.freeze();
  await agent.program.line(/"message":"No connection to the control plane"/);
  await untilConnected(cp.url, "edge");
  agent.program.kill("SIGTERM");
  const { code } = await agent.program.status();
  strictEqual(code, 0, agent.program.output);
  await Deno.remove(kubeconfig);
});

/** A kubeconfig of a cluster that does not exist, which is asked for nothing. */
const NOBODY = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "none", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "nobody", user: { token: "none" } }],
  contexts: [{ name: "none", context: { cluster: "none", user: "nobody" } }],
  "current-context": "none",
};
