import { TransporterError } from "@transporter/sdk";
import type { Cluster } from "./cluster.ts";
import { isReady, type Readiness, unchecked, waits } from "./ready_parts.ts";

/** When a StorageClass makes its volumes; `missing`: there is no such class, `denied`: we may not read it. */
type Binding = "late" | "at_once" | "missing" | "denied";

/** What {@linkcode StorageClasses} needs. */
export interface StorageClassesOptions {
  /** Where they are. */
  readonly cluster: Cluster;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** When to stop trying again, in milliseconds since 1970. */
  readonly until: number;
}

/**
 * Knows when StorageClasses make volumes: a claim of one that waits for the
 * first Pod to use it is as ready as it can be. Each class is asked for once.
 */
export class StorageClasses {
  readonly #options: StorageClassesOptions;
  readonly #bindings = new Map<string, Promise<Binding>>();

  /** Makes one that has asked for nothing yet. */
  constructor(options: StorageClassesOptions) {
    this.#options = options;
  }

  /**
   * The same state, with what the StorageClass says about it.
   *
   * @throws {TransporterError} `cluster_unavailable`.
   */
  async refine(state: Readiness): Promise<Readiness> {
    const { storageClass: name } = state;
    if (name === undefined) return state;
    let binding = this.#bindings.get(name);
    if (binding === undefined) {
      binding = this.#read(name);
      this.#bindings.set(name, binding);
    }
    switch (await binding) {
      case "late":
        return isReady("it is bound once a Pod uses it");
      case "missing":
        return waits(`there is no StorageClass "${name}"`);
      case "denied":
        return unchecked(
          `it is not bound, and whether its StorageClass "${name}" waits for a Pod may not be read`,
        );
      case "at_once":
        return state;
    }
  }

  async #read(name: string): Promise<Binding> {
    const { cluster, signal, until } = this.#options;
    try {
      const found = await cluster.client.find({
        method: "GET",
        path: `/apis/storage.k8s.io/v1/storageclasses/${
          encodeURIComponent(name)
        }`,
      }, {
        doing: `read the StorageClass "${name}"`,
        signal,
        until,
      });
      if (found === undefined) return "missing";
      return found.body.volumeBindingMode === "WaitForFirstConsumer"
        ? "late"
        : "at_once";
    } catch (error) {
      if (error instanceof TransporterError && error.code === "denied") {
        return "denied";
      }
      throw error;
    }
  }
}
