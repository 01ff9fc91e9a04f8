/** The port through which time enters the core; the simulator brings its own. */
export interface Clock {
  /** The time of day, in milliseconds since 1970; may jump. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. For measuring how long things take. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  // deno-lint-ignore transporter/ambient -- the one place where real time enters
  now: () => Date.now(),
  // deno-lint-ignore transporter/ambient -- the one place where real time enters
  monotonic: () => performance.now(),
  async sleep(ms, options = {}) {
    let restMs = ms;
    for (; restMs > TIMER_MS_MAX; restMs -= TIMER_MS_MAX) {
      await wait(TIMER_MS_MAX, options);
    }
    await wait(restMs, options);
  },
};

/** The longest that a timer takes: a longer one goes off at once. An event may have 30 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function wait(
  ms: number,
  { signal }: { readonly signal?: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    function abort() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    // deno-lint-ignore transporter/ambient -- the one place where real time enters
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** A signal that a clock aborts; dispose it when the work it bounds is over: nothing aborts it after that. */
export interface Deadline extends Disposable {
  /** Aborts after the time given, or with the signal given. */
  readonly signal: AbortSignal;
}

/**
 * Why something that was bounded, or that goes on until it is called off, ends
 * well. One for all: an abort without a reason makes a new error each time,
 * with its stack.
 */
export const IN_TIME: DOMException = new DOMException(
  "The work was done in time",
  "AbortError",
);

/**
 * Bounds some work in time.
 *
 * @param clock Where time comes from.
 * @param ms How long the work may take, in milliseconds.
 * @param options `reason`: what the signal aborts with, or what makes it: an error takes long to
 * make, and most work is done in time; `signal`: another reason to give up.
 * @returns A signal, and the way to release its timer.
 */
export function deadline(
  clock: Clock,
  ms: number,
  options: {
    readonly reason: Error | (() => Error);
    readonly signal?: AbortSignal | undefined;
  },
): Deadline {
  const expiry = new AbortController();
  const done = new AbortController();
  const { reason, signal } = options;
  clock.sleep(ms, { signal: done.signal }).then(
    () => expiry.abort(typeof reason === "function" ? reason() : reason),
    () => {}, // disposed first: the work was done in time
  );
  // Every request has one of these, and `AbortSignal.any()` costs as much as all the rest.
  const giveUp = () => expiry.abort(signal?.reason);
  if (signal?.aborted) giveUp();
  else signal?.addEventListener("abort", giveUp, { once: true });
  return {
    signal: expiry.signal,
    [Symbol.dispose]() {
      signal?.removeEventListener("abort", giveUp);
      done.abort(IN_TIME);
    },
  };
}

/**
 * Stops waiting for some work when a signal aborts; whoever does the work may
 * not listen.
 *
 * @returns What the work leads to.
 * @throws The signal's reason, or what the work throws.
 */
export async function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
