import { strictEqual } from "node:assert/strict";
import { type CpProcess, submit, until, untilConnected } from "../system.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

const OUTAGES = 2;

/**
 * Kills a control plane and starts it again, time after time: its agent has to
 * come back by itself, and to work.
 *
 * @param cp The control plane.
 * @param url Where the agent dials.
 */
export async function surviveOutages(
  cp: CpProcess,
  url: string,
): Promise<void> {
  await using agent = await WitnessAgent.start("edge", url);
  const { pid } = agent.process.program;
  for (let outage = 0; outage < OUTAGES; outage++) {
    await untilConnected(cp.url, "edge");
    await cp.crash();
    const failures = () =>
      agent.process.program.output.match(/"No connection to/g)?.length ?? 0;
    const before = failures();
    // Its link broke, and it has dialled in vain.
    await until(() => Promise.resolve(failures() > before + 1 || undefined));
    await cp.restart();
    await untilConnected(cp.url, "edge");
    const id = `e${outage}`;
    await submit(cp.url, witnessEvent(id));
    await until(async () => {
      const answer = await fetch(`${cp.url}/v2/events/${id}`);
      return (await answer.json()).state === "completed" || undefined;
    });
  }
  strictEqual(agent.process.program.pid, pid);
}
