import { strictEqual } from "node:assert/strict";
import { FLAGS } from "../script/testing.ts";
import { AgentProcess, CpProcess, submit, untilConnected } from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { cpuMs } from "./process.ts";

/** Lines that are written one after the other. */
const LINES = 300;

/** Lines that are written after a silence. */
const LATE = 5;

/** How long the silence is, in seconds: whoever follows looks less often by then. */
const SILENCE = 12;

/** Writes when it writes; a twentieth of a second passes between two lines, more or less. */
const SCRIPT = `
for i in $(seq ${LINES}); do
  echo $EPOCHREALTIME
  sleep 0.0$((RANDOM % 90 + 10))
done
for i in $(seq ${LATE}); do
  sleep ${SILENCE}.$((RANDOM % 10))
  echo $EPOCHREALTIME
done`;

/** How old each line is when `transporter logs -f` prints it, in milliseconds. */
async function follow(
  { script, url, id }: {
    readonly script: string;
    readonly url: string;
    readonly id: string;
  },
): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, "logs", "-f", id, "--cp-url", url],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const ages: number[] = [];
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const now = Date.now();
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    ages.push(...lines.map((line) => now - Number(line) * 1_000));
  }
  strictEqual((await child.status).success, true);
  return ages;
}

/** From a line that a script writes to whoever follows it. */
export async function logs(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  await using agent = await AgentProcess.start("bench", {
    ...{ cpUrl: cp.agentUrl, script },
    flags: FLAGS,
  });
  await untilConnected(cp.url, "bench");
  const id = crypto.randomUUID();
  await submit(cp.url, {
    ...{ id, type: "script", target_agent: "bench" },
    payload: { script: SCRIPT, interpreter: "bash", timeout: "5m" },
  });
  const ages = await follow({ script, url: cp.url, id });
  strictEqual(ages.length, LINES + LATE);
  const ofCp = await cpuMs(cp.program.pid);
  const ofAgent = await cpuMs(agent.program.pid);
  const early = ages.slice(0, LINES);
  const p50 = percentile(early, 0.5);
  return [
    {
      what: "a line from a script's stdout to `logs -f`, p99",
      value: percentile(early, 0.99),
      unit: "ms",
      bar: { atMost: 200 },
      peer: PEERS.none,
      note: `p50 ${
        p50.toFixed(0)
      } ms; in all ${ofCp} ms of CPU time of the control plane, ${ofAgent} of the agent`,
      also: {
        p50_ms: p50,
        control_plane_cpu_ms: ofCp,
        agent_cpu_ms: ofAgent,
      },
    },
    {
      what: `the same after ${SILENCE} s without a line, at most`,
      value: Math.max(...ages.slice(LINES)),
      unit: "ms",
      bar: { atMost: 200 },
      peer: PEERS.none,
      note: `${LATE} lines`,
    },
  ];
}
