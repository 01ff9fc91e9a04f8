import { deepStrictEqual } from "node:assert/strict";
import { CpProcess, submit, untilConnected, untilEnded } from "../system.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

const ROUNDS = 10;
const EVENTS = 30;

Deno.test("crash.accept.kill9 (F01): what was accepted while the agent was away survives kills of the control plane, and runs once", async () => {
  await using cp = await CpProcess.start();
  await using agent = await WitnessAgent.start("edge", cp.agentUrl);
  await untilConnected(cp.url, "edge"); // or events for it would be refused
  await agent.process.crash();

  const accepted: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const atOnce = Array.from({ length: EVENTS }, async (_, i) => {
      const id = `e${round}-${i}`;
      await submit(cp.url, witnessEvent(id));
      accepted.push(id);
    });
    // A random moment among its answers; those that it does not answer are sent again.
    await Promise.all(atOnce.slice(0, Math.floor(Math.random() * EVENTS)));
    await cp.crash();
    await cp.restart();
    await Promise.all(atOnce);
  }

  agent.process.restart();
  const ended = await untilEnded(cp.url);
  deepStrictEqual(
    ended.map(({ spec, state }) => `${spec.id} ${state}`).sort(),
    accepted.map((id) => `${id} completed`).sort(),
  );
  deepStrictEqual(
    (await agent.starts()).sort(),
    accepted.map((id) => `${id} 1`).sort(),
  );
});
