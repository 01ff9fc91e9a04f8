import { silentLogger } from "@transporter/sdk";
import { Agent } from "../../agent/agent.ts";
import { Disk, SimulatedJournal } from "./disk.ts";
import { type Cluster, witness } from "./executor.ts";
import type { Process } from "./machine.ts";
import { Node, type NodeOptions } from "./node.ts";
import type { Random } from "./random.ts";
import { inShortFrames } from "./short_frames.ts";

/** Windows that processes have: one event at a time, few, and more than there is. */
const WINDOWS: readonly [number, ...number[]] = [1, 3, 32];

/** The machine of an agent: the real agent on a simulated disk and network. */
export class AgentNode extends Node {
  /** Where the journal is. */
  readonly disk: Disk;
  readonly #options: NodeOptions;
  readonly #cluster: Cluster = new Set();
  /** What tells the program to end, once it listens. */
  #stop: (() => void) | undefined;

  /** Makes a machine on which nothing runs yet. */
  constructor(options: NodeOptions) {
    super(options);
    this.#options = options;
    this.disk = new Disk(options.random.fork("disk"));
  }

  override terminate(): void {
    const { process } = this;
    process?.enter("SIGTERM", this.#stop ?? (() => process.kill()));
  }

  protected override losePower(): void {
    this.disk.losePower();
  }

  protected override async boot(process: Process): Promise<void> {
    const { network, observer, plant, controlPlanes } = this.#options;
    const { clock, random: rng, name } = process;
    const concurrency = this.random.int(1, 4);
    const window = this.random.fork(`window of ${name}`).pick(WINDOWS);
    observer.note({ kind: "boot", process: name, concurrency, window });
    const stop = new AbortController();
    const abort = () => stop.abort(); // a name first: see "Garbage" in CONTRIBUTING.md
    this.#stop = abort;
    process.ended(() => {
      this.#stop = undefined;
      observer.note({ kind: "exit", process: name });
    });
    const sound = {
      agentId: this.machine.name,
      cpUrl: inAnyOrder(controlPlanes, this.random)
        .map((name) => `sim://${name}`),
      dials: { sim: inShortFrames(network.dialOf(process)) },
      executors: [witness(process, this.#cluster, observer)],
      journalFile: new SimulatedJournal(this.disk, process),
      concurrency,
      window,
      clock,
      rng,
      log: silentLogger,
    };
    const agent = await Agent.open(plant.agent?.(sound, process) ?? sound);
    await agent.run(stop.signal);
    await agent[Symbol.asyncDispose]();
    process.kill();
  }
}

/** The same names; where there are several, a service may lead to any of them first. */
function inAnyOrder(names: readonly string[], random: Random): string[] {
  const rest = [...names];
  if (rest.length === 1) return rest;
  const first = rest.splice(random.int(0, rest.length - 1), 1);
  return [...first, ...rest];
}
