import {
  abortable,
  type Clock,
  deadline,
  TransporterError,
} from "@transporter/sdk";
import type { Store } from "../store/store.ts";

/** How long an answer of the store counts, in milliseconds: many may ask, the disk is asked once. */
const FRESH_MS = 1000;

/** How long the store may take to commit something small, in milliseconds; a fault has to be told within five seconds (G15). */
const PROBE_MS_MAX = 2000;

/** Options of {@linkcode Readiness}. */
export interface ReadinessOptions {
  /** What has to be able to commit. */
  readonly store: Pick<Store, "probe" | "listEvents">;
  /** Whose newest event the clock is compared with. */
  readonly tenant: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Aborts when the control plane is about to stop. */
  readonly stopping: AbortSignal;
  /** What else it knows of that cannot do its work. */
  readonly others?: () => TransporterError | undefined;
}

/** How far this machine's clock may be behind the newest event, in milliseconds: it was right when that was accepted. */
const CLOCK_BACK_MS_MAX = 5 * 60_000;

type Verdict = TransporterError | undefined;

/** Knows whether the control plane can do its work, by trying. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #probe: Promise<Verdict> | undefined;
  #last: { readonly at: number; readonly verdict: Verdict } | undefined;

  /** Makes one that has not looked yet. */
  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Why the control plane cannot do its work; `undefined` when it can. Never rejects, and takes little more than two seconds. */
  async fault(): Promise<TransporterError | undefined> {
    const { clock, stopping } = this.#options;
    if (stopping.aborted) {
      return new TransporterError(
        "unavailable",
        "Cannot take more work as the control plane stops",
      );
    }
    const other = this.#options.others?.();
    if (other !== undefined) return other;
    const last = this.#last;
    if (last !== undefined && clock.monotonic() - last.at < FRESH_MS) {
      return last.verdict;
    }
    // A probe that hangs is waited for, and not joined by others.
    const verdict = await this.#bounded(this.#probe ??= this.#ask());
    this.#last = { at: clock.monotonic(), verdict };
    return verdict;
  }

  async #ask(): Promise<Verdict> {
    try {
      await this.#options.store.probe();
      return await this.#clockFault();
    } catch (error) {
      return TransporterError.from(error);
    } finally {
      this.#probe = undefined;
    }
  }

  /** Deadlines that were given by a clock far ahead of this one would come too late. */
  async #clockFault(): Promise<Verdict> {
    const { store, tenant, clock } = this.#options;
    const [newest] = await store.listEvents(tenant, { limit: 1 });
    const ms = (newest?.acceptedAt ?? -Infinity) - clock.now();
    if (ms <= CLOCK_BACK_MS_MAX) return undefined;
    return new TransporterError(
      "clock_skew",
      `Cannot rely on the clock of this machine as it is ${
        Math.round(ms / 1000)
      } s behind the newest event: set it right`,
    );
  }

  async #bounded(probe: Promise<Verdict>): Promise<Verdict> {
    try {
      return await this.within(probe);
    } catch (error) {
      return TransporterError.from(error);
    }
  }

  /**
   * Waits for an answer of the store, no longer than for a probe: it may have
   * stopped since it last answered one.
   *
   * @throws {TransporterError} `store_unavailable` when it takes longer; what the work throws.
   */
  async within<T>(work: Promise<T>): Promise<T> {
    const reason = new TransporterError(
      "store_unavailable",
      `Cannot rely on the store as it has not answered for ${PROBE_MS_MAX} ms`,
    );
    using limit = deadline(this.#options.clock, PROBE_MS_MAX, { reason });
    return await abortable(work, limit.signal);
  }
}
