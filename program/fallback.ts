import {
  type Clock,
  type Dial,
  type DialOptions,
  type Logger,
  shownUrl,
  TransporterError,
  type Wire,
} from "@transporter/sdk";

/** Options of {@linkcode withFallback}. */
export interface FallbackOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** For the operator. */
  readonly log: Logger;
}

/** Upgrades that may fail before long polls are used. */
const FAILURES_MAX = 3;

/** How often a WebSocket is tried again, in milliseconds. */
const AGAIN_MS = 10 * 60_000;

/** How long that may take, in milliseconds. */
const PROBE_MS_MAX = 10_000;

/** How fast a control plane answers that has time, in milliseconds. */
const QUICK_MS = 2_000;

/** What is known of the way to one URL. */
interface Way {
  /** Upgrades that failed one after the other. */
  failures: number;
  /** How long long polls may take to begin, in milliseconds: after silence, they prove that it was not the control plane's. */
  patienceMs: number;
  /** Until when long polls are used at once, by the clock's `monotonic`. */
  until: number;
}

/**
 * Whether whoever answered takes no WebSocket: the connection was there, or
 * silent, and it was not the control plane that said "not now".
 */
function isUpgradeRefused({ code, details }: TransporterError): boolean {
  if (code === "timeout") return true;
  const status = details?.["status"];
  return details?.["connected"] === true && status !== 401 && status !== 429 &&
    status !== 503;
}

/**
 * Dials a WebSocket, and where three upgrades in a row have failed, long polls
 * to the same place. Meanwhile a WebSocket is tried every ten minutes; as soon
 * as one opens, the wire in use is closed, so that the next one is a WebSocket.
 *
 * @param socket Dials a WebSocket.
 * @param polls Dials long polls.
 * @param options What it works with.
 */
export function withFallback(
  socket: Dial,
  polls: Dial,
  options: FallbackOptions,
): Dial {
  const ways = new Map<string, Way>();
  const { clock, log } = options;

  async function fallBack(
    url: URL,
    way: Way,
    dialOptions: DialOptions,
  ): Promise<Wire> {
    const late = new AbortController();
    if (way.patienceMs < Infinity) {
      clock.sleep(way.patienceMs, { signal: late.signal }).then(
        () => late.abort(new TransporterError("timeout", "No answer")),
        () => {}, // it was answered
      );
    }
    try {
      const place = new URL(url.href.replace(/^ws/, "http"));
      const signal = AbortSignal.any([late.signal, dialOptions.signal]);
      const wire = await polls(place, { ...dialOptions, signal });
      way.patienceMs = Infinity;
      return watched(wire, async (signal) => {
        await probe(url, { dialOptions, signal });
        way.failures = way.until = 0;
      });
    } catch (reason) {
      way.until = 0; // they are no better: the next try is a WebSocket again
      throw reason;
    } finally {
      late.abort();
    }
  }

  /** Resolves when a WebSocket has opened. */
  async function probe(
    url: URL,
    { dialOptions, signal }: {
      readonly dialOptions: DialOptions;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    while (true) {
      await clock.sleep(AGAIN_MS, { signal });
      const late = new AbortController();
      const limit = AbortSignal.any([late.signal, signal]);
      clock.sleep(PROBE_MS_MAX, { signal: limit }).then(
        () => late.abort(new TransporterError("timeout", "No answer")),
        () => {}, // it was answered
      );
      try {
        const wire = await socket(url, { ...dialOptions, signal: limit });
        await wire.close();
        log.info("WebSockets go through again", { url: shownUrl(url) });
        return;
      } catch (error) {
        log.debug("WebSockets do not go through yet", { error });
      } finally {
        late.abort();
      }
    }
  }

  return async (url, dialOptions) => {
    const way = ways.get(url.href) ?? {
      failures: 0,
      patienceMs: Infinity,
      until: 0,
    };
    ways.set(url.href, way);
    if (clock.monotonic() < way.until) {
      return await fallBack(url, way, dialOptions);
    }
    try {
      const wire = await socket(url, dialOptions);
      way.failures = 0;
      return wire;
    } catch (reason) {
      const error = TransporterError.from(reason);
      if (!isUpgradeRefused(error)) throw error;
      if (++way.failures < FAILURES_MAX) throw error;
      way.until = clock.monotonic() + AGAIN_MS;
      way.patienceMs = error.code === "timeout" ? QUICK_MS : Infinity;
      log.warn(
        "No WebSocket goes through: long polls are used, and a WebSocket is tried again every ten minutes",
        { url: shownUrl(url), error },
      );
      if (dialOptions.signal.aborted) throw error;
      return await fallBack(url, way, dialOptions);
    }
  };
}

/** The same wire, which is closed once something has happened; ends that with the wire. */
function watched(
  wire: Wire,
  until: (signal: AbortSignal) => Promise<void>,
): Wire {
  const over = new AbortController();
  until(over.signal).then(() => wire.close(), () => {}); // the wire was first
  async function* frames(): AsyncGenerator<string, void, undefined> {
    try {
      yield* wire.frames;
    } finally {
      over.abort();
    }
  }
  return {
    frames: frames(),
    send: (frame) => wire.send(frame),
    async close(reason) {
      over.abort();
      await wire.close(reason);
    },
  };
}
