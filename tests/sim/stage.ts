import { AgentNode } from "./agent.ts";
import { OldAgentNode } from "./agent_v1.ts";
import { Api } from "./api.ts";
import { ControlPlaneNode, type ControlPlanes } from "./control_plane.ts";
import { Nemesis } from "./nemesis.ts";
import type { Loop } from "./loop.ts";
import { Machine, START_MS } from "./machine.ts";
import type { WireName } from "./medium.ts";
import { Network } from "./network.ts";
import type { NodeOptions } from "./node.ts";
import type { Observer } from "./observer.ts";
import { Operators } from "./operators.ts";
import { planEvent, planProbe } from "./plan.ts";
import type { Plant } from "./plant.ts";
import type { Random } from "./random.ts";
import { Reader } from "./reader.ts";
import { SharedStore } from "./shared_store.ts";
import { Workload } from "./workload.ts";

/** How many events a run has, besides those at its end. */
const EVENTS = 25;

/** Bytes of events that an agent may have at a time: in half of the runs so few that it is felt. */
const WINDOW_BYTES: readonly [number, ...number[]] = [
  8 * 1024,
  16 * 1024 * 1024,
];

/** How long faults happen, in milliseconds. */
const CHAOS_MS = 60_000;

/**
 * How long after the last fault everything has ended, in milliseconds: a
 * connection that nobody knows is broken is given up after 45 s, an agent that
 * was replaced stays away for 60 s, and work takes its time.
 */
const SETTLE_MS = 300_000;

/** How long it takes until every agent is connected again, at most, in milliseconds. */
const CONNECTED_MS_MAX = 150_000;

/** How long after that all is calm, in milliseconds. */
const CALM_MS = 3_000;

/** How long an agent may want nothing although the reason for it is gone, in milliseconds: it says so half a minute ahead. */
const HOLD_MS = 31_000;

/** How long it is watched after that, in milliseconds. */
const AFTERMATH_MS = 15_000;

/** The agents that are there to the end. */
const STAYING = ["edge-1", "edge-2"] as const;

/** An agent that some runs have, and that does not come back once it is gone. */
const LEAVING = "edge-3";

/** An agent that some runs have, and that speaks version 1 of the link. */
const OLD = "old-edge";

/** How long everything is read where faults go on, in milliseconds. */
const LAST_LOOK_MS = 20_000;

/** What a run is made of. */
export interface StageOptions {
  /** Where time comes from. */
  readonly loop: Loop;
  /** Where chance comes from. */
  readonly random: Random;
  /** Who notes what can be seen. */
  readonly observer: Observer;
  /** What is wrong with the program, if anything is. */
  readonly plant: Plant;
  /** How many control planes share a store; 1 has it for itself. */
  readonly replicas: 1 | 2;
  /** What carries the frames of agents. */
  readonly wire: WireName;
}

/** One run: machines, what they run, who uses it and what is done to it. */
export class Stage {
  readonly #options: StageOptions;
  readonly #network: Network;
  readonly #workload: Workload;
  readonly #reader: Reader;
  readonly #operators: Operators;
  readonly #nemesis: Nemesis;
  /** The ways to the control plane. */
  readonly #apis: readonly Api[];
  /** The agents that are there to the end. */
  readonly #staying: readonly string[];
  /** How far the clock of the control plane is ahead. */
  readonly #aheadMs: number;
  readonly #wild: boolean;
  readonly #windowBytes: number;

