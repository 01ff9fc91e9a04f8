/** Time, as the wires of HTTP and NATS need it: the simulator brings its own. */
export interface Timers {
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /** Calls back after some milliseconds, unless what is returned is called before. */
  after(ms: number, call: () => void): () => void;
}

/** The machine's. */
export const systemTimers: Timers = {
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after some milliseconds, or when the signal aborts. */
export function pause(
  timers: Timers,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const cancel = timers.after(ms, stop);
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => {
    cancel();
    signal.removeEventListener("abort", stop);
  });
}
