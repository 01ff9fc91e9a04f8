import { type Clock, type Link, TransporterError } from "@transporter/sdk";

/** Milliseconds that one frame may take to be written: a peer that stopped reading is dropped. */
const WRITE_MS_MAX = 30_000;

/** Milliseconds between looks. */
const LOOK_MS = 5000;

/** Options of {@linkcode watch}. */
export interface WatchOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** Milliseconds without any frame after which the far end counts as gone. */
  readonly idleMs: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Watches over a link whose far end may vanish without a word.
 *
 * @returns Resolves with the reason to close it, or with `undefined` when the signal aborts. Never rejects.
 */
export async function watch(
  link: Link,
  { clock, idleMs, signal }: WatchOptions,
): Promise<TransporterError | undefined> {
  while (!signal.aborted) {
    const now = clock.monotonic();
    const silentMs = now - link.receivedAt;
    const writingMs = now - (link.writingSince ?? now);
    if (silentMs >= idleMs) {
      return gone(`nothing was heard from it for ${Math.round(silentMs)} ms`);
    }
    if (writingMs >= WRITE_MS_MAX) {
      return gone(`it has not read for ${Math.round(writingMs)} ms`);
    }
    const ms = Math.min(LOOK_MS, idleMs - silentMs);
    await clock.sleep(ms, { signal }).catch(() => {}); // the loop sees that it is over
  }
  return undefined;
}

function gone(found: string): TransporterError {
  return new TransporterError(
    "timeout",
    `Cannot keep the session of the agent as ${found}`,
  );
}
