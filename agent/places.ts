import {
  type Clock,
  deadline,
  type Executor,
  type Logger,
  TransporterError,
} from "@transporter/sdk";
import type { Journal } from "./journal.ts";

/** Options of {@linkcode Places}. */
export interface PlacesOptions {
  /** Who works somewhere. */
  readonly executors: readonly Executor[];
  /** Where it was noted at the first sight. */
  readonly journal: Pick<Journal, "meta" | "settle">;
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** How long a look may take that holds up the start, in milliseconds. */
const FIRST_LOOK_MS_MAX = 5_000;

/** How long any other may take, in milliseconds. */
const LOOK_MS_MAX = 30_000;

/** Between two looks, in milliseconds. */
const LOOK_MS = 60_000;

/** Between two looks after one that saw nothing, in milliseconds. */
const LOOK_AGAIN_MS = 5_000;

/** What a look saw. */
type Seen = "known" | "secret" | "nothing";

/**
 * Where the executors work, such as in which cluster: the same place as ever,
 * or nowhere. It is noted in the journal when it is seen first, and looked at
 * before the first event and every minute after that. Who may not know it works
 * all the same.
 */
export class Places {
  readonly #options: PlacesOptions;
  /** Who still has to be looked at: those to which it makes a difference. */
  #watched: readonly Executor[];
  /** What the last look at each saw, by type. */
  readonly #seen = new Map<string, Seen>();
  /** Why it is not known where events of a type would be run; by type. */
  readonly #faults = new Map<string, TransporterError>();
  /** Resolves with the next look. */
  #next = Promise.withResolvers<void>();

  /** Makes one that has not looked yet. */
  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#watched = options.executors;
  }

  /**
   * Looks for the first time. When it sees nothing, that is made up for later.
   *
   * @throws {TransporterError} `other_cluster`.
   */
  async open(): Promise<void> {
    await this.#look(FIRST_LOOK_MS_MAX);
  }

  /**
   * Looks again and again, until the signal aborts.
   *
   * @throws {TransporterError} `other_cluster`.
   */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (this.#watched.length > 0) {
      const isBlind = this.#watched.some(({ info: { type } }) =>
        this.#seen.get(type) === "nothing"
      );
      await clock.sleep(isBlind ? LOOK_AGAIN_MS : LOOK_MS, { signal })
        .catch(() => {});
      if (signal.aborted) return;
      await this.#look(LOOK_MS_MAX, signal);
    }
  }

  /** What the control plane should know: the types of which nothing new may be taken. */
  get figures(): Readonly<Record<string, readonly string[]>> {
    const types = [...this.#faults.keys()];
    return types.length === 0 ? {} : { types_not_taken: types };
  }

  /** Why nothing new of a type may be taken: nobody knows yet where it would be done. */
  fault(type: string): TransporterError | undefined {
    const cause = this.#faults.get(type);
    if (cause === undefined) return undefined;
    return new TransporterError(
      cause.retryable ? cause.code : "unavailable",
      `Cannot take the event before it is known where "${type}" works: ${cause.message}`,
      { cause, details: { retry_after_ms: LOOK_AGAIN_MS, type_only: true } },
    );
  }

  /** Resolves when it is known where a type works, or when the signal aborts. */
  async known(type: string, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    while (!signal.aborted && this.#faults.has(type)) {
      await Promise.race([this.#next.promise, over.promise]);
    }
  }

  async #look(limitMs: number, signal?: AbortSignal): Promise<void> {
    const reason = () =>
      new TransporterError(
        "unavailable",
        `No answer came in ${limitMs / 1000} s`,
      );
    using limit = deadline(this.#options.clock, limitMs, { reason, signal });
    const looks = this.#watched.map(async (executor) => {
      const isWatched = await this.#lookAt(executor, limit.signal);
      return isWatched ? [executor] : [];
    });
    this.#watched = (await Promise.all(looks)).flat();
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Whether it makes a difference where the executor works. */
  async #lookAt(executor: Executor, signal: AbortSignal): Promise<boolean> {
    const { info: { type } } = executor;
    let place: string | undefined;
    try {
      place = await executor.place(signal);
    } catch (error) {
      const reason = TransporterError.from(error);
      if (reason.code !== "cancelled") this.#sawNone(type, reason);
      return true;
    }
    this.#faults.delete(type);
    if (place === undefined) return false;
    this.#compare(type, place);
    return true;
  }

  #compare(type: string, place: string): void {
    const { journal, log } = this.#options;
    const noted = journal.meta.places?.[type];
    if (noted !== undefined && noted !== place) {
      throw new TransporterError(
        "other_cluster",
        `Cannot run "${type}" in ${place} as the journal in this data folder is of ${noted}: lead the agent back there, ` +
          "or give it a data folder of its own, after which what it was handed before counts as interrupted",
        { details: { type, noted, found: place } },
      );
    }
    if (noted === undefined) journal.settle(type, place);
    if (this.#seen.get(type) === "known") return;
    log.info("The place of work is known", { type, place });
    this.#seen.set(type, "known");
  }

  /** It was not to be seen: one that may not be known is worked in all the same. */
  #sawNone(type: string, error: TransporterError): void {
    const { journal, log } = this.#options;
    // A server without what to know it by may still be starting, unless it never was seen.
    const isSecret = error.code === "denied" || error.code === "not_found" &&
        journal.meta.places?.[type] === undefined;
    const seen = isSecret ? "secret" : "nothing";
    const before = this.#seen.get(type);
    this.#seen.set(type, seen);
    if (isSecret) this.#faults.delete(type);
    else if (before === undefined || this.#faults.has(type)) {
      this.#faults.set(type, error);
    }
    if (before === seen) return;
    const what = isSecret
      ? "Another place of work would not be noticed"
      : "The place of work cannot be seen now";
    log.warn(what, { type, error });
  }
}
