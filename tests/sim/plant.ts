import type { Wire } from "@transporter/sdk";
import type { AgentOptions } from "../../agent/options.ts";
import type { CoreOptions } from "../../cp/core.ts";
import type { Process } from "./machine.ts";
import type { Random } from "./random.ts";
import type { StoreDisk } from "./store_disk.ts";

/**
 * A fault of the program as it stands in one run: what goes between the core
 * and its ports, or takes the place of some of its methods. The core knows
 * nothing of it.
 */
export interface Plant {
  /** Makes the disk under the store. */
  storeDisk?(random: Random): StoreDisk;
  /** Changes what the control plane works with. */
  core?(options: CoreOptions, within: Process): CoreOptions;
  /** Goes between the control plane and a connection. */
  accept?(wire: Wire, within: Process): Wire;
  /** Changes what an agent works with. */
  agent?(options: AgentOptions, within: Process): AgentOptions;
  /** Replaces methods; disposing the result puts them back. */
  patch?(): Disposable;
}
