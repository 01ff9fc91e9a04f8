import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  CpProcess,
  listEvents,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { surviveOutages } from "../chaos/outages.ts";
import { NatsServer } from "./server.ts";

/** A control plane that serves agents over a server as well, with a heart that beats fast. */
function startCp(nats: NatsServer): Promise<CpProcess> {
  return CpProcess.start({
    flags: [
      ...["--agent-broker", nats.url],
      ...["--heartbeat-interval", "500ms", "--idle-timeout", "3s"],
    ],
  });
}

/** Waits until all events of the control plane have completed. */
async function untilCompleted(url: string, count: number): Promise<void> {
  await until(async () => {
    const events = await listEvents(url);
    const done = events.filter(({ state }) => state === "completed");
    return done.length === count || undefined;
  });
}

Deno.test("an agent over NATS loses nothing and runs nothing twice when its control plane, the server and it itself are killed", async () => {
  await using nats = await NatsServer.start();
  await using cp = await startCp(nats);
  await using agent = await WitnessAgent.start("edge", nats.url);
  await untilConnected(cp.url, "edge");
  let sent = 0;
  async function more(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await submit(
        cp.url,
        witnessEvent(`e${sent++}`, { repeatable: false, ms: 5 }),
      );
    }
  }
  await more();
  await nats.crash();
  await more();
  await nats.restart();
  await more();
  await cp.crash();
  await cp.restart();
  await more();
  nats.signal("SIGSTOP");
  await more();
  nats.signal("SIGCONT");
  await untilCompleted(cp.url, sent);
  await agent.process.crash();
  await more();
  agent.process.restart();
  await untilCompleted(cp.url, sent);
  const starts = await agent.starts();
  deepStrictEqual(
    starts.sort(),
    Array.from({ length: sent }, (_, i) => `e${i} 1`).sort(),
  );
});

Deno.test("a control plane tells in /readyz, in its metrics and in its log whether its broker is there", async () => {
  await using nats = await NatsServer.start();
  await using cp = await startCp(nats);
  async function broker(): Promise<Record<string, unknown>> {
    const answer = await fetch(`${cp.url}/readyz`);
    strictEqual(answer.status, 200);
    return (await answer.json()).agent_broker;
  }
  await until(async () => (await broker())["connected"] === true || undefined);
  await using _agent = await WitnessAgent.start("edge", nats.url);
  await untilConnected(cp.url, "edge");
  deepStrictEqual(await broker(), {
    urls: [nats.url],
    wires: 1,
    connected: true,
  });
  const shown = await fetch(`${cp.url}/v2/agents/edge`);
  strictEqual((await shown.json()).carrier, "nats");
  const metrics = await (await fetch(`${cp.url}/metrics`)).text();
  match(metrics, /transporter_agent_broker_connected_bool 1/);
  match(metrics, /transporter_agent_broker_wires_open 1/);
  await nats.crash();
  const { error } = await until(async () => {
    const found = await broker();
    return found["connected"] === false ? found : undefined;
  });
  match(String(error), /NATS/);
  await cp.program.line(/Agents are not served over NATS/);
  const gone = await (await fetch(`${cp.url}/metrics`)).text();
  match(gone, /transporter_agent_broker_connected_bool 0/);
  ok(gone.includes("transporter_agent_broker_wires_open 0"));
});

Deno.test("a control plane without rights at its broker says so in one sentence, and lives", async () => {
  await using nats = await NatsServer.start({
    config: "authorization { users: [{ user: cp, password: right }] }",
  });
  await using cp = await CpProcess.start({
    flags: ["--agent-broker", nats.url.replace("//", "//cp:wrong@")],
  });
  await cp.program.line(/does not accept the credentials: see to/);
  ok(!cp.program.output.includes("wrong"));
  const answer = await fetch(`${cp.url}/readyz`);
  strictEqual((await answer.json()).agent_broker.connected, false);
});

Deno.test("agent.reconnect.forever (F22): an agent comes back by itself whenever its control plane does, and works (nats)", async () => {
  await using nats = await NatsServer.start();
  await using cp = await startCp(nats);
  await surviveOutages(cp, nats.url);
});
