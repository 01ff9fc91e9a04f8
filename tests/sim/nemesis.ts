import type { AgentNode } from "./agent.ts";
import type { ControlPlaneNode } from "./control_plane.ts";
import { HEALTHY } from "./disk.ts";
import { EXCLUSIVE, FAULTS, REPLICA_FAULTS, type Targets } from "./faults.ts";
import type { Observer } from "./observer.ts";
import type { Random } from "./random.ts";
import { WELL } from "./store.ts";

/** Milliseconds between faults, on average; one of these in each run. */
const FAULT_MS: readonly [number, ...number[]] = [1000, 3000, 10_000];

/** The same where nobody asks whether anything goes on. */
const WILD_FAULT_MS: readonly [number, ...number[]] = [100, 300];

/** Milliseconds between copies of the store, on average. */
const COPY_MS = 10_000;

/** How likely it is that the clock of the control plane is set in a run. */
const CLOCK_SHARE = 0.2;

/** Milliseconds between two of its jumps, on average. */
const CLOCK_MS = 15_000;

/** How far it jumps at most, in milliseconds; further where nothing need come to an end: events wait for a time of day. */
const JUMP_MS_MAX = 60_000;
const WILD_JUMP_MS_MAX = 3_600_000;

/** What the nemesis works with. */
export interface NemesisOptions extends Targets {
  /** Who notes what is done. */
  readonly observer: Observer;
  /** An agent that does not come back once it is gone. */
  readonly leaving: AgentNode | undefined;
  /** Faults of all kinds, without a limit: nothing need come to an end. */
  readonly wild: boolean;
}

/**
 * Does faults for some time, then repairs everything. Each run has some of the
 * kinds only, so that rare combinations come together often enough.
 */
export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #faults: typeof FAULTS;
  readonly #kinds: readonly string[];
  readonly #everyMs: number;
  /** A series of its own, so that runs without it are as they were. */
  readonly #clocks: Random;
  readonly #jumps: boolean;
  #over = false;

  /** Chooses what a run suffers from. */
  constructor(options: NemesisOptions) {
    const { random, wild } = options;
    this.#options = options;
    this.#clocks = random.fork("clock of the control plane");
    this.#jumps = this.#clocks.chance(CLOCK_SHARE);
    this.#everyMs = random.pick(wild ? WILD_FAULT_MS : FAULT_MS);
    const share = wild ? 1 : random.between(0.1, 0.7);
    const never = random.pick(EXCLUSIVE);
    this.#faults = options.controlPlanes.length === 1
      ? FAULTS
      : { ...FAULTS, ...REPLICA_FAULTS };
    this.#kinds = Object.keys(this.#faults).filter((name) =>
      random.chance(share) && name !== never
    );
  }

  /** Starts everything, and begins. */
  start(durationMs: number): void {
    const { loop, random, look, controlPlanes, agents, old, leaving } =
      this.#options;
    // What was seen before a death has to be there after it.
    for (const node of controlPlanes) node.opened = look;
    for (const node of [...controlPlanes, ...agents]) node.start();
    old?.start();
    if (leaving !== undefined) {
      leaving.start();
      loop.after(random.between(0, durationMs), "retire", () => {
        leaving.retire();
        this.#note("retired", leaving.machine.name);
      });
    }
    this.#copy();
    this.#next();
    if (this.#jumps) this.#nextJump();
  }

  /** Repairs what is broken: machines are on, processes run, everybody is reachable, clocks are set. */
  heal(): void {
    this.#over = true;
    const { network, controlPlanes, agents, old, observer } = this.#options;
    for (const node of controlPlanes) {
      Object.assign(node.state, WELL);
      node.disk.written = undefined;
      if (this.#jumps) this.#setClock(node);
      node.cut = false;
    }
    for (const agent of agents) {
      Object.assign(agent.disk.state, HEALTHY);
      agent.disk.fill(false);
      agent.machine.reachable = true;
      agent.machine.setClock();
    }
    network.heal();
    // It has no heartbeats: of a connection that is broken it may never hear.
    old?.process?.kill();
    for (const node of [...controlPlanes, ...agents, ...old ? [old] : []]) {
      node.started = undefined;
      node.healed = true;
      node.process?.resume();
      node.start();
    }
    observer.note({ kind: "mark", what: "healed" });
  }

  #copy(): void {
    const { loop, random, controlPlanes: [first] } = this.#options;
    loop.after(random.exponential(COPY_MS), "copy", () => {
      if (this.#over) return;
      first.backUp();
      this.#copy();
    });
  }

  #next(): void {
    const { loop, random } = this.#options;
    loop.after(random.exponential(this.#everyMs), "nemesis", () => {
      const [first, ...rest] = this.#kinds;
      if (first === undefined || this.#over) return;
      const what = random.pick([first, ...rest]);
      this.#note(what, this.#faults[what]?.(this.#options) ?? "nothing");
      this.#next();
    });
  }

  #nextJump(): void {
    const { loop, wild, controlPlanes } = this.#options;
    const max = wild ? WILD_JUMP_MS_MAX : JUMP_MS_MAX;
    loop.after(this.#clocks.exponential(CLOCK_MS), "clock", () => {
      if (this.#over) return;
      const ms = this.#clocks.between(-max, max);
      // Several have one time: what sets the clock of one sets all.
      for (const { machine } of controlPlanes) {
        machine.jump(ms);
        this.#note("cp-clock-jump", machine.name);
      }
      this.#nextJump();
    });
  }

  #setClock({ machine }: ControlPlaneNode): void {
    machine.setClock();
    this.#note("cp-clock-jump", machine.name);
  }

  #note(what: string, target: string): void {
    this.#options.observer.note({ kind: "fault", what, target });
  }
}
