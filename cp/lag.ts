import type { Clock } from "@transporter/sdk";
import type { ControlPlaneMetrics } from "./metrics.ts";

/** Milliseconds between looks at how late timers are. */
const LAG_MS = 500;

/** Measures how late timers are, until the signal aborts. */
export async function watchLag({ clock, metrics, signal }: {
  readonly clock: Clock;
  readonly metrics: ControlPlaneMetrics;
  readonly signal: AbortSignal;
}): Promise<void> {
  while (!signal.aborted) {
    const before = clock.monotonic();
    await clock.sleep(LAG_MS, { signal }).catch(() => {}); // the loop sees that it is over
    metrics.lagged(Math.max(0, clock.monotonic() - before - LAG_MS) / 1000);
  }
}
