import { strictEqual } from "node:assert/strict";
import {
  CpProcess,
  dialUrl,
  submit,
  until,
  untilConnected,
  WIRE_NAMES,
} from "../system.ts";
import { WitnessAgent, witnessEvent } from "./witness_agent.ts";

const OUTAGES = 2;

for (const wire of WIRE_NAMES) {
  Deno.test(`agent.reconnect.forever (F22): an agent comes back by itself whenever its control plane does, and works (${wire})`, async () => {
    await using cp = await CpProcess.start();
    await using agent = await WitnessAgent.start("edge", dialUrl(cp.url, wire));
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
  });
}
