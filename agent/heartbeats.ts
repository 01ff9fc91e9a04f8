import {
  type Clock,
  formatTime,
  type HeartbeatAckFrame,
  type HeartbeatFrame,
  type Link,
  parseTime,
  TransporterError,
  type WelcomeFrame,
} from "@transporter/sdk";
import type { ControlPlaneClock } from "./control_plane_clock.ts";

/** What an agent tells of itself with each heartbeat. */
export interface Figures {
  /** The state of its link. */
  readonly link: Readonly<Record<string, unknown>>;
  /** What it does. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** Options of {@linkcode Heartbeats}. */
export interface HeartbeatsOptions {
  /** Where they go. */
  readonly link: Link;
  /** What was agreed on; `undefined` with a v1 control plane. */
  readonly welcome: WelcomeFrame | undefined;
  /** When the agent registered, by the clock's `monotonic`. */
  readonly askedAt: number;
  /** The longest time between two of them, in milliseconds. */
  readonly heartbeatMs: number;
  /** What the agent tells of itself. */
  readonly figures: () => Figures;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Learns the control plane's time. */
  readonly controlPlaneClock: ControlPlaneClock;
  /** Called when it has, or will not soon. */
  readonly measured: () => void;
}

/** Heartbeats never come closer than this, in milliseconds, whatever the control plane asks for. */
const HEARTBEAT_MS_MIN = 100;

/** Heartbeats whose answers are waited for: more than are on their way when each is answered. */
const ASKED_MAX = 500;

/** The signs of life of one session, both ways, and the time of day that they carry. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  /** The heartbeats that may still be answered, the oldest first: a slow link has several on their way. */
  readonly #asked: { readonly timestamp: string; readonly at: number }[] = [];

  /** Over how many milliseconds agents spread their return, as the control plane said last. */
  spreadMs = 0;

  /**
   * Takes the time of day of the welcome, if there is one. When that was slow to
   * come, the time is asked for once more at once.
   */
  constructor(options: HeartbeatsOptions) {
    const { welcome, askedAt, controlPlaneClock } = options;
    this.#options = options;
    controlPlaneClock.given = welcome !== undefined;
    if (welcome === undefined) return;
    this.#measure(welcome.server_time, askedAt);
    controlPlaneClock.asked = controlPlaneClock.vague;
    options.measured();
  }

  /** Takes an answer. */
  answered(
    { timestamp, server_time: serverTime, spread_ms: spreadMs = 0 }:
      HeartbeatAckFrame,
  ): void {
    this.spreadMs = spreadMs;
    const index = this.#asked.findIndex((asked) =>
      asked.timestamp === timestamp
    );
    const asked = this.#asked[index];
    if (asked === undefined) return;
    this.#asked.splice(0, index + 1); // those before it were lost, or are not answered
    this.#measure(serverTime, asked.at);
    this.end();
  }

  /** No better time is to be waited for. */
  end(): void {
    const { controlPlaneClock, measured } = this.#options;
    controlPlaneClock.asked = false;
    measured();
  }

  /**
   * Sends heartbeats until the signal aborts, and closes the link when a v2
   * control plane has been silent for too long; a v1 one always is. Once; never
   * rejects.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, link, welcome, heartbeatMs } = this.#options;
    const { heartbeat_ms: wantedMs = Infinity, idle_ms: silenceMs = Infinity } =
      welcome ?? {};
    const everyMs = Math.max(
      HEARTBEAT_MS_MIN,
      Math.min(heartbeatMs, wantedMs),
    );
    const idleMs = Math.max(HEARTBEAT_MS_MIN, silenceMs);
    const { asked } = this.#options.controlPlaneClock;
    let dueAt = clock.monotonic() + (asked ? 0 : everyMs);
    try {
      while (true) {
        const now = clock.monotonic();
        const idleAt = link.receivedAt + idleMs;
        if (now >= idleAt) return await link.close(silent(idleMs));
        if (now >= dueAt) {
          dueAt = now + everyMs;
          await link.send(this.#heartbeat());
        }
        await clock.sleep(Math.min(dueAt, idleAt) - now, { signal });
      }
    } catch (reason) {
      // Only the end of the session ends it.
      if (signal.aborted) return;
      await link.close(TransporterError.from(reason));
    }
  }

  #heartbeat(): HeartbeatFrame {
    const { clock, figures, welcome } = this.#options;
    const timestamp = formatTime(clock.now());
    if (welcome === undefined) {
      return { type: "heartbeat", timestamp, metrics: {} };
    }
    this.#asked.push({ timestamp, at: clock.monotonic() });
    if (this.#asked.length > ASKED_MAX) this.#asked.shift();
    return { type: "heartbeat", timestamp, ...figures() };
  }

  #measure(serverTime: string, askedAt: number): void {
    const at = parseTime(serverTime);
    if (at === undefined) return;
    this.#options.controlPlaneClock.measured(at, askedAt);
  }
}

function silent(idleMs: number): TransporterError {
  return new TransporterError(
    "timeout",
    `Cannot go on as the control plane was silent for ${idleMs} ms`,
  );
}
