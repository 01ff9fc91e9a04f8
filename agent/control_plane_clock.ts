import { type Clock, TransporterError } from "@transporter/sdk";

/** One measurement: how far the control plane's time is ahead of our monotonic one. */
interface Sample {
  readonly aheadMs: number;
  /** How wrong that was at most: half of the time that the question and its answer took together. */
  readonly errorMs: number;
  readonly takenAt: number;
  /** How far this machine's time of day was ahead of its monotonic clock. */
  readonly dayMs: number;
}

/** How wrong a deadline may be judged, in milliseconds (docs/guarantees.md G5). */
const ERROR_MS_MAX = 2_000;

/** How far two clocks drift apart in a millisecond: NTP makes one that is wrong as much faster or slower. */
const DRIFT = 500e-6;

/**
 * How far the control plane's time may be from this machine's, in milliseconds:
 * beyond it one of the two is wrong, and nothing tells which.
 */
const OFFSET_MS_MAX = 5 * 60_000;

/** A clock is not set right within a second. */
const SKEW = { details: { retry_after_ms: 30_000 } };

/** Disagreement beyond the two errors that means that one of the clocks was set, in milliseconds. */
const JUMP_MS = 500;

/**
 * The time of day at the control plane, by which deadlines are kept. It is
 * carried on by the monotonic clock, so that setting the agent's own clock
 * changes nothing. Before a control plane has told its time, or when it never
 * does (v1), it is the agent's own time.
 */
export class ControlPlaneClock {
  readonly #clock: Clock;
  #best: Sample | undefined;
  /**
   * Whether the control plane gives its time. One of version 1 never does, and
   * then deadlines follow the agent's own clock.
   */
  given = false;
  /** Whether the answer is on its way by which the time will be known better. */
  asked = false;

  /** Measures with this clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time of day at the control plane, in milliseconds since 1970. */
  now(): number {
    if (this.#best === undefined) return this.#clock.now();
    return Math.round(this.#clock.monotonic() + this.#best.aheadMs);
  }

  /** How far the control plane's time is ahead of ours, in milliseconds; `undefined` while unknown. */
  get offsetMs(): number | undefined {
    return this.#best === undefined
      ? undefined
      : this.now() - this.#clock.now();
  }

  get #dayMs(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }

  /** How wrong the time may be, in milliseconds. */
  get #errorMs(): number {
    if (this.#best === undefined) return 0;
    const { errorMs, takenAt, dayMs } = this.#best;
    // Monotonic clocks stand still while a machine sleeps, and times of day are set right after it.
    const sleptMs = Math.max(0, this.#dayMs - dayMs);
    const ageMs = this.#clock.monotonic() - takenAt;
    return errorMs + ageMs * DRIFT + sleptMs;
  }

  /** Whether the time is known no better than what is allowed for deadlines, or not at all. */
  get vague(): boolean {
    return this.#best === undefined || this.#errorMs > ERROR_MS_MAX;
  }

  /**
   * Whether a deadline may be over: what is not known better counts against it,
   * but for the error that is allowed.
   *
   * @param deadline In milliseconds since 1970 at the control plane.
   */
  mayBeOver(deadline: number): boolean {
    return deadline <= this.now() + Math.max(0, this.#errorMs - ERROR_MS_MAX);
  }

  /** Whether it will be known soon if a deadline is over, and is not now. */
  isUnclear(deadline: number): boolean {
    return this.asked && this.mayBeOver(deadline) &&
      deadline > this.now() - this.#errorMs;
  }

  /** Why nothing may be started by this time; `undefined` when there is no reason. */
  get fault(): TransporterError | undefined {
    const { offsetMs } = this;
    if (!this.given) return undefined;
    if (offsetMs === undefined) {
      return new TransporterError(
        "clock_skew",
        "Cannot start events as the control plane's time is not known",
        SKEW,
      );
    }
    if (Math.abs(offsetMs) <= OFFSET_MS_MAX) return undefined;
    const seconds = Math.round(Math.abs(offsetMs) / 1000);
    const side = offsetMs > 0 ? "behind" : "ahead of";
    return new TransporterError(
      "clock_skew",
      `Cannot start events as this machine's clock is ${seconds} s ${side} the control plane's: at most 300 s are believed`,
      SKEW,
    );
  }

  /**
   * Takes a measurement into account if it is better than what is known.
   *
   * @param serverTimeMs What the control plane said, in milliseconds since 1970.
   * @param askedAt When it was asked, by the monotonic clock.
   */
  measured(serverTimeMs: number, askedAt: number): void {
    const takenAt = this.#clock.monotonic();
    const errorMs = (takenAt - askedAt) / 2;
    const aheadMs = serverTimeMs - (askedAt + takenAt) / 2;
    const best = this.#best;
    const better = best === undefined || errorMs <= this.#errorMs ||
      Math.abs(aheadMs - best.aheadMs) > errorMs + this.#errorMs + JUMP_MS;
    if (!better) return;
    this.#best = { aheadMs, errorMs, takenAt, dayMs: this.#dayMs };
  }
}
