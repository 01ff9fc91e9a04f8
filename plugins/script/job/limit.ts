import { type Clock, IN_TIME } from "@transporter/sdk";

/** When a script has to end: with its event, or when its time is over, which is counted from its beginning. */
export class Limit implements Disposable {
  readonly #clock: Clock;
  readonly #event: AbortSignal;
  readonly #end = new AbortController();
  readonly #done = new AbortController();
  readonly #giveUp = () => this.#end.abort(this.#event.reason);

  /** Made before the script has begun. */
  constructor(clock: Clock, event: AbortSignal) {
    this.#clock = clock;
    this.#event = event;
    event.addEventListener("abort", this.#giveUp, { once: true });
    if (event.aborted) this.#giveUp();
  }

  /** Aborts when the script has to end. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * Counts its time from now on.
   *
   * @param ms How much of it is left, in milliseconds.
   * @param then `reason`: what it is stopped for; `runs`: asked then, as a script that has ended is not stopped.
   */
  begin(
    ms: number,
    { reason, runs }: {
      readonly reason: Error;
      readonly runs: (signal: AbortSignal) => Promise<boolean>;
    },
  ): void {
    const { signal } = this.#done;
    this.#clock.sleep(ms, { signal }).then(() => runs(signal)).then(
      (isRunning) => {
        if (isRunning) this.#end.abort(reason);
      },
      () => {}, // disposed first: it ended in time
    );
  }

  [Symbol.dispose](): void {
    this.#event.removeEventListener("abort", this.#giveUp);
    this.#done.abort(IN_TIME);
  }
}
