import { type Entry } from "../history/entry.ts";
import { judge, type Verdict } from "../history/judge.ts";
import { AgentNode } from "./agent.ts";
import { poisonAmbient } from "./ambient.ts";
import { Api } from "./api.ts";
import { ControlPlaneNode } from "./control_plane.ts";
import { Nemesis } from "./faults.ts";
import { Loop, type TraceLine } from "./loop.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Observer } from "./observer.ts";
import { Random } from "./random.ts";
import { Reader } from "./reader.ts";
import { Workload } from "./workload.ts";

/** How long faults happen, in milliseconds. */
const CHAOS_MS = 60_000;

/**
 * How long after the last fault everything has ended, in milliseconds: a
 * connection that nobody knows is broken is given up after 45 s, an agent that
 * was replaced stays away for 60 s, and work takes its time.
 */
const SETTLE_MS = 300_000;

/** How long it is watched after that, in milliseconds. */
const AFTERMATH_MS = 15_000;

/** How a run is done. */
export interface RunOptions {
  /** Decides everything. */
  readonly seed: number;
  /** Takes what happens, line by line. */
  readonly trace?: TraceLine;
}

/** What came of a run. */
export interface Outcome {
  /** The seed. */
  readonly seed: number;
  /** The same seed, the same hash. */
  readonly hash: string;
  /** How many things happened. */
  readonly steps: number;
  /** How long it was, in simulated milliseconds. */
  readonly simulatedMs: number;
  /** What was seen. */
  readonly history: readonly Entry[];
  /** What it is worth. */
  readonly verdict: Verdict;
}

/** Runs one seed. */
export async function runSeed({ seed, trace }: RunOptions): Promise<Outcome> {
  const random = new Random(`seed ${seed}`);
  const loop = new Loop(random.fork("loop"), trace);
  const observer = new Observer(loop);
  {
    using _ = poisonAmbient();
    await simulate(loop, random, observer);
  }
  return {
    seed,
    hash: loop.hash,
    steps: loop.steps,
    simulatedMs: loop.now,
    history: observer.history,
    verdict: judge(observer.history),
  };
}

async function simulate(
  loop: Loop,
  random: Random,
  observer: Observer,
): Promise<void> {
  const network = new Network({
    loop,
    random: random.fork("network"),
    observe: (client, server) => observer.session(client, server),
  });
  const clocks = random.fork("clocks");
  const machine = (name: string) =>
    new Machine(loop, name, {
      offsetMs: clocks.between(-5000, 5000),
      rate: 1 + clocks.between(-1e-4, 1e-4),
    });
  const controlPlane = new ControlPlaneNode(
    machine("control-plane"),
    random.fork("control plane"),
    network,
  );
  const agent = (name: string) =>
    new AgentNode(machine(name), random.fork(name), { network, observer });
  const agents = [agent("edge-1"), agent("edge-2")] as const;
  const api = new Api(loop, random.fork("api"), controlPlane);
  for (const node of [controlPlane, ...agents]) node.start();
  const workload = new Workload({
    loop,
    random: random.fork("workload"),
    api,
    observer,
    agents: ["edge-1", "edge-2"],
    durationMs: CHAOS_MS,
  });
  const reader = new Reader({
    loop,
    random: random.fork("reader"),
    api,
    observer,
    ids: workload.ids,
  });
  const nemesis = new Nemesis(
    {
      loop,
      random: random.fork("nemesis"),
      network,
      controlPlane,
      agents: [...agents],
    },
    observer,
  );
  nemesis.start();
  reader.look();
  await loop.run(CHAOS_MS);
  nemesis.heal();
  await settle(loop, workload, reader);
  observer.note({ kind: "mark", what: "settled" });
  await loop.run(loop.now + AFTERMATH_MS);
  let read = false;
  reader.all().then(() => read = true);
  await loop.run(loop.now + SETTLE_MS, () => read);
}

/** Waits until the reader was told that everything has ended, or for as long as it may take. */
async function settle(
  loop: Loop,
  workload: Workload,
  reader: Reader,
): Promise<void> {
  const limit = loop.now + SETTLE_MS;
  await loop.run(limit, () => workload.done);
  reader.forget(); // what was not there then may be there now
  while (loop.now < limit) {
    const { open } = reader;
    if (open.length === 0) return;
    for (const id of open) reader.read(id);
    await loop.run(loop.now + 1000);
  }
}
