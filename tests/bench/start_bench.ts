import { strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { Program } from "../program.ts";
import { AgentProcess, CpProcess } from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import { memoryMb } from "./process.ts";
import { PEERS } from "./peers.ts";

/** How long a process rests before its memory is read, in milliseconds. */
const REST_MS = 60_000;

/** From the start of `demo --once` to exit 0, with the API server built already. */
export async function demo(): Promise<Figure[]> {
  const startedAt = performance.now();
  await using program = Program.start(["demo", "--once"]);
  const { code } = await program.status();
  const seconds = (performance.now() - startedAt) / 1000;
  strictEqual(code, 0, program.output);
  return [{
    what: "`demo --once`, start to exit 0",
    value: seconds,
    unit: "s",
    bar: { atMost: 12 },
    peer: PEERS.none,
  }];
}

/** How long the bundled programs take until they serve, and until they are connected. */
export async function start(
  kube: LocalKube,
  script: string,
): Promise<Figure[]> {
  const cpMs: number[] = [];
  const agentMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const cpStartedAt = performance.now();
    await using cp = await CpProcess.start({ script });
    cpMs.push(performance.now() - cpStartedAt);
    const agentStartedAt = performance.now();
    await using agent = await AgentProcess.start("bench", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kube.kubeconfig],
      script,
    });
    await agent.program.line(/"message":"Connected"/);
    agentMs.push(performance.now() - agentStartedAt);
  }
  const bar = { atMost: 500 };
  const note = "bundled, median of 5";
  return [
    {
      what: "control plane ready after start",
      value: percentile(cpMs, 0.5),
      unit: "ms",
      bar,
      peer: PEERS.none,
      note,
    },
    {
      what: "agent connected after start",
      value: percentile(agentMs, 0.5),
      unit: "ms",
      bar,
      peer: PEERS.none,
      note,
    },
  ];
}

/**
 * Memory of the bundled programs, connected to each other and idle for a
 * minute: at their first start on a machine, when the runtime has to read all
 * that they load more closely, and at the next one.
 */
export async function idle(kube: LocalKube, script: string): Promise<Figure[]> {
  const serviceAccountDir = await kube.serviceAccountDir("default");
  const cache = await Deno.makeTempDir({ prefix: "transporter-bench-" });
  try {
    const options = { script, serviceAccountDir, cache, kube };
    return [
      ...await rest("first start on a machine", options),
      ...await rest("any later start", options),
    ];
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

/** The same, of one start. */
async function rest(
  when: string,
  { kube, script, serviceAccountDir, cache }: {
    readonly kube: LocalKube;
    readonly script: string;
    readonly serviceAccountDir: string;
    /** What the runtime remembers of what it has read. */
    readonly cache: string;
  },
): Promise<Figure[]> {
  const env = { DENO_DIR: cache };
  await using cp = await CpProcess.start({ script, env });
  await using agent = await AgentProcess.start("bench", {
    cpUrl: cp.agentUrl,
    flags: ["--in-cluster", "--service-account-dir", serviceAccountDir],
    env: {
      ...env,
      KUBERNETES_SERVICE_HOST: kube.server.hostname,
      KUBERNETES_SERVICE_PORT: kube.server.port,
    },
    script,
  });
  // Not by asking the control plane: that would be traffic, and this is about rest.
  await agent.program.line(/"message":"Connected"/);
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const note = `bundled, after a minute, ${when}`;
  return [
    {
      what: "agent idle, in-cluster credentials",
      value: await memoryMb(agent.program.pid, "VmRSS"),
      unit: "MB",
      bar: { atMost: 60 },
      peer: PEERS.agentMemory,
      note,
    },
    {
      what: "control plane idle",
      value: await memoryMb(cp.program.pid, "VmRSS"),
      unit: "MB",
      bar: { atMost: 80 },
      peer: PEERS.controlPlaneMemory,
      note,
    },
  ];
}
