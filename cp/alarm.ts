import { type Clock, IN_TIME } from "@transporter/sdk";

/** The longest that it sleeps, in milliseconds: the time of day may jump. */
const SLEEP_MS_MAX = 60_000;

/** Options of {@linkcode Alarm}. */
export interface AlarmOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** What happens when the time has come. May be early: whoever hears it looks for himself. */
  readonly ring: () => void;
  /** Asks the store when something that is not ready yet will be. */
  readonly next: (at: number) => Promise<number | undefined>;
}

/** Rings when an event that waits for its time may be ready. */
export class Alarm {
  readonly #options: AlarmOptions;
  #at = Infinity;
  #stop: AbortController | undefined;
  /** Whether all that waits is known to it; whoever sets this has looked. */
  sure = false;
  /** The time of day up to which everything was taken for ready. */
  #readyUpto = -Infinity;

  /** Makes an alarm that is not set. */
  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** An event is ready at a time of day: it rings then if that is still to come, and returns whether it is. */
  waits(at: number): boolean {
    if (at > this.#options.clock.now()) {
      this.#set(at);
      return true;
    }
    this.#readyUpto = Math.max(this.#readyUpto, at);
    return false;
  }

  /**
   * Nothing is to be had: finds out when something will be ready, unless every
   * change since was heard of. What was ready and could not be had is known to
   * nobody once the clock is set back, and waits again.
   *
   * @param at When it was looked for what is ready, in milliseconds since 1970: what became so since then is yet to come.
   */
  async lookAhead(at: number): Promise<void> {
    const wasSetBack = at < this.#readyUpto;
    this.#readyUpto = at;
    if (this.sure && !wasSetBack) return;
    this.sure = true;
    try {
      const readyAt = await this.#options.next(at);
      if (readyAt !== undefined) this.#set(readyAt);
    } catch (error) {
      this.sure = false;
      throw error;
    }
  }

  /** Rings at a time of day, in milliseconds since 1970, or at an earlier one that was set before. */
  #set(at: number): void {
    const { clock, signal } = this.#options;
    if (at >= this.#at || signal.aborted) return;
    if (this.#stop === undefined) {
      signal.addEventListener("abort", () => this.#stop?.abort(IN_TIME));
    } else this.#stop.abort(IN_TIME);
    this.#at = at;
    const stop = this.#stop = new AbortController();
    const ms = Math.min(Math.max(0, at - clock.now()), SLEEP_MS_MAX);
    clock.sleep(ms, { signal: stop.signal }).then(
      () => this.#ring(),
      () => {}, // set to an earlier time, or over
    );
  }

  #ring(): void {
    this.#at = Infinity;
    this.sure = false;
    this.#options.ring();
  }
}
