/**
 * An agent as a process of its own: what `transporter agent` is, with the
 * witness for an executor, and a clock that can be set while it runs.
 */
import { Agent } from "@transporter/agent";
import { type Clock, jsonLogger, systemClock } from "@transporter/sdk";
import { parseArgs } from "node:util";
import { dials } from "../../program/dials.ts";
import { Book, witness } from "./witness.ts";

const { values } = parseArgs({
  options: {
    "agent-id": { type: "string", default: "edge" },
    /** One or several, tried in turn. */
    "cp-url": { type: "string", multiple: true, default: [] },
    "data-dir": { type: "string", default: "" },
    /** The file of the witness. */
    witness: { type: "string", default: "" },
    /** How many attempts run at the same time. */
    concurrency: { type: "string", default: "8" },
    /** How the witness calls this process. */
    process: { type: "string", default: "edge-1" },
    /** A file with the milliseconds by which its clock is off; none: it is right. */
    "clock-offset": { type: "string" },
  },
});

/** How often the offset is looked up, in milliseconds. */
const LOOK_MS = 20;

const offsetFile = values["clock-offset"];
let offset = { ms: 0, readAt: -Infinity };
function offsetMs(): number {
  const readAt = systemClock.monotonic();
  if (offsetFile !== undefined && readAt - offset.readAt > LOOK_MS) {
    offset = { ms: Number(Deno.readTextFileSync(offsetFile)), readAt };
  }
  return offset.ms;
}

/** The time of day that this process believes in; how long things take is not affected. */
const clock: Clock = {
  now: () => systemClock.now() + offsetMs(),
  monotonic: () => systemClock.monotonic(),
  sleep: (ms, options) => systemClock.sleep(ms, options),
};

async function main(): Promise<number> {
  const { "agent-id": agentId, process } = values;
  using book = new Book(values.witness, { agent: agentId, process });
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  const log = jsonLogger({
    write: (line) =>
      Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)),
    clock: systemClock,
    level: "info",
  });
  await using agent = await Agent.open({
    agentId,
    cpUrl: values["cp-url"],
    dataDir: values["data-dir"],
    concurrency: Number(values.concurrency),
    drainTimeout: 3000,
    executors: [witness(book)],
    dials: dials(Deno.env.toObject(), { clock: systemClock, log }),
    clock,
    log,
  });
  await agent.run(stop.signal);
  return 0;
}

// As in main.ts: a socket that the runtime waits for does not keep the process.
Deno.exit(await main());
