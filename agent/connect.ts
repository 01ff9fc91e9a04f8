import {
  type Clock,
  deadline,
  type Dial,
  fullJitter,
  type Logger,
  MESSAGE_BYTES_MAX,
  type Rng,
  shownUrl,
  TransporterError,
  type Wire,
} from "@transporter/sdk";
import type { SessionEnd } from "./session.ts";

/** Options of {@linkcode stayConnected}. */
export interface ConnectOptions {
  /** Where the control plane is, tried in turn. */
  readonly urls: readonly URL[];
  /** How to dial, by URL scheme. */
  readonly dials: Readonly<Record<string, Dial>>;
  /** The agent that dials. */
  readonly agentId: string;
  /** Holds a session; resolves when it is over, never rejects. */
  readonly converse: (wire: Wire) => Promise<SessionEnd>;
  /** The longest pause after a failure, in milliseconds; by default half a minute. */
  readonly pauseMsMax?: number;
  /** Called when there is no session, with the reason. */
  readonly lost?: (error: TransporterError | undefined) => void;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Where the jitter comes from. */
  readonly rng: Rng;
  /** For the operator. */
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How long dialling may take, in milliseconds. */
const DIAL_MS_MAX = 10_000;

/** A session that lived this long was a good one: after it the delays start small again, in milliseconds. */
const LIVED_MS = 10_000;

/** The longest that a return is spread over, in milliseconds, whatever a control plane says. */
const SPREAD_MS_MAX = 60_000;

/** How long to stay away when another agent took this one's place, in milliseconds: two with one id would push each other out for ever. */
const SUPERSEDED_MS = 60_000;

/**
 * Opens one session after the other until aborted, with pauses of full jitter
 * in between: one that fails, or is closed right after the registration as the
 * Go control plane does on a takeover, only makes the next pause longer. After
 * one that the control plane drained, the pause is what that asked for. When it
 * is away after a good session, the agents of a large control plane spread their
 * return once, as that told them to: one lost link among many comes back at once.
 *
 * @param options Where to, how, and what a session is.
 */
export async function stayConnected(options: ConnectOptions): Promise<void> {
  const { urls, log, signal } = options;
  let failures = 0;
  let turn = 0;
  let spreadMs = 0;
  while (!signal.aborted) {
    const url = urls[turn % urls.length];
    if (url === undefined) throw new RangeError("Cannot connect without a URL");
    const end = await attempt(url, options);
    const { error, livedMs, away } = end;
    if (signal.aborted) return;
    options.lost?.(error);
    if (away !== undefined) {
      failures = 0;
      await pause(away.afterMs + options.rng.next() * away.jitterMs, options);
      continue;
    }
    const lived = livedMs >= LIVED_MS;
    if (lived) {
      failures = 0;
      spreadMs = Math.min(end.spreadMs ?? 0, SPREAD_MS_MAX);
    } else turn++;
    const round = lived || turn % urls.length === 0;
    let pauseMs = round ? pauseAfter(error, failures, options) : 0;
    if (round) failures++;
    if (round && !lived && spreadMs > 0) {
      pauseMs = Math.max(pauseMs, options.rng.next() * spreadMs);
      spreadMs = 0;
    }
    log.warn("No connection to the control plane", {
      url: shownUrl(url),
      lived_ms: Math.round(livedMs),
      retry_ms: Math.round(pauseMs),
      error,
    });
    await pause(pauseMs, options);
  }
}

async function pause(
  ms: number,
  { clock, signal }: ConnectOptions,
): Promise<void> {
  await clock.sleep(ms, { signal }).catch((reason) => {
    if (!signal.aborted) throw reason;
  });
}

async function attempt(url: URL, options: ConnectOptions): Promise<SessionEnd> {
  const { agentId, dials, converse, clock, signal } = options;
  let wire: Wire;
  try {
    const dial = dialOf(url, dials);
    using limit = deadline(clock, DIAL_MS_MAX, {
      reason: () =>
        new TransporterError(
          "timeout",
          `Cannot connect to "${url.host}" as it does not answer`,
        ),
      signal,
    });
    wire = await dial(url, {
      signal: limit.signal,
      frameBytesMax: MESSAGE_BYTES_MAX,
      agentId,
    });
  } catch (reason) {
    return { error: TransporterError.from(reason), livedMs: 0 };
  }
  return await converse(wire);
}

/**
 * Finds how to dial a URL.
 *
 * @throws {TransporterError} `usage` for a scheme that nobody dials.
 */
export function dialOf(url: URL, dials: Readonly<Record<string, Dial>>): Dial {
  const scheme = url.protocol.slice(0, -1);
  const dial = Object.hasOwn(dials, scheme) ? dials[scheme] : undefined;
  if (dial !== undefined) return dial;
  const known = Object.keys(dials).map((name) => `"${name}://"`).join(", ");
  throw new TransporterError(
    "usage",
    `Cannot connect to "${shownUrl(url)}": its scheme must be one of ${known}`,
  );
}

function pauseAfter(
  error: TransporterError | undefined,
  failures: number,
  { rng, pauseMsMax: maxMs = 30_000 }: ConnectOptions,
): number {
  switch (error?.code) {
    case "superseded":
      return SUPERSEDED_MS;
    case "unauthenticated":
    case "denied":
      return fullJitter(failures, rng, { initialMs: 500, maxMs: 300_000 });
    default:
      return fullJitter(failures, rng, { initialMs: 500, maxMs });
  }
}
