import { silentLogger } from "@transporter/sdk";
import { Agent } from "../../agent/agent.ts";
import { Disk, SimulatedJournal } from "./disk.ts";
import { type Cluster, witness } from "./executor.ts";
import type { Machine, Process } from "./machine.ts";
import type { Network } from "./network.ts";
import { Node } from "./node.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "./random.ts";

/** The machine of an agent: the real agent on a simulated disk and network. */
export class AgentNode extends Node {
  /** Where the journal is. */
  readonly disk: Disk;
  readonly #network: Network;
  readonly #observer: Observer;
  readonly #cluster: Cluster = new Set();
  #stop = new AbortController();

  /** Makes a machine on which nothing runs yet. */
  constructor(
    machine: Machine,
    random: Random,
    { network, observer }: {
      readonly network: Network;
      readonly observer: Observer;
    },
  ) {
    super(machine, random);
    this.#network = network;
    this.#observer = observer;
    this.disk = new Disk(random.fork("disk"));
  }

  override terminate(): void {
    this.process?.enter("SIGTERM", () => this.#stop.abort());
  }

  protected override losePower(): void {
    this.disk.losePower();
  }

  protected override async boot(process: Process): Promise<void> {
    const { clock, random: rng, name } = process;
    process.ended(() => this.#observer.note({ kind: "exit", process: name }));
    this.#stop = new AbortController();
    const agent = await Agent.open({
      agentId: this.machine.name,
      cpUrl: ["sim://control-plane"],
      dials: { sim: this.#network.dialOf(process) },
      executors: [witness(process, this.#cluster, this.#observer)],
      journalFile: new SimulatedJournal(this.disk, process),
      concurrency: this.random.int(1, 4),
      clock,
      rng,
      log: silentLogger,
    });
    await agent.run(this.#stop.signal);
    await agent[Symbol.asyncDispose]();
    process.kill();
  }
}
