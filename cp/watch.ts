import { type Link, TransporterError } from "@transporter/sdk";

/** Milliseconds that one frame may take to be written: a peer that stopped reading is dropped. */
const WRITE_MS_MAX = 30_000;

/** What is found of a link. */
export interface Watched {
  /** Why it is to be closed, if it is. */
  readonly gone?: TransporterError;
  /** Milliseconds after which that may be, if nothing is heard until then. */
  readonly restMs: number;
}

/**
 * Looks at a link whose far end may vanish without a word.
 *
 * @param link The link.
 * @param options Now, by the link's clock, and the milliseconds without any frame after which the far end counts as gone.
 */
export function watched(
  link: Pick<Link, "receivedAt" | "writingSince">,
  { now, idleMs }: { readonly now: number; readonly idleMs: number },
): Watched {
  const silentMs = now - link.receivedAt;
  const writingMs = now - (link.writingSince ?? now);
  const restMs = Math.min(idleMs - silentMs, WRITE_MS_MAX - writingMs);
  if (restMs > 0) return { restMs };
  const found = silentMs >= idleMs
    ? `nothing was heard from it for ${Math.round(silentMs)} ms`
    : `it has not read for ${Math.round(writingMs)} ms`;
  const gone = new TransporterError(
    "timeout",
    `Cannot keep the session of the agent as ${found}`,
  );
  return { gone, restMs: WRITE_MS_MAX };
}
