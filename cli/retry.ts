import {
  type Clock,
  formatDuration,
  fullJitter,
  type Rng,
  TransporterError,
} from "@transporter/sdk";

/** How often, and how patiently. */
export interface RetryOptions {
  /** Tries in all; `Infinity` for as long as the signal lets. */
  readonly triesMax: number;
  /** Time. */
  readonly clock: Clock;
  /** Jitter. */
  readonly rng: Rng;
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Takes a line for people. */
  readonly note: (line: string) => void;
}

/** The first delay and the longest one, in milliseconds. */
const DELAYS = { initialMs: 250, maxMs: 5_000 };

/** A control plane that asks for more patience than this is given up on, in milliseconds. */
const RETRY_AFTER_MS_MAX = 30_000;

/** What the control plane asked for. */
function askedMs(error: TransporterError): number {
  const value = error.details?.["retry_after_ms"];
  return typeof value === "number" ? value : 0;
}

/**
 * Tries something again while it fails with an error that allows it.
 *
 * @param what Called for each try; has to be safe to repeat.
 * @param options How often.
 * @returns What the first try that succeeded returned.
 * @throws {TransporterError} What the last try threw. Once any try may have been
 * dealt with unseen, `details.maybe_done` is true.
 */
export async function retry<T>(
  what: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { triesMax, clock, rng, signal, note } = options;
  let maybeDone = false;
  for (let tries = 1;; tries++) {
    let error: TransporterError;
    try {
      return await what();
    } catch (cause) {
      error = TransporterError.from(cause);
    }
    maybeDone ||= error.details?.["maybe_done"] === true;
    const asked = askedMs(error);
    const again = error.retryable && error.details?.["final"] !== true &&
      tries < triesMax && !signal.aborted && asked <= RETRY_AFTER_MS_MAX;
    if (!again) throw error.retryable && maybeDone ? marked(error) : error;
    const delayMs = Math.max(asked, fullJitter(tries - 1, rng, DELAYS));
    const shown = formatDuration(Math.ceil(delayMs / 100) * 100e6);
    note(`${error.message}; trying again in ${shown}`);
    try {
      await clock.sleep(delayMs, { signal });
    } catch (cause) {
      const stopped = stoppedBy(signal, cause);
      throw maybeDone ? marked(stopped) : stopped;
    }
  }
}

function marked(error: TransporterError): TransporterError {
  return new TransporterError(error.code, error.message, {
    cause: error.cause,
    details: { ...error.details, maybe_done: true },
  });
}

/** Why a signal aborted: its own error, or `cancelled`. */
export function stoppedBy(
  signal: AbortSignal,
  cause: unknown,
): TransporterError {
  return signal.reason instanceof TransporterError
    ? signal.reason
    : new TransporterError("cancelled", "Stopped as asked", { cause });
}
