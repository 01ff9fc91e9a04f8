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

/** A request's place among what is on its way to the store. Dispose it when the request is answered. */
export interface Room extends Disposable {
  /**
   * Takes the bytes of one of its events; dispose that when the store has
   * answered.
   *
   * @throws {TransporterError} `overloaded`.
   */
  enter(bytes: number): Disposable;
}

interface Waiting {
  /** When it came, or when an event of it was last answered. */
  since: number;
}

/**
 * Lets events in while the store keeps up, and refuses them at once when it
 * does not: what waits is bounded in number, in bytes and in time. What has
 * been accepted, and what becomes of it, does not pass here.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  /** Who was not heard of for longest comes first. */
  readonly #waiting = new Set<Waiting>();
  readonly #byTenant = new Map<string, number>();
  #events = 0;
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
    this.#checkRoom(tenant);
  }

  /**
   * Lets a request in whose body was read. Its events count from now on, and
   * not only once they are looked at, which takes a while when much comes. It
   * is not refused for being late: that would waste what reading it cost.
   *
   * @param tenant Whose it is.
   * @param events How many of its events are worked on at a time.
   * @throws {TransporterError} `overloaded`.
   */
  begin(tenant: string, events: number): Room {
    this.#checkRoom(tenant);
    const waiting = { since: this.#clock.monotonic() };
    this.#waiting.add(waiting);
    this.#count(tenant, events);
    return {
      enter: (bytes) => this.#enter(waiting, bytes),
      [Symbol.dispose]: () => {
        if (this.#waiting.delete(waiting)) this.#count(tenant, -events);
      },
    };
  }

  /** Whether something of a tenant is on its way to the store. */
  isBusy(tenant: string): boolean {
    return this.#byTenant.has(tenant);
  }

  /** Each of those that have something waiting may have the same share of the room. */
  #checkRoom(tenant: string): void {
    const { waitingEventsMax } = this.#limits;
    const own = this.#byTenant.get(tenant) ?? 0;
    const tenants = this.#byTenant.size + (own === 0 ? 1 : 0);
    if (
      own >= waitingEventsMax / tenants || this.#events >= waitingEventsMax
    ) {
      refuse(`${this.#events} events wait for the store`);
    }
  }

  #enter(waiting: Waiting, bytes: number): Disposable {
    if (
      this.#bytes > 0 && this.#bytes + bytes > this.#limits.waitingBytesMax
    ) {
      refuse(`events of ${this.#bytes} bytes wait for the store`);
    }
    this.#bytes += bytes;
    let entered = true;
    return {
      [Symbol.dispose]: () => {
        if (!entered) return;
        entered = false;
        this.#bytes -= bytes;
        if (!this.#waiting.delete(waiting)) return;
        waiting.since = this.#clock.monotonic();
        this.#waiting.add(waiting);
      },
    };
  }

  #count(tenant: string, by: number): void {
    this.#events += by;
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
