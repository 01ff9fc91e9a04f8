import {
  type Clock,
  deadline,
  fullJitter,
  type Logger,
  type OpenSink,
  type ResultSink,
  type Rng,
  shownUrl,
  TransporterError,
} from "@transporter/sdk";
import type { Changes } from "./changes.ts";
import { isResult, resultEvent } from "./result_event.ts";
import { ResultPosition } from "./result_position.ts";
import type { Change, Store } from "./store/store.ts";

/** Changes that are read at a time. */
const PAGE = 200;

/** How long a receiver may take for one result, in milliseconds. */
const DELIVERY_MS_MAX = 15_000;

/** The bounds of the delays between tries, in milliseconds. */
const AGAIN = { initialMs: 500, maxMs: 60_000 };

/** How long changes gather before they are looked at, in milliseconds. */
const GATHER_MS = 20;

/** How long it waits for changes before it looks itself, in milliseconds. */
const LOOK_MS = 10_000;

/** What counts results. */
export interface ResultMetrics {
  /** A receiver has a result. */
  resultTold(sink: string): void;
  /** A receiver did not take a result. */
  resultFailed(sink: string): void;
}

/** How a receiver of results is. */
export interface ResultsState {
  /** Its address, without secrets. */
  readonly sink: string;
  /** Why nothing gets there; `undefined` when all is well. */
  readonly fault: TransporterError | undefined;
  /** How long the oldest result has waited, in milliseconds; 0 when none does. */
  readonly lagMs: number;
}

/** Options of {@linkcode Results}. */
export interface ResultsOptions {
  /** The receiver. */
  readonly url: URL;
  /** How it is reached. */
  readonly open: OpenSink;
  /** Where changes are, and how far they were told. */
  readonly store: Store;
  /** Wakes who follows them. */
  readonly changes: Changes;
  /** Whose events they are. */
  readonly tenant: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where the delays come from. */
  readonly rng: Rng;
  /** What counts. */
  readonly metrics: ResultMetrics;
  /** For what happens. */
  readonly log: Logger;
}

/**
 * Tells a receiver how events end, for ever: each end at least once, in their
 * order. How far it came is kept in the store. A receiver that does not take
 * them holds up nothing but itself.
 */
export class Results implements AsyncDisposable {
  readonly #options: ResultsOptions;
  readonly #sink: string;
  readonly #position: ResultPosition;
  readonly #over = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #fault: TransporterError | undefined;
  #waitingSince: number | undefined;
  #failures = 0;

  /** Use {@linkcode Results.open}. */
  private constructor(options: ResultsOptions) {
    this.#options = options;
    this.#sink = shownUrl(options.url);
    this.#position = new ResultPosition({ ...options, name: this.#sink });
  }

  /**
   * Begins to tell a receiver; one that was never told anything is told what
   * ends from now on.
   *
   * @throws {TransporterError} `store_unavailable`.
   */
  static async open(options: ResultsOptions): Promise<Results> {
    const results = new Results(options);
    await results.#position.open();
    results.#running = results.#run();
    return results;
  }

  /** How it is. */
  get state(): ResultsState {
    const since = this.#waitingSince;
    return {
      sink: this.#sink,
      fault: this.#fault,
      lagMs: since === undefined
        ? 0
        : Math.max(0, this.#options.clock.now() - since),
    };
  }

  /** Stops; what is under way is given up, and told again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new TransporterError("cancelled", "It stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, rng, log, url, open, tenant } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      let retryAfterMs = 0;
      try {
        await this.#position.claim(signal);
        await using sink = await open(url, { signal, tenant });
        await this.#tell(sink);
      } catch (reason) {
        if (signal.aborted) break;
        const error = TransporterError.from(reason);
        if (error.code === "superseded") continue; // another one tells
        retryAfterMs = Number(error.details?.["retry_after_ms"] ?? 0);
        this.#fault = error;
        this.#failures++;
        this.#options.metrics.resultFailed(this.#sink);
        log.warn("Results cannot be delivered", { sink: this.#sink, error });
      }
      const ms = fullJitter(this.#failures, rng, AGAIN);
      await clock.sleep(Math.max(ms, retryAfterMs), { signal }).catch(() => {}); // the loop sees that it is over
    }
    await this.#position.release();
  }

  async #tell(sink: ResultSink): Promise<void> {
    const { store, tenant } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const after = this.#position.value;
      // Read first, so that nothing up to it is missing from the page.
      const { newest } = await store.changeRange();
      const page = await store.listChanges(tenant, after, PAGE);
      const whole = page.length < PAGE;
      try {
        for (const change of page.filter(isResult)) {
          await this.#deliver(sink, change);
          this.#position.told(change.change);
        }
        const last = page.at(-1)?.change ?? after;
        this.#position.passed(whole ? Math.max(last, newest) : last);
      } finally {
        await this.#position.keep();
      }
      this.#fault = undefined;
      this.#waitingSince = undefined;
      if (whole) await this.#news();
    }
  }

  async #deliver(sink: ResultSink, change: Change): Promise<void> {
    const { store, clock, tenant, metrics } = this.#options;
    const record = await store.getEvent(tenant, change.entry.event_id);
    this.#waitingSince ??= record?.updatedAt ?? clock.now();
    await this.#position.renew();
    const reason = () =>
      new TransporterError(
        "timeout",
        `Cannot deliver results to "${this.#sink}": it has not answered for ${
          DELIVERY_MS_MAX / 1000
        } s`,
      );
    using limit = deadline(clock, DELIVERY_MS_MAX, {
      reason,
      signal: this.#over.signal,
    });
    await sink.deliver(resultEvent(change, record), { signal: limit.signal });
    metrics.resultTold(this.#sink);
    this.#failures = 0;
    this.#fault = undefined;
    this.#waitingSince = undefined;
  }

  /** Waits for a change; sometimes only for a while. */
  async #news(): Promise<void> {
    const { changes, clock } = this.#options;
    const { signal } = this.#over;
    const reason = () => new TransporterError("timeout", "Nothing has changed");
    using limit = deadline(clock, LOOK_MS, { reason, signal });
    try {
      await changes.wait(this.#position.value, { signal: limit.signal });
      await clock.sleep(GATHER_MS, { signal });
    } catch (error) {
      if (!limit.signal.aborted) throw error;
    }
    await this.#position.renew();
  }
}
