import { type Clock, fullJitter, type Rng } from "@transporter/sdk";
import type { PluginProcess } from "./process.ts";

/** What {@linkcode Pool} needs. */
export interface PoolOptions {
  /** Starts a process. */
  readonly start: () => Promise<PluginProcess>;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where jitter comes from. */
  readonly rng: Rng;
}

/** Processes that wait for events; a machine with more to do starts more, and ends them afterwards. */
const IDLE_MAX = 2;

/** The pauses before a plugin whose process failed is started anew. */
const BACKOFF = { initialMs: 100, maxMs: 30_000 };

/** The processes of one plugin: one for each event that runs, used again while they are sound. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #all = new Set<PluginProcess>();
  readonly #idle: PluginProcess[] = [];
  #failures = 0;

  /** Makes one without processes. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Takes a process for oneself, until {@linkcode Pool.release}. After failures
   * one is started with growing pauses.
   *
   * @param signal Gives up.
   * @param options `hurried`: without a pause, as other events wait behind this one.
   * @throws What a start fails with; the signal's reason.
   */
  async take(
    signal: AbortSignal,
    { hurried = false }: { readonly hurried?: boolean } = {},
  ): Promise<PluginProcess> {
    signal.throwIfAborted();
    for (let each = this.#idle.pop(); each; each = this.#idle.pop()) {
      if (each.failure === undefined) return each;
      this.#drop(each);
    }
    const { start, clock, rng } = this.#options;
    if (this.#failures > 0 && !hurried) {
      await clock.sleep(fullJitter(this.#failures - 1, rng, BACKOFF), {
        signal,
      });
    }
    try {
      const process = await start();
      this.#all.add(process);
      return process;
    } catch (reason) {
      this.#failures++;
      throw reason;
    }
  }

  /** Gives a process back; one that failed, or is not sound, is over. */
  release(
    process: PluginProcess,
    { sound = true }: { readonly sound?: boolean } = {},
  ): void {
    const isWell = process.failure === undefined;
    if (isWell) this.#failures = 0;
    else this.#failures++;
    if (isWell && sound && this.#idle.length < IDLE_MAX) {
      this.#idle.push(process);
    } else {
      this.#drop(process);
    }
  }

  #drop(process: PluginProcess): void {
    process[Symbol.asyncDispose]().then(() => this.#all.delete(process));
  }

  /** Ends all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle.length = 0;
    await Promise.all(
      [...this.#all].map((process) => process[Symbol.asyncDispose]()),
    );
    this.#all.clear();
  }
}
