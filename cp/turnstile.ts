import {
  type Clock,
  type Link,
  type RegistrationFrame,
  TransporterError,
} from "@transporter/sdk";

/**
 * Agents that may be about to register at a time: what a second or two of one
 * thread is enough for. An agent gives up after ten, which would be work for
 * nothing.
 */
const REGISTERING_MAX = 2_000;

/** When the first of those who are sent away shall come back, in milliseconds. */
const AWAY_MS = 3_000;

/** How long after one the next one shall come, in milliseconds: twice what a registration takes. */
const SLOT_MS = 2;

/** How much later than they were told agents come back at most, in milliseconds. */
const JITTER_MS = 500;

/** So many agents register within what any agent waits anyway. */
const SPREAD_AGENTS_MIN = 500;

/** The longest that a return is spread over, in milliseconds. */
const SPREAD_MS_MAX = 60_000;

/**
 * Sends agents away that come while thousands of others register, each to a
 * time of its own, so that nobody waits in vain.
 */
export class Turnstile {
  readonly #clock: Clock;
  #bookedAt = 0;

  /** Makes one that has sent nobody away. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Lets an agent pass, unless too many register.
   *
   * @param registering How many are connected and have no session yet.
   * @throws {TransporterError} `slow_down`; `details.come_back_ms` says after how many milliseconds.
   */
  pass(registering: number): void {
    if (registering <= REGISTERING_MAX) return;
    const now = this.#clock.monotonic();
    this.#bookedAt = Math.max(this.#bookedAt, now + AWAY_MS) + SLOT_MS;
    const ms = Math.ceil(this.#bookedAt - now);
    throw new TransporterError(
      "slow_down",
      `Cannot register now as ${registering} agents do: come back in ${ms} ms`,
      { details: { come_back_ms: ms } },
    );
  }
}

/**
 * Over how many milliseconds so many agents spread their return when their
 * control plane was away. Few come back at once.
 */
export function spreadMsOf(agents: number): number {
  return agents < SPREAD_AGENTS_MIN
    ? 0
    : Math.min(agents * SLOT_MS, SPREAD_MS_MAX);
}

/** How long whoever was sent away is to stay away, in milliseconds; `undefined` for another reason. */
export function comeBackMs({ details }: TransporterError): number | undefined {
  const ms = details?.["come_back_ms"];
  return typeof ms === "number" ? ms : undefined;
}

/** Tells an agent when to come back, if that is why it is turned away; one that would not understand is only closed. */
export async function sendAway(
  link: Link,
  { link: offer }: RegistrationFrame,
  reason: TransporterError,
): Promise<void> {
  const ms = comeBackMs(reason);
  if (ms === undefined) return;
  if (!offer?.versions.includes(2) || !offer.features.includes("drain")) return;
  await link.send({
    type: "drain",
    reason: "many agents register",
    reconnect_after_ms: ms,
    jitter_ms: JITTER_MS,
  });
}
