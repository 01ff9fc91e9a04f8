import type { Clock } from "@transporter/sdk";

/**
 * Notices that something takes too long. Beginning and ending costs next to
 * nothing, so that it may be done for each message: there is one timer, which
 * looks when it goes off, and none while nothing is under way.
 */
export class Silence implements Disposable {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #notice: () => void;
  readonly #over = new AbortController();
  #since: number | undefined;
  #watching = false;

  /**
   * Makes one that watches nothing yet.
   *
   * @param clock Where time comes from.
   * @param ms How long is too long, in milliseconds.
   * @param notice Called when it has taken so long; then it is over.
   */
  constructor(clock: Clock, ms: number, notice: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#notice = notice;
  }

  /** Something is under way from now on. */
  begin(): void {
    this.#since = this.#clock.monotonic();
    if (!this.#watching) this.#watch();
  }

  /** It is over. */
  end(): void {
    this.#since = undefined;
  }

  /** Notices nothing any more. */
  [Symbol.dispose](): void {
    this.#since = undefined;
    this.#over.abort();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#over;
    this.#watching = true;
    while (this.#since !== undefined && !signal.aborted) {
      const leftMs = this.#since + this.#ms - this.#clock.monotonic();
      if (leftMs <= 0) {
        this.#since = undefined;
        this.#notice();
      } else await this.#clock.sleep(leftMs, { signal }).catch(() => {});
    }
    this.#watching = false;
  }
}
