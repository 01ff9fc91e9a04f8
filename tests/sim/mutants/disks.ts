/**
 * Disks that promise more than they keep.
 *
 * @module
 */
import type { Store } from "../../../cp/store/store.ts";
import type { Random } from "../random.ts";
import { type Operation, StoreDisk } from "../store_disk.ts";
import type { Mutant } from "./mutant.ts";

/** A disk that shows what is in its cache only. */
class EagerDisk extends StoreDisk {
  readonly #shown: StoreDisk;

  constructor(random: Random) {
    super(random);
    this.#shown = new StoreDisk(random);
  }

  override get store(): Store {
    return this.#shown.store;
  }

  override write(group: readonly Operation[]): void {
    super.write(group);
    this.#shown.write(group);
    this.#shown.sync();
  }

  override losePower(): void {
    super.losePower();
    this.#shown.replay(this.all());
  }

  override restore(length: number): void {
    super.restore(length);
    this.#shown.replay(this.all());
  }
}

/** A disk that does not bring to the platter what an earlier process left in the cache. */
class TrustingDisk extends StoreDisk {
  #shown: StoreDisk | undefined;
  /** How much was written since it was opened, or synced. */
  #written = 0;

  override get store(): Store {
    return this.#shown?.store ?? super.store;
  }

  override open(): void {
    this.#written = 0;
    if (!this.dirty) return;
    this.#shown = new StoreDisk(this.random);
    this.#shown.replay(this.all());
  }

  override write(group: readonly Operation[]): void {
    this.#written += group.length;
    super.write(group);
  }

  override sync(): Promise<unknown>[] {
    this.#shown = undefined;
    const outcomes = super.sync();
    const own = outcomes.slice(outcomes.length - this.#written);
    this.#written = 0;
    return own; // of what was there before nobody waits
  }

  override losePower(): void {
    this.#shown = undefined;
    super.losePower();
  }

  override restore(length: number): void {
    this.#shown = undefined;
    super.restore(length);
  }
}

const visibleBeforeFsync: Mutant = {
  name: "visible-before-fsync",
  upstream: [],
  does: "Shows what the store is about to make durable.",
  breaks: ["G3"],
  budget: 1500,
  plant: () => ({ storeDisk: (random) => new EagerDisk(random) }),
};

const tailTrusted: Mutant = {
  name: "recovered-tail-trusted",
  upstream: [],
  does: "Takes what the store finds in its file after a crash for durable.",
  breaks: ["G1", "G3"],
  budget: 1500,
  plant: () => ({ storeDisk: (random) => new TrustingDisk(random) }),
};

/** All of them. */
export const DISKS: readonly Mutant[] = [visibleBeforeFsync, tailTrusted];
