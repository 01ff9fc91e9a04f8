import { type Logger, silentLogger, ulids } from "@transporter/sdk";
import { type Core, type CoreOptions, openCore } from "../../cp/core.ts";
import { silentMetrics } from "../../cp/metrics_port.ts";
import type { Store } from "../../cp/store/store.ts";
import { KIND } from "./executor.ts";
import type { Process } from "./machine.ts";
import { Node, type NodeOptions } from "./node.ts";
import type { Random } from "./random.ts";
import type { SharedStore } from "./shared_store.ts";
import { SimulatedStore, type StoreState, WELL } from "./store.ts";
import { StoreDisk } from "./store_disk.ts";

/** What a running control plane offers to those who call it. */
export interface Service {
  /** The core. */
  readonly core: Core;
  /** Its store, which reads are answered from. */
  readonly store: Store;
}

/** The machines of control planes. */
export type ControlPlanes = readonly [ControlPlaneNode, ...ControlPlaneNode[]];

/** One of them; where there is one only, nothing is left to chance. */
export function oneOf(nodes: ControlPlanes, random: Random): ControlPlaneNode {
  return nodes.length === 1 ? nodes[0] : random.pick(nodes);
}

/** What a machine of a control plane is made of. */
export interface ControlPlaneOptions extends NodeOptions {
  /** The store that several share; by default there is one on this machine's disk. */
  readonly shared?: SharedStore | undefined;
}

/** The machine of the control plane: the real core on a simulated store. */
export class ControlPlaneNode extends Node {
  /** Where everything is kept. */
  readonly disk: StoreDisk;
  /** How the store is doing. */
  readonly state: StoreState;
  /** Whether it does not reach the store that it shares. */
  cut = false;
  /** Called when it takes calls again. */
  opened: (() => void) | undefined;
  readonly #options: ControlPlaneOptions;
  #copy = { at: 0, length: 0 };
  #service:
    | { readonly process: Process; readonly service: Service }
    | undefined;

  /** Makes a machine on which nothing runs yet. */
  constructor(options: ControlPlaneOptions) {
    super(options);
    this.#options = options;
    const { random, plant, shared } = options;
    this.state = shared?.state ?? { ...WELL };
    const ofDisk = random.fork("disk");
    this.disk = shared?.disk ?? plant.storeDisk?.(ofDisk) ??
      new StoreDisk(ofDisk);
  }

  /** What takes calls now; `undefined` while there is nothing. */
  get service(): Service | undefined {
    return this.#service?.process.alive ? this.#service.service : undefined;
  }

  /** Keeps a copy of the store as it is now, instead of the one before. */
  backUp(): void {
    this.#copy = { at: this.machine.loop.now, length: this.disk.length };
  }

  /** Ends the program for some time, and puts the last copy back. */
  restore(downMs: number): void {
    this.die("kill9", downMs);
    this.disk.restore(this.#copy.length);
    this.observer.note({ kind: "restore", copiedAt: this.#copy.at });
  }

  override terminate(): void {
    const { process, service } = this.#service ?? {};
    if (process === undefined || service === undefined) return;
    process.enter("SIGTERM", () => {
      this.#service = undefined;
      service.core[Symbol.asyncDispose]().then(() => process.kill());
    });
  }

  protected override losePower(): void {
    if (this.#options.shared === undefined) this.disk.losePower();
  }

  protected override async boot(process: Process): Promise<void> {
    const { network, plant, windowBytes: windowBytesMax } = this.#options;
    const { clock, random } = process;
    const sound = {
      ...this.#open(process),
      kinds: [KIND],
      clock,
      rng: random,
      ids: ulids(() => clock.now(), random),
      log: this.#gapLog(),
      metrics: silentMetrics,
      config: { windowBytesMax },
    };
    const options = plant.core?.(sound, process) ?? sound;
    const core = await openCore(options);
    this.#service = { process, service: { core, store: options.store } };
    this.opened?.();
    network.listen(process, (wire, remote) => {
      if (this.#service?.process !== process) wire.close();
      else {
        const between = plant.accept?.(wire, process) ?? wire;
        core.sessions.serve(between, {
          ...{ tenant: "default", remote, carrier: "websocket" },
        });
      }
    });
  }

  /** What of the log is for the people whose store is older than what their agents remember. */
  #gapLog(): Logger {
    const log: Logger = {
      ...silentLogger,
      warn: (_, fields) => {
        const ids = fields?.["orphan_ids"];
        if (!Array.isArray(ids)) return;
        this.observer.note({ kind: "gap", events: ids.map(String) });
      },
      with: () => log,
    };
    return log;
  }

  /** The store as a process has it, and what it knows of others that share it. */
  #open(process: Process): Pick<CoreOptions, "store" | "peers"> {
    const { shared } = this.#options;
    if (shared === undefined) {
      const store = new SimulatedStore(this.disk, process, this.state);
      return { store: store.port() };
    }
    const self = { id: process.name, name: this.machine.name };
    return shared.open(self, { process, cut: () => this.cut });
  }
}