  /** Builds everything; {@linkcode play} lets it begin. */
  constructor(options: StageOptions) {
    this.#options = options;
    const { loop, random, observer } = options;
    this.#network = new Network({
      loop,
      random: random.fork("network"),
      wire: options.wire,
      observe: (client, server) => observer.session(client, server),
    });
    this.#windowBytes = random.fork("window").pick(WINDOW_BYTES);
    observer.note({ kind: "limits", windowBytes: this.#windowBytes });
    const clocks = random.fork("clocks");
    const nodeOptions = (name: string) => this.#nodeOptions(name, clocks);
    const controlPlanes = this.#makeControlPlanes(nodeOptions);
    const agent = (name: string) => new AgentNode(nodeOptions(name));
    const [first, second] = STAYING;
    const leaving = clocks.chance(0.3) ? agent(LEAVING) : undefined;
    const old = clocks.chance(0.2)
      ? new OldAgentNode(nodeOptions(OLD))
      : undefined;
    this.#staying = old === undefined ? STAYING : [...STAYING, OLD];
    this.#aheadMs = controlPlanes[0].machine.timeOfDay() - START_MS;
    this.#wild = random.fork("wild").chance(0.1);
    const targets = {
      controlPlanes,
      agents: [agent(first), agent(second)] as const,
      old,
      leaving,
      network: this.#network,
    };
    const delays = random.fork("api");
    const api = new Api(loop, delays, controlPlanes);
    const operatorsApi = new Api(loop, delays, controlPlanes);
    this.#apis = [api, operatorsApi];
    const shared = { loop, api, observer };
    const workload = this.#workload = new Workload({
      ...shared,
      random: random.fork("workload"),
    });
    this.#reader = new Reader({
      ...shared,
      random: random.fork("reader"),
      ids: workload.ids,
    });
    this.#operators = new Operators({
      ...shared,
      api: operatorsApi,
      random: random.fork("operators"),
      ids: workload.ids,
      agents: STAYING,
      leaving: leaving?.machine.name,
    });
    this.#nemesis = new Nemesis({
      ...targets,
      look: () => this.#reader.glance(),
      loop,
      observer,
      random: random.fork("nemesis"),
      wild: this.#wild,
    });
    for (let i = 1; i <= EVENTS; i++) {
      const plan = planEvent(i, random.fork(`event ${i}`), {
        agents: STAYING,
        leaving: leaving?.machine.name,
        old: old?.machine.name,
        durationMs: CHAOS_MS,
        aheadMs: this.#aheadMs,
      });
      workload.add(plan);
    }
  }

  /** Faults, repair, and a look at what has become of everything. */
  async play(): Promise<void> {
    const { loop } = this.#options;
    await this.#play();
    // Whatever is under way may have had an effect that was seen.
    loop.after(0, "over", () => this.#apis.forEach((api) => api.giveUp()));
    await loop.run(loop.now);
  }

  async #play(): Promise<void> {
    const { loop, observer } = this.#options;
    this.#nemesis.start(CHAOS_MS);
    this.#reader.look();
    this.#operators.work();
    await loop.run(CHAOS_MS);
    if (this.#wild) return await this.#lookAtAll(LAST_LOOK_MS);
    this.#nemesis.heal();
    this.#reader.calmDown();
    this.#operators.finish();
    await this.#settle();
    await loop.run(CHAOS_MS + CONNECTED_MS_MAX, () => this.#connected());
    await loop.run(Math.max(loop.now + CALM_MS, CHAOS_MS + HOLD_MS));
    observer.note({ kind: "mark", what: "calm" });
    for (const agent of this.#staying) {
      const when = { at: loop.now, aheadMs: this.#aheadMs };
      this.#workload.add(planProbe(agent, when));
    }
    await this.#settle();
    observer.note({ kind: "mark", what: "settled" });
    await loop.run(loop.now + AFTERMATH_MS);
    await this.#lookAtAll(SETTLE_MS);
  }

  /** Reads everything, for as long as it may take. */
  async #lookAtAll(limitMs: number): Promise<void> {
    const { loop } = this.#options;
    let answered = false;
    this.#reader.all().then(() => answered = true);
    await loop.run(loop.now + limitMs, () => answered);
  }

  #nodeOptions(name: string, clocks: Random): NodeOptions {
    const { loop, random, observer, plant } = this.#options;
    const machine = new Machine(loop, name, {
      offsetMs: clocks.between(-5000, 5000),
      rate: 1 + clocks.between(-1e-4, 1e-4),
    });
    const network = this.#network;
    return {
      machine,
      random: random.fork(name),
      observer,
      network,
      plant,
      controlPlanes: namesOf(this.#options),
      windowBytes: this.#windowBytes,
    };
  }

  #makeControlPlanes(
    nodeOptions: (name: string) => NodeOptions,
  ): ControlPlanes {
    const { loop, random, plant } = this.#options;
    const [name, ...others] = namesOf(this.#options);
    if (others.length === 0) return [new ControlPlaneNode(nodeOptions(name))];
    const ofStore = random.fork("shared store");
    const disk = plant.storeDisk?.(ofStore);
    const shared = new SharedStore({ loop, random: ofStore, disk });
    const first = { ...nodeOptions(name), shared };
    // Their clocks agree, more or less: deadlines are given by any of them.
    const offsetMs = first.machine.timeOfDay() - START_MS;
    const rest = others.map((name) => {
      const error = offsetMs + ofStore.between(-200, 0);
      const machine = new Machine(loop, name, { offsetMs: error, rate: 1 });
      return new ControlPlaneNode({
        ...first,
        machine,
        random: random.fork(name),
      });
    });
    return [new ControlPlaneNode(first), ...rest];
  }

  #connected(): boolean {
    const names = this.#network.connections.map(({ client }) =>
      client.machine.name
    );
    return this.#staying.every((name) => names.includes(name));
  }

  /** Waits until the reader was told that everything has ended, or for as long as it may take. */
  async #settle(): Promise<void> {
    const { loop } = this.#options;
    const limit = loop.now + SETTLE_MS;
    await loop.run(limit, () => this.#workload.done);
    this.#reader.forget(); // what was not there then may be there now
    for (let ms = 1000; loop.now < limit; ms = Math.min(2 * ms, 8000)) {
      const { open } = this.#reader;
      if (open.length === 0) return;
      for (const id of open) this.#reader.read(id);
      await loop.run(Math.min(limit, loop.now + ms));
    }
  }
}

/** The names of the machines of control planes. */
function namesOf(
  { replicas }: Pick<StageOptions, "replicas">,
): readonly [string, ...string[]] {
  return replicas === 1
    ? ["control-plane"]
    : ["control-plane-1", "control-plane-2"];
}
