/**
 * An agent as a process of its own, for a test that kills it. Each start of an
 * attempt is a line `id attempt` of the witness file, written before anything
 * else happens.
 *
 * Arguments: the URL of the control plane, the data folder, the witness file.
 */
import { Agent } from "@transporter/agent";
import { dialWebSocket } from "@transporter/sdk/websocket";
import { witness } from "../../agent/testing/witness.ts";

const [url = "", dataDir = "", file = ""] = Deno.args;

const executor = witness(
  (start) => Deno.writeTextFileSync(file, `${start}\n`, { append: true }),
  {
    apply: ({ ms }) =>
      new Promise((resolve) => setTimeout(resolve, Number(ms))),
    keys: ({ key }) => [String(key)],
  },
);

await using agent = await Agent.open({
  agentId: "edge",
  cpUrl: [url],
  dataDir,
  executors: [executor],
  dials: { ws: dialWebSocket },
  rng: { next: () => 0.1 },
});
const stop = new AbortController();
Deno.addSignalListener("SIGTERM", () => stop.abort());
await agent.run(stop.signal);
