import { type Clock, retryAfterMs, TransporterError } from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";
import type { Journal } from "./journal.ts";
import type { Places } from "./places.ts";
import type { Runner } from "./runner.ts";

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  /** Whether there is room to note something new. */
  readonly journal: Journal;
  /** How much is in hand. */
  readonly runner: Runner;
  /** Whether the time is believed. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** Whether it is known where the agent works. */
  readonly places: Places;
  /** Where time comes from. */
  readonly clock: Clock;
}

/**
 * Says whether a new event is taken now. Once one was refused for now, so is
 * what comes behind it on the same link until it may come again: it was
 * released later, and would overtake the other one if the link broke before the
 * control plane heard of the refusal.
 */
export class Gate {
  readonly #options: GateOptions;
  #refused:
    | { readonly error: TransporterError; readonly until: number }
    | undefined;

  /** Makes one that has refused nothing. */
  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** A new link begins: what was refused comes again, in its place. */
  reopen(): void {
    this.#refused = undefined;
  }

  /**
   * Why the next new event is not taken; `undefined` when it is.
   *
   * @param comesAgain Whether the control plane sends it again later; one of version 1 does not.
   */
  refusal(comesAgain: boolean): TransporterError | undefined {
    const error = this.#reason();
    if (!comesAgain) return error;
    const now = this.#options.clock.monotonic();
    if (error !== undefined) {
      this.#refused = { error, until: now + (retryAfterMs(error) ?? 0) };
      return error;
    }
    if (this.#refused === undefined || this.#refused.until <= now) {
      return undefined;
    }
    const { error: cause, until } = this.#refused;
    return new TransporterError(
      cause.code,
      "Cannot take the event before one that was refused a moment ago",
      { cause, details: { retry_after_ms: Math.ceil(until - now) } },
    );
  }

  #reason(): TransporterError | undefined {
    const { controlPlaneClock, places, journal, runner } = this.#options;
    const reason = controlPlaneClock.fault ?? places.fault ??
      journal.refusal();
    if (reason !== undefined || !runner.crowded) return reason;
    return new TransporterError(
      "exhausted",
      "Cannot take the event as too many are in hand already",
      { details: { retry_after_ms: 10_000 } },
    );
  }
}
