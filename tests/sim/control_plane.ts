import { silentLogger, ulids } from "@transporter/sdk";
import { type Core, openCore } from "../../cp/core.ts";
import { silentMetrics } from "../../cp/metrics_port.ts";
import type { Store } from "../../cp/store/store.ts";
import { KIND } from "./executor.ts";
import type { Machine, Process } from "./machine.ts";
import type { Network } from "./network.ts";
import { Node } from "./node.ts";
import type { Random } from "./random.ts";
import { SimulatedStore, type StoreState, WELL } from "./store.ts";
import { StoreDisk } from "./store_disk.ts";

/** What a running control plane offers to those who call it. */
export interface Service {
  /** The core. */
  readonly core: Core;
  /** Its store, which reads are answered from. */
  readonly store: Store;
}

/** The machine of the control plane: the real core on a simulated store. */
export class ControlPlaneNode extends Node {
  /** Where everything is kept. */
  readonly disk: StoreDisk;
  /** How the store is doing. */
  readonly state: StoreState = { ...WELL };
  readonly #network: Network;
  #service:
    | { readonly process: Process; readonly service: Service }
    | undefined;

  /** Makes a machine on which nothing runs yet. */
  constructor(machine: Machine, random: Random, network: Network) {
    super(machine, random);
    this.#network = network;
    this.disk = new StoreDisk(random.fork("disk"));
  }

  /** What takes calls now; `undefined` while there is nothing. */
  get service(): Service | undefined {
    return this.#service?.process.alive ? this.#service.service : undefined;
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
    this.disk.losePower();
  }

  protected override async boot(process: Process): Promise<void> {
    const { clock, random } = process;
    const store = new SimulatedStore(this.disk, process, this.state).port();
    const core = await openCore({
      store,
      kinds: [KIND],
      clock,
      rng: random,
      ids: ulids(() => clock.now(), random),
      log: silentLogger,
      metrics: silentMetrics,
    });
    this.#service = { process, service: { core, store } };
    this.#network.listen(process, (wire, remote) => {
      if (this.#service?.process !== process) wire.close();
      else core.sessions.serve(wire, { tenant: "default", remote });
    });
  }
}
