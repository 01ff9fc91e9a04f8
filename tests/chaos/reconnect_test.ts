import { CpProcess, dialUrl, WIRE_NAMES } from "../system.ts";
import { surviveOutages } from "./outages.ts";

for (const wire of WIRE_NAMES) {
  Deno.test(`agent.reconnect.forever (F22): an agent comes back by itself whenever its control plane does, and works (${wire})`, async () => {
    await using cp = await CpProcess.start();
    await surviveOutages(cp, dialUrl(cp.url, wire));
  });
}
