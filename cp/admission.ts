import { type Clock, TransporterError } from "@transporter/sdk";

/** How much may be on its way to the store. */
export interface AdmissionLimits {
  /** Events. */
  readonly waitingEventsMax: number;
  /** Bytes of their bodies. */
  readonly waitingBytesMax: number;
  /** Milliseconds that the longest waiting one may have waited. */
  readonly waitingMsMax: number;
}

/** The limits unless told otherwise. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  waitingEventsMax: 1000,
  waitingBytesMax: 64 * 1024 * 1024,
  waitingMsMax: 250,
};

interface Waiting {
  readonly tenant: string;
  readonly bytes: number;
  readonly since: number;
}

/**
 * Lets events in while the store keeps up, and refuses them at once when it
 * does not: what waits is bounded in number, in bytes and in time. What has
 * been accepted, and what becomes of it, does not pass here.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  readonly #byTenant = new Map<string, number>();
  #bytes = 0;

  /** Makes one where nothing waits. */
  constructor(clock: Clock, limits: AdmissionLimits = ADMISSION_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Refuses work whose events would be refused as things are; before a body is
   * read.
   *
   * @throws {TransporterError} `overloaded`.
   */
  check(tenant: string): void {
    const { waitingMsMax } = this.#limits;
    const [longest] = this.#waiting;
    const ms = longest === undefined
      ? 0
      : this.#clock.monotonic() - longest.since;
    if (ms > waitingMsMax) {
      refuse(`the store has been busy for ${Math.round(ms)} ms`);
    }
    this.checkRoom(tenant);
  }

  /**
   * Refuses work whose events would find no room; when a body was read, and
   * before what it costs to look at each of its events.
   *
   * @throws {TransporterError} `overloaded`.
   */
  checkRoom(tenant: string): void {
    const { waitingEventsMax } = this.#limits;
    // Each of those that have something waiting may have the same share of the room.
    const own = this.#byTenant.get(tenant) ?? 0;
    const tenants = this.#byTenant.size + (own === 0 ? 1 : 0);
    if (
      own >= waitingEventsMax / tenants ||
      this.#waiting.size >= waitingEventsMax
    ) {
      refuse(`${this.#waiting.size} events wait for the store`);
    }
  }

  /**
   * Lets an event in; dispose it when the store has answered. What has been
   * read is not refused for being late: that would waste what it cost.
   *
   * @throws {TransporterError} `overloaded`.
   */
  enter(tenant: string, bytes: number): Disposable {
    this.checkRoom(tenant);
    if (
      this.#waiting.size > 0 &&
      this.#bytes + bytes > this.#limits.waitingBytesMax
    ) {
      refuse(`events of ${this.#bytes} bytes wait for the store`);
    }
    const waiting = { tenant, bytes, since: this.#clock.monotonic() };
    this.#waiting.add(waiting);
    this.#count(tenant, 1);
    this.#bytes += bytes;
    return {
      [Symbol.dispose]: () => {
        if (!this.#waiting.delete(waiting)) return;
        this.#count(tenant, -1);
        this.#bytes -= bytes;
      },
    };
  }

  #count(tenant: string, by: 1 | -1): void {
    const count = (this.#byTenant.get(tenant) ?? 0) + by;
    if (count > 0) this.#byTenant.set(tenant, count);
    else this.#byTenant.delete(tenant);
  }
}

function refuse(found: string): never {
  throw new TransporterError(
    "overloaded",
    `Cannot accept events now as ${found}: try again later`,
  );
}
