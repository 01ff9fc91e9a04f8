import {
  type Clock,
  type Logger,
  type Rng,
  TransporterError,
} from "@transporter/sdk";
import { isShared } from "./store/shared.ts";
import type { Store } from "./store/store.ts";

/** So many changes that are nobody's end are passed before that is written down. */
const PASSED_MAX = 5000;

/** How long one of several control planes tells results without a word, in milliseconds: twice the time of a delivery. */
const LEASE_MS = 32_000;

/** How often the others look whether it still does, in milliseconds. */
const LOOK_MS = 5000;

/** Options of {@linkcode ResultPosition}. */
export interface ResultPositionOptions {
  /** Where it is kept. */
  readonly store: Store;
  /** Whose events they are. */
  readonly tenant: string;
  /** Who is told. */
  readonly name: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Makes leases of one moment differ. */
  readonly rng: Rng;
  /** For what happens. */
  readonly log: Logger;
}

/**
 * How far a receiver was told, in the store. Of control planes that share a
 * store one tells at a time: who has the lease, a moment in the future that
 * only its owner can move.
 */
export class ResultPosition {
  readonly #options: ResultPositionOptions;
  readonly #mark: string;
  readonly #leaseMark: string;
  #value = 0;
  #kept: number | undefined;
  #told = false;
  /** Milliseconds since 1970 and three digits by chance. */
  #lease: number | undefined;

  /** Makes one that knows nothing yet. */
  constructor(options: ResultPositionOptions) {
    this.#options = options;
    this.#mark = `results ${options.name}`;
    this.#leaseMark = `results-lease ${options.name}`;
  }

  /** Every change up to here was told, or is not to be. */
  get value(): number {
    return this.#value;
  }

  /** Reads it; whoever was never told begins at what is newest. */
  async open(): Promise<void> {
    const { store, tenant } = this.#options;
    await this.#read();
    if (this.#kept !== undefined) return;
    const { newest } = await store.changeRange();
    await store.setMark(tenant, this.#mark, { value: newest, seen: undefined });
    await this.#read(); // another one may have been faster
  }

  async #read(): Promise<void> {
    const { store, tenant, log, name } = this.#options;
    this.#kept = await store.getMark(tenant, this.#mark);
    const { newest, oldest } = await store.changeRange();
    const value = this.#kept ?? newest;
    // The store may be an older copy: what it counts from now on is new.
    this.#value = Math.min(value, newest);
    if (this.#value < oldest - 1) {
      log.warn("Results were not told before they were removed", {
        sink: name,
        position: value,
        oldest,
      });
    }
  }

  /** Waits until nobody else tells, then reads how far they came. */
  async claim(signal: AbortSignal): Promise<void> {
    const { store, tenant, clock } = this.#options;
    if (!isShared(store)) return;
    while (true) {
      signal.throwIfAborted();
      const seen = await store.getMark(tenant, this.#leaseMark);
      const waitMs = (seen ?? 0) / 1000 - clock.now();
      if (seen === this.#lease || waitMs <= 0) {
        if (await this.#set(seen)) return await this.#read();
      } else {
        await clock.sleep(Math.min(waitMs, LOOK_MS), { signal });
      }
    }
  }

  /** Says that it still tells, when it is time to. */
  async renew(): Promise<void> {
    const { store, clock } = this.#options;
    if (!isShared(store)) return;
    const restMs = (this.#lease ?? 0) / 1000 - clock.now();
    if (restMs < LEASE_MS / 2 && !await this.#set(this.#lease)) {
      this.#lease = undefined;
      throw lost();
    }
  }

  async #set(seen: number | undefined): Promise<boolean> {
    const { store, tenant, clock, rng } = this.#options;
    const value = Math.floor(clock.now() + LEASE_MS) * 1000 +
      Math.floor(rng.next() * 1000);
    const set = await store.setMark(tenant, this.#leaseMark, { value, seen });
    if (set) this.#lease = value;
    return set;
  }

  /** Notes a change that was told. */
  told(change: number): void {
    this.#value = change;
    this.#told = true;
  }

  /** Notes changes that nobody is to be told. */
  passed(change: number): void {
    this.#value = Math.max(this.#value, change);
  }

  /** Writes it down, if that is worth a commit. */
  async keep(): Promise<void> {
    const { store, tenant } = this.#options;
    const value = this.#value;
    const passed = value - (this.#kept ?? 0);
    if (value === this.#kept || (!this.#told && passed < PASSED_MAX)) return;
    const mark = { value, seen: this.#kept };
    if (!await store.setMark(tenant, this.#mark, mark)) throw lost();
    this.#kept = value;
    this.#told = false;
  }

  /** Lets another one tell at once. */
  async release(): Promise<void> {
    const { store, tenant } = this.#options;
    if (!isShared(store) || this.#lease === undefined) return;
    const mark = { value: 0, seen: this.#lease };
    await store.setMark(tenant, this.#leaseMark, mark).catch(() => {}); // then it runs out
  }
}

function lost(): TransporterError {
  return new TransporterError(
    "superseded",
    "Cannot tell results any longer as another control plane does",
  );
}
